"""What the Styles panel does, without a page: everything long goes through the jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from facechain_ext.base.errors import Busy, FaceChainError, InvalidInput
from facechain_ext.base.events import Event
from facechain_ext.config import TrainStyleConfig
from facechain_ext.jobs.queue import Job
from facechain_ext.jobs.style_work import KeepLook, TrainStyle
from facechain_ext.library.look import Look
from facechain_ext.ui.page.services import Services
from facechain_ext.ui.page.training_log import TrainingLog

NEW = "+ New style"
"""The choice in the list of looks that stands for none yet."""
KINDS = (KeepLook.kind, TrainStyle.kind)


@dataclass(frozen=True)
class LookDesk:
    """Looks after looks on behalf of one or more open pages; before: what trainings had shown when
    a job went on with them."""

    services: Services
    before: dict[str, tuple[Event, ...]] = field(default_factory=dict)

    def names(self) -> list[str]:
        return [look.name for look in self.services.studio.style_trainings.looks.all()]

    def look(self, name: str) -> Look | None:
        """Find a look; None for none, and for a name that has no pictures (yet)."""
        try:
            looks = self.services.studio.style_trainings.looks
            return looks.find(name) if name.strip() and name != NEW else None
        except FaceChainError:
            return None

    def keep(self, name: str, pictures: Sequence[Path], config: TrainStyleConfig) -> Job:
        """Queue keeping pictures; raises InvalidInput for what is missing or cannot be."""
        _require_named(name)
        return self.services.jobs.submit(KeepLook.of(name, pictures, config))

    def train(self, name: str, pictures: Sequence[Path], config: TrainStyleConfig) -> Job:
        """Queue a training, on new pictures where there are any; raises InvalidInput, or Busy
        while one of the same name is queued."""
        _require_named(name)
        if not pictures and self.look(name) is None:
            raise InvalidInput("Choose pictures first: 10 to 200 that have a look in common.")
        self._refuse_second(name)
        return self.services.jobs.submit(TrainStyle.of(name, pictures, config))

    def can_resume(self, name: str) -> bool:
        """Tell whether a stopped training is in a state to go on."""
        try:
            look = self.look(name)
            found = look and self.services.studio.style_trainings.resumable(look.name)
        except FaceChainError:  # going on says what is wrong with it
            return False
        return bool(found) and not self._active(name)

    def resume(self, name: str) -> Job:
        """Queue going on with a stopped training."""
        self._refuse_second(name)
        return self.services.jobs.submit(TrainStyle.stopped(name, self.services.studio))

    def stop(self) -> None:
        """Cancel what is going on with styles, and what waits."""
        for job in self.services.jobs.active():
            if job.kind in KINDS:
                job.cancel()

    def delete(self, name: str) -> None:
        """Remove a look's pictures and trainings."""
        self.services.studio.style_trainings.looks.delete(name)

    def job(self) -> Job | None:
        """Return what is going on with styles, else what went on last."""
        mine = [job for job in self.services.jobs.all() if job.kind in KINDS]
        running = [job for job in mine if job.state.at_work]
        return next(reversed(running or mine), None)

    def log(self, job: Job) -> TrainingLog:
        """Put a job's events together, after those from before it was stopped."""
        return TrainingLog.of((*self._before(job), *job.events))

    def _before(self, job: Job) -> tuple[Event, ...]:
        if not job.record.work.get("run_name"):
            return ()
        if job.id not in self.before:
            look = self.look(str(job.record.work.get("name", "")))
            told = look and self.services.studio.style_trainings.history(look.name)
            self.before[job.id] = told.events if told else ()
        return self.before[job.id]

    def pictures(self, name: str) -> list[Path]:
        """Return a look's pictures."""
        look = self.look(name)
        return [] if look is None else look.pictures()

    def captions(self, name: str) -> dict[Path, str]:
        """Return a look's captions by their pictures."""
        look = self.look(name)
        return {} if look is None else {path: look.caption(path) for path in look.pictures()}

    def save_captions(self, name: str, texts: Mapping[str, str]) -> int:
        """Save captions by the stem of their pictures; return how many have changed."""
        known = {path.stem: text for path, text in self.captions(name).items()}
        changed = {stem: text for stem, text in texts.items() if known[stem] != text.strip()}
        if changed:
            self.services.studio.style_trainings.looks.get(name).set_captions(changed)
        return len(changed)

    def _active(self, name: str) -> list[Job]:
        look = self.look(name)
        names = {name.strip(), look.name if look else ""}
        active = [job for job in self.services.jobs.active() if job.kind in KINDS]
        return [job for job in active if job.record.work.get("name") in names]

    def _refuse_second(self, name: str) -> None:
        if self._active(name):
            raise Busy(f"{name} is being worked on already.")


def _require_named(name: str) -> None:
    if not name.strip() or name == NEW:
        raise InvalidInput("Type a name first: the style will be found under it.")
