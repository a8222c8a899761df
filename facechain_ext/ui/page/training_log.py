"""What is known of one training, put together from its events; live and afterwards alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from facechain_ext.base.events import (
    Event,
    PhotoPrepared,
    Preview,
    Stage,
    Step,
    TrainingFinished,
)
from facechain_ext.base.records import PreparedPhoto


@dataclass
class TrainingLog:
    """losses: (step, loss). previews: sample pictures by snapshot, oldest first.

    kept_steps: the snapshots that the LoRA was made from, once that is known.
    """

    stage: Stage | None = None
    photos: dict[int, PreparedPhoto] = field(default_factory=dict)
    losses: list[tuple[int, float]] = field(default_factory=list)
    previews: list[Preview] = field(default_factory=list)
    last: Step | None = None
    finished: TrainingFinished | None = None
    kept_steps: tuple[int, ...] = ()

    @classmethod
    def of(cls, events: Iterable[Event]) -> TrainingLog:
        log = cls()
        for event in events:
            log.add(event)
        return log

    def add(self, event: Event) -> None:
        """Take one more event in; those that say nothing of a training are passed over."""
        match event:
            case Stage():
                self.stage = event
            case PhotoPrepared():
                self.photos[event.done] = event.photo
            case Step():
                self._go_back_before(event.step)
                self.last = event
                self.losses.append((event.step, event.loss))
            case Preview():
                self.previews = [p for p in self.previews if p.step < event.step] + [event]
            case TrainingFinished():
                self.finished = event
                self.kept_steps = event.steps

    def _go_back_before(self, step: int) -> None:
        """Forget what a training that goes on from an earlier state does once more."""
        if self.last is not None and step <= self.last.step:
            self.losses = [(n, loss) for n, loss in self.losses if n < step]
            self.previews = [preview for preview in self.previews if preview.step < step]

    @property
    def total_steps(self) -> int:
        return self.last.total if self.last else 0
