"""What was said of a person's photos when they were added, of those too that are not kept."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
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


def verdicts_of(judged: Iterable[PreparedPhoto]) -> list[PhotoVerdict]:
    """Tell of photos in their order; the crops of the accepted ones are numbered as saved."""
    told: list[PhotoVerdict] = []
    for photo in judged:
        verdict, number = photo.verdict, sum(other.accepted for other in told)
        stem = f"{number:03d}" if verdict.accepted else None
        told.append(
            PhotoVerdict(photo.name, verdict.accepted, verdict.reason, verdict.message, stem)
        )
    return told


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
