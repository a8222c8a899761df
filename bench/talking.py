"""Measure portraits that speak: lips against phones, likeness, stillness, speed, memory.

    python -m bench.talking PORTRAIT [PORTRAIT ...] [--voice heart --voice xiaobei] [--sentences 8]
        [--recordings FOLDER] [--size 512] [--minutes 0] [--keep FOLDER]

The portraits speak sentences of the voices and what the net hama hears in recordings, in turn;
frames are measured by their own landmarks, before they are encoded. Results go to stdout as JSON.
--minutes makes one long video more and tells the most memory in use. --keep keeps the videos.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench import lips
from bench.hiss import hiss_shift
from facechain_ext.base.records import Pixels
from facechain_ext.imaging.files import read_photo, resize
from facechain_ext.nets import FaceNets
from facechain_ext.standalone.diffusers_host import default_data_dir, paths_under
from facechain_ext.talking.gestures import make_gestures
from facechain_ext.talking.listening import PhoneListener
from facechain_ext.talking.mouth_track import loudness_of, track_mouth
from facechain_ext.talking.performance import Performer
from facechain_ext.talking.recording import read_recording
from facechain_ext.talking.scripts import ENGLISH
from facechain_ext.talking.sitter import Sitter, find_sitter
from facechain_ext.talking.speech import Speech, joined
from facechain_ext.talking.video import write_video
from facechain_ext.talking.voices import VOICES, Voice, find_voice

FPS = 25
SENTENCES = (
    "Bob and Pam made a big map of my home town.",
    "She sells sea shells by the sea shore.",
    "We open the window at noon, before the room becomes too warm.",
    "Please put the blue paper boat on the table.",
    "My mother bought five apples and a bottle of milk.",
    "How far is it to the old harbour from here?",
    "The museum opens at half past nine on Monday.",
    "Five women walked along the empty beach.",
    "I hope you both remember what I promised.",
    "A warm bath helps me more than a cup of tea.",
    "Nobody knows why the clock stopped at noon.",
    "Could you move your bag a little, please?",
    "The baker makes bread before people wake up.",
    "Our plane was late, so we missed the boat.",
    "It costs nine dollars and fifty cents.",
    "Keep the window shut; the papers blow about.",
    "Maybe Tom will bring his own umbrella.",
    "They laughed, and then they hummed a song.",
    "Who would have thought of that? Not me.",
    "Thank you very much, and goodbye for now.",
)

CHINESE_SENTENCES = (
    "妈妈买了八本白皮书，爸爸不怕跑步。",
    "四十是四十，十四是十四。",
    "今天是2026年11月29日，气温零下五度。",
    "请把门关上，外面风太大了。",
    "我用手机拍了三张照片，发给了朋友。",
    "这本书一共有256页，卖39.8元。",
    "明天早上8:30在公司门口见面。",
    "他不知道怎么去北京大学。",
    "小西说他是上海的学生，喜欢吃西瓜。",
    "我们一起去公园散步，好不好？",
)


def sentences_for(voice: str) -> tuple[str, ...]:
    """Return what a voice is given to say."""
    return SENTENCES if voice in ENGLISH.voices else CHINESE_SENTENCES


def open_voice(name: str) -> Voice:
    """Open a voice by its name, its nets in the usual folder."""
    models_dir = paths_under(default_data_dir()).models_dir
    return find_voice(name).make(models_dir, lambda: None, "")


def clips_of(
    voices: Sequence[str], sentences: int, recordings: Sequence[Path]
) -> Iterator[tuple[str, Speech]]:
    """Yield what is said, each with its name: sentences of each voice, then recordings as heard."""
    for name in voices:
        voice = open_voice(name)
        for sentence in sentences_for(name)[:sentences]:
            yield name, voice.speak(sentence)
    for path in recordings:
        heard = PhoneListener(paths_under(default_data_dir()).models_dir)
        yield path.name, heard.listen(read_recording(path))


def measure(
    portraits: Sequence[Path],
    clips: Iterable[tuple[str, Speech]],
    size: int,
    nets: FaceNets,
    keep: Path | None = None,
) -> dict[str, Any]:
    """Let the portraits speak in turn; return the means and the worst. keep: gets the videos."""
    rows: list[dict[str, Any]] = []
    for number, (said, speech) in enumerate(clips):
        path = portraits[number % len(portraits)]
        sitter = find_sitter(_sized(read_photo(path).pixels, size), nets)
        name = f"{path.parent.name}-{path.stem}"
        with tempfile.TemporaryDirectory() as folder:
            out = (keep or Path(folder)) / f"{number:02d}-{name}-{said}.mp4"
            rows.append(
                {"portrait": name, "said": said, **_clip(sitter, speech, out, number, nets)}
            )
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return {"clips": len(rows), **_summary(rows)}


def _summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    numbers = [name for name, value in rows[0].items() if not isinstance(value, str)]
    means = {name: round(float(np.mean([row[name] for row in rows])), 3) for name in numbers}
    means["lips_met"] = sum(row["lips_met"] for row in rows) / sum(row["lips"] for row in rows)
    worst = {
        "correlation": min(row["correlation"] for row in rows),
        "offset_ms": max((row["offset_ms"] for row in rows), key=abs),
        "likeness": min(row["least_likeness"] for row in rows),
        "around": max(row["around"] for row in rows),
        "quiver": max(row["quiver"] for row in rows),
    }
    return {"mean": means, "worst": worst}


def _sized(pixels: Pixels, size: int) -> Pixels:
    scale = size / min(pixels.shape[:2])
    return resize(pixels, (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale)))


def _clip(sitter: Sitter, speech: Speech, out: Path, seed: int, nets: FaceNets) -> dict[str, Any]:
    loudness = loudness_of(speech.samples, speech.rate, FPS)
    mouth = track_mouth(speech.phones, loudness, FPS)
    performer = Performer(sitter)
    gestures = make_gestures(loudness, FPS, seed, blink=False)
    begin = time.process_time()
    frames = [*performer.frames(mouth, gestures)]
    drawn = time.process_time() - begin
    begin = time.process_time()
    for _ in write_video(out, iter(frames), speech, FPS):
        pass
    encoded = time.process_time() - begin
    opening, likeness = lips.look_at(frames, sitter, nets)
    wanted = lips.wanted_of(speech.phones, len(frames), FPS)
    closed, count = lips.met(opening, speech.phones, FPS)
    return {
        "teeth": performer.teeth_from,
        **lips.synchrony(opening, wanted, FPS),
        "track": lips.synchrony(mouth.opening, wanted, FPS)["correlation"],
        "hiss_ms": 1000 * hiss_shift(speech),
        "lips_met": closed,
        "lips": count,
        "quiver": lips.quiver(opening, loudness),
        "likeness": float(np.mean(likeness)),
        "least_likeness": float(np.min(likeness)),
        "around": lips.around(frames, sitter),
        "draw_ms": 1000 * drawn / len(frames),
        "encode_ms": 1000 * encoded / len(frames),
    }


def memory(
    portrait: Path,
    voice: Voice,
    sentences: Sequence[str],
    minutes: float,
    size: int,
    nets: FaceNets,
) -> dict[str, float]:
    """Make one long video; return the most memory in use in MB, and frames a second."""
    import resource

    sitter = find_sitter(_sized(read_photo(portrait).pixels, size), nets)
    part = joined([voice.speak(each) for each in sentences], 0.3)
    speech = joined([part] * max(1, round(60 * minutes / part.seconds)), 0.3)
    loudness = loudness_of(speech.samples, speech.rate, FPS)
    mouth = track_mouth(speech.phones, loudness, FPS)
    frames = Performer(sitter).frames(mouth, make_gestures(loudness, FPS, 0))
    before, begin = _most_memory(resource), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for _ in write_video(Path(folder) / "a.mp4", frames, speech, FPS):
            pass
    seconds = time.perf_counter() - begin
    return {
        "minutes": speech.seconds / 60,
        "before_mb": before,
        "most_mb": _most_memory(resource),
        "frames_per_second": len(mouth) / seconds,
    }


def _most_memory(resource: Any) -> float:
    most = float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure portraits that speak.")
    parser.add_argument("portraits", nargs="+", type=Path)
    parser.add_argument("--voice", choices=VOICES, action="append", dest="voices", default=[])
    parser.add_argument("--sentences", type=int, default=len(SENTENCES))
    parser.add_argument("--recordings", type=Path)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args()
    nets = FaceNets()
    recordings = sorted(args.recordings.iterdir()) if args.recordings else []
    voices = args.voices or ([] if recordings else ["heart"])
    told: dict[str, Any] = {}
    if args.minutes:
        voice, sentences = open_voice(voices[0]), sentences_for(voices[0])
        told["memory"] = memory(args.portraits[0], voice, sentences, args.minutes, args.size, nets)
    clips = clips_of(voices, args.sentences, recordings)
    told.update(measure(args.portraits, clips, args.size, nets, args.keep))
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
