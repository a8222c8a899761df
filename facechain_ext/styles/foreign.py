"""Styles from elsewhere made ours: words that belong to the person, and networks, are left out."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from facechain_ext.base.errors import InvalidInput, quoted
from facechain_ext.base.records import Gender
from facechain_ext.styles.person_words import is_of_the_person, says_man, says_woman
from facechain_ext.styles.style import PERSON, Style, parse_style

FACECHAINS = "add_prompt_style"
"""The field by which a style of FaceChain's own is told."""

_FIELDS = (
    "name", "img", "model_id", "revision", "bin_file", "multiplier_style", "multiplier_human",
    "add_prompt_style",
)  # fmt: skip
_IN_ENGLISH = re.compile(r"[(（]([^()（）]+)[)）]\s*$")
_NETWORK = re.compile(r"<\w+:[^>]*>")
_EMPHASIS = re.compile(r"(?<!\\)[()\[\]{}]|:\s*[\d.]+\s*(?=[)\]]|$)")
_COMMA = re.compile(r"[,，、\n]")
_LONGEST_NAME = 60


@dataclass(frozen=True)
class Imported:
    """A style from elsewhere; notes: what was left out of it, as sentences."""

    style: Style
    notes: tuple[str, ...] = ()


def read_foreign(record: object) -> Imported:
    """Read a style of ours or of FaceChain's; raises InvalidInput."""
    if isinstance(record, Mapping) and FACECHAINS in record:
        return from_facechain(record)
    return Imported(parse_style(record))


def from_facechain(record: Mapping[str, Any]) -> Imported:
    """Make a style of one of FaceChain's own; raises InvalidInput for a field that cannot be."""
    told = str(record.get("name", ""))[:200]
    label = f"Style {quoted(told)}"
    if unknown := sorted(str(key)[:40] for key in record.keys() - {*_FIELDS}):
        raise InvalidInput(f"{label} has unknown fields: {', '.join(unknown[:5])}.")
    text = record[FACECHAINS]
    if not told.strip() or not isinstance(text, str):
        raise InvalidInput(f"{label} needs a name and a text as {FACECHAINS}.")
    english = _IN_ENGLISH.search(told)
    title = (english[1] if english else told).strip()
    words, notes = plain_words(text)
    lora = PurePosixPath(str(record.get("bin_file") or "").replace("\\", "/"))
    style = Style(
        name=slug(title),
        title=title,
        prompt=", ".join([PERSON, *words]),
        category="FaceChain",
        genders=_genders(text),
        lora_weight=_number(label, "multiplier_human", record),
        style_lora=lora.stem if record.get("model_id") else "",
        style_lora_weight=_number(label, "multiplier_style", record) or 0.4,
    )
    return Imported(style, notes)


def plain_words(text: str) -> tuple[list[str], tuple[str, ...]]:
    """Split a prompt into phrases without emphasis; return those that may stay, and notes."""
    networks = _NETWORK.findall(text)
    split = (_EMPHASIS.sub("", phrase) for phrase in _COMMA.split(_NETWORK.sub(",", text)))
    phrases = dict.fromkeys(phrase for each in split if (phrase := " ".join(each.split())))
    kept = [phrase for phrase in phrases if not is_of_the_person(phrase)]
    if not (gone := [*networks, *(phrase for phrase in phrases if phrase not in kept)]):
        return kept, ()
    told = ", ".join(gone)[:300]
    return kept, (f"Left out, as it is the person's or switches a network on: {told}.",)


def slug(title: str) -> str:
    """Make a style's name of a title; of one without Latin letters, a short hash."""
    plain = unicodedata.normalize("NFKD", title.lower()).encode("ascii", "ignore").decode()
    words = "-".join(re.findall(r"[a-z0-9]+", plain))[:_LONGEST_NAME].strip("-")
    return words or f"style-{hashlib.sha256(title.encode()).hexdigest()[:8]}"


def with_free_name(style: Style, taken: Iterable[str]) -> str:
    """Return the style's name, or that name with the first number that is free."""
    names = {*taken}
    numbered = (f"{style.name[: _LONGEST_NAME - 5]}-{number}" for number in range(2, 10_000))
    return next(name for name in (style.name, *numbered) if name not in names)


def _genders(text: str) -> tuple[Gender, ...]:
    """Tell whom a style is for, where its words name women alone or men alone."""
    if says_woman(text) == says_man(text):
        return ()
    return (Gender.WOMAN,) if says_woman(text) else (Gender.MAN,)


def _number(label: str, name: str, record: Mapping[str, Any]) -> float | None:
    value = record.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
        raise InvalidInput(f"{label}: {name} must be a number, not {quoted(value)}.")
    return value
