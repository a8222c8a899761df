"""From a portrait and words to a video in which it speaks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from facechain_ext.config.option import Validated, option

LONGEST_TEXT = 20_000
"""Characters of one speech: about twenty minutes."""


@dataclass(frozen=True)
class TalkConfig(Validated):
    """What is said, by which voice, and how the face moves."""

    text: str = option(
        "", label="Text", longest=LONGEST_TEXT, help="What is said; empty where a recording is."
    )
    voice: Literal["heart", "michael", "xiaobei", "yunxi", "online"] = option(
        "heart",
        label="Voice",
        help="heart and michael: American English, a woman and a man. xiaobei and yunxi: Chinese, "
        "also with English words in it, a woman and a man; all but heart take the net kokoro. "
        "These are made on this computer. online: by a service of Microsoft's, to which the text "
        "goes.",
    )
    online_voice: str = option(
        "en-US-AriaNeural",
        label="Online voice",
        longest=100,
        help="Which of the service's voices the voice online is.",
    )
    send_text: bool = option(
        False,
        label="Send the text",
        help="Agree that the text goes to speech.platform.bing.com; the voice online takes that.",
    )
    speed: float = option(
        1.0, label="Speed", minimum=0.5, maximum=2.0, help="How fast the voice speaks."
    )
    volume: float = option(
        1.0, label="Volume", minimum=0.0, maximum=4.0, help="How loud the speech is."
    )
    listening: Literal["phones", "loudness"] = option(
        "phones",
        label="Listening",
        help="How a recording moves the mouth. phones: by the sounds heard in it, which takes the "
        "net hama. loudness: by how loud it is alone, which takes nothing.",
    )
    expression: float = option(
        1.0, label="Expression", minimum=0.5, maximum=2.0, help="How far the mouth moves."
    )
    head_motion: float = option(
        1.0,
        label="Head motion",
        minimum=0.0,
        maximum=2.0,
        help="How far head and brows move; 0 keeps them still.",
    )
    blink: bool = option(True, label="Blink", help="Let the eyes blink now and then.")
    face: int = option(
        0,
        label="Face",
        minimum=0,
        maximum=99,
        help="Which face speaks, counted from the left; 0: the only or largest one.",
    )
    restore_faces: bool = option(
        False,
        label="Restore faces",
        help="The webui's CodeFormer or GFPGAN on every frame: many times slower.",
    )
    animator: str = option(
        "",
        label="Animator",
        longest=60,
        help="Another's net that animates the face: sadtalker, where it is here, or the name of a "
        "package that is installed for it; empty: our own.",
    )
    run_code: bool = option(
        False,
        label="Run others' code",
        help="Agree that SadTalker's program code, which comes with its nets, runs on this "
        "computer.",
    )
    seed: int = option(
        0, label="Seed", minimum=0, maximum=2**32 - 1, help="Another one moves otherwise."
    )
