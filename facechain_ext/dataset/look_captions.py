"""What pictures of a look are called: beside them, by a tagger, or by hand; and what is common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from facechain_ext.base.errors import InvalidInput, reason
from facechain_ext.styles.person_words import is_of_the_person

LONGEST_FILE = 100_000
LONGEST_CAPTION = 2000
MOST_TAGS = 12
"""Of what is common in a style's prompt, so that a person and the user have room beside it."""

PRAISE = frozenset(
    (
        "masterpiece", "best quality", "high quality", "raw photo", "high detail face",
        "photorealistic", "realistic", "highres", "absurdres", "upper body", "medium shot",
    )
)  # fmt: skip
"""What taggers and captions say of any picture, and what tells no look from another."""


def read_sidecar(picture: Path) -> str | None:
    """Return the caption in the .txt beside a picture, in one line; None where there is none.

    Raises what `read_caption` raises.
    """
    names = (picture.with_suffix(".txt"), picture.with_name(picture.name + ".txt"))
    path = next((path for path in names if path.is_file()), None)
    return None if path is None else read_caption(path)


def read_caption(path: Path) -> str:
    """Return a caption's file in one line; raises InvalidInput, naming it, where it is no text."""
    try:
        if path.stat().st_size > LONGEST_FILE:
            raise InvalidInput(f"{path.name} is too long for a caption.")
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path.name} is no caption: it is no UTF-8 text.") from error
    except OSError as error:
        raise InvalidInput(f"{path.name} cannot be read: {reason(error)}.") from error
    return tidy(text, path.name)


def tidy(text: str, name: str) -> str:
    """Return a caption in one line; raises InvalidInput for one that is none."""
    line = " ".join(text.split())
    if len(line) > LONGEST_CAPTION:
        raise InvalidInput(
            f"The caption of {name} has {len(line):,} letters; {LONGEST_CAPTION:,} are the most."
        )
    if not line.isprintable():
        raise InvalidInput(f"The caption of {name} holds what is no text.")
    return line


def of_tags(tags: Sequence[str]) -> str:
    """Write a tagger's tags as a caption: with spaces, without commas of their own."""
    return ", ".join(
        filter(None, (tag.replace("_", " ").replace(",", " ").strip() for tag in tags))
    )


def with_trigger(caption: str, trigger_word: str) -> str:
    """Return a caption that begins with the trigger word, which is in it once."""
    phrases = [phrase for phrase in phrases_of(caption) if phrase != trigger_word]
    return ", ".join([trigger_word, *phrases])


def phrases_of(caption: str) -> list[str]:
    """Return what stands between commas."""
    return [phrase for part in caption.split(",") if (phrase := " ".join(part.split()))]


def common_tags(captions: Sequence[str], trigger_word: str) -> list[str]:
    """Return what more than half of the captions say and not all of them, most frequent first.

    What all say, the trigger word stands for. Words about the person, and praise, are left out.
    """
    counts = _counted(captions, trigger_word)
    half, all_ = len(captions) / 2, len(captions)
    return [phrase for phrase, count in counts if half < count < all_][:MOST_TAGS]


def usual_tags(captions: Sequence[str], trigger_word: str) -> list[str]:
    """Return what more than half of the captions say, what all say too, most frequent first."""
    counts = _counted(captions, trigger_word)
    return [phrase for phrase, count in counts if count > len(captions) / 2][:MOST_TAGS]


def _counted(captions: Sequence[str], trigger_word: str) -> list[tuple[str, int]]:
    """Count in how many captions each phrase stands that may tell a look."""
    said = [dict.fromkeys(phrase.lower() for phrase in phrases_of(text)) for text in captions]
    counts = Counter(phrase for phrases in said for phrase in phrases)
    return [pair for pair in counts.most_common() if _tells_a_look(pair[0], trigger_word)]


def _tells_a_look(phrase: str, trigger_word: str) -> bool:
    plain = phrase.replace("_", " ")
    return (
        phrase != trigger_word.lower()
        and plain not in PRAISE
        and not is_of_the_person(plain)
        and not set("<>{}()[]:|\\") & set(plain)
    )
