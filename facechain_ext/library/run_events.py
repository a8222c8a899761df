"""What a training has shown, kept line by line so that it can be shown again."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.events import CheckpointSaved, Event, Preview, Step
from facechain_ext.imaging.files import decode, encode_png, write_atomic

Facts = dict[str, Any]


@dataclass(frozen=True)
class EventLog:
    """A run's events.jsonl and the pictures beside it; steps, snapshots and samples alone."""

    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / "events.jsonl"

    def add(self, event: Event) -> None:
        """Append an event, if it is of a kind that is kept."""
        facts = self._facts_of(event)
        if facts is not None:
            with self.path.open("a", encoding="utf-8", newline="\n") as stream:
                stream.write(json.dumps(facts) + "\n")

    def read(self) -> tuple[Event, ...]:
        """Return all events, pictures included; a line cut off by a crash is left out, and what
        is damaged or has lost its pictures."""
        read = (_read(self.folder, facts) for facts in self._lines())
        return tuple(event for event in read if event is not None)

    def steps(self) -> list[Step]:
        """Return the steps alone, without reading a picture."""
        return [Step(**facts) for facts in self._lines() if facts.pop("event") == "Step"]

    def rewind(self, step: int, snapshots: Collection[int]) -> None:
        """Forget what came after a step, and snapshots other than these."""
        kept = [facts for facts in self._lines() if _before(facts, step, snapshots)]
        text = "".join(json.dumps(facts) + "\n" for facts in kept)
        write_atomic(self.path, text.encode("utf-8"))

    def _facts_of(self, event: Event) -> Facts | None:
        if isinstance(event, Step):
            return {"event": "Step", **asdict(event)}
        if isinstance(event, CheckpointSaved):
            return {"event": "CheckpointSaved", "step": event.step, "path": event.path.name}
        if isinstance(event, Preview):
            names = self._save_samples(event)
            likeness = list(event.similarities)
            return {"event": "Preview", "step": event.step, "images": names, "likeness": likeness}
        return None

    def _save_samples(self, preview: Preview) -> list[str]:
        folder = self.folder / "samples"
        folder.mkdir(exist_ok=True)
        names = [f"step-{preview.step:06d}-{number}.png" for number in range(len(preview.images))]
        for name, picture in zip(names, preview.images, strict=True):
            write_atomic(folder / name, encode_png(picture))
        return names

    def _lines(self) -> Iterator[Facts]:
        if not self.path.is_file():
            return
        for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
            facts = _facts(line)
            if facts is not None:
                yield facts


def _facts(line: str) -> Facts | None:
    try:
        facts = json.loads(line)
    except (ValueError, RecursionError):
        return None
    known = isinstance(facts, dict) and str(facts.get("event")) in READERS
    return facts if known and isinstance(facts.get("step"), int) else None


def _before(facts: Facts, step: int, snapshots: Collection[int]) -> bool:
    return facts["step"] <= step if facts["event"] == "Step" else facts["step"] in snapshots


def _read(folder: Path, facts: Facts) -> Event | None:
    try:
        return READERS[facts["event"]](folder, facts)
    except (KeyError, ValueError, TypeError, OSError, InvalidInput):
        return None


def _step(folder: Path, facts: Facts) -> Step:
    measured = (float(facts[key]) for key in MEASURED)
    return Step(facts["step"], int(facts["total"]), *measured)


def _preview(folder: Path, facts: Facts) -> Preview:
    paths = [folder / "samples" / name for name in facts["images"]]
    pictures = tuple(decode(path.read_bytes(), name=path.name) for path in paths)
    likeness = (None if value is None else float(value) for value in facts["likeness"])
    return Preview(facts["step"], pictures, tuple(likeness))


MEASURED = ("loss", "learning_rate", "images_per_second", "eta_seconds")

READERS: dict[str, Callable[[Path, Facts], Event]] = {
    "Step": _step,
    "CheckpointSaved": lambda folder, facts: CheckpointSaved(
        facts["step"], folder / "checkpoints" / facts["path"]
    ),
    "Preview": _preview,
}
