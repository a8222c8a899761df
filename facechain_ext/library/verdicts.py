"""What was said of a person's photos when they were added, of those too that are not kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

from facechain_ext.base.records import PreparedPhoto, Reason
from facechain_ext.imaging.files import write_atomic

FILE = "verdicts.json"


@dataclass(frozen=True)
class PhotoVerdict:
    """A photo by the name it came with. stem: of its crop and its original, None if rejected."""

    name: str
    accepted: bool
    reason: Reason | None
    message: str
    stem: str | None = None


def stems_of(judged: Sequence[PreparedPhoto], kept: Sequence[str] = ()) -> dict[int, str]:
    """Name the files of accepted photos, by the places of these.

    kept: what the first are called already. No new one gets a name that one of those has.
    """
    numbers = count(max((int(stem) + 1 for stem in kept if stem.isdecimal()), default=0))
    accepted = [place for place, photo in enumerate(judged) if photo.verdict.accepted]
    return {
        place: kept[place] if place < len(kept) else f"{next(numbers):03d}" for place in accepted
    }


def verdicts_of(
    judged: Sequence[PreparedPhoto], stems: Mapping[int, str] | None = None
) -> list[PhotoVerdict]:
    """Tell of photos in their order. stems: what the accepted ones' files are called."""
    names = stems_of(judged) if stems is None else stems
    return [
        PhotoVerdict(p.name, p.verdict.accepted, p.verdict.reason, p.verdict.message, names.get(n))
        for n, p in enumerate(judged)
    ]


def save_verdicts(folder: Path, verdicts: Iterable[PhotoVerdict]) -> None:
    """Write verdicts down beside the crops."""
    text = json.dumps([asdict(verdict) for verdict in verdicts], ensure_ascii=False, indent=1)
    write_atomic(folder / FILE, text.encode("utf-8"))


def load_verdicts(folder: Path) -> list[PhotoVerdict]:
    """Read verdicts back; none where none were kept, or what was is damaged."""
    try:
        facts = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return [
            PhotoVerdict(
                str(fact["name"]),
                bool(fact["accepted"]),
                Reason(fact["reason"]) if fact["reason"] else None,
                str(fact["message"]),
                None if fact["stem"] is None else str(fact["stem"]),
            )
            for fact in facts
        ]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
