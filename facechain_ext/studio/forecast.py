"""How long a training would be, in steps and by the clock."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from facechain_ext.base.host import Host
from facechain_ext.config import TrainConfig
from facechain_ext.library.people import PeopleLibrary
from facechain_ext.library.runs import RunFolder
from facechain_ext.training.pace import seconds_per_step
from facechain_ext.training.schedule import steps_of


@dataclass(frozen=True)
class Forecast:
    """seconds: None where no training has shown this checkpoint's pace yet."""

    steps: int
    seconds: float | None


@dataclass(frozen=True)
class Forecasts:
    """Goes by the newest finished training of anybody on the checkpoint that is loaded."""

    host: Host
    library: PeopleLibrary

    def of(self, name: str, config: TrainConfig) -> Forecast:
        """Tell how long a training on a person's kept photos would be.

        Raises PersonNotFound, ModelUnavailable without a checkpoint.
        """
        steps = steps_of(config, len(self.library.get(name).captions()))
        newest = self._newest()
        pace = None if newest is None else _seconds_per_step(newest)
        if newest is None or pace is None:
            return Forecast(steps, None)
        pictures = config.pictures_per_step / newest.record.config.pictures_per_step
        return Forecast(steps, steps * pace * pictures)

    def _newest(self) -> RunFolder | None:
        checkpoint = self.host.current_checkpoint().name
        alike = [
            RunFolder(person.folder / "runs" / run.name)
            for person in self.library.people()
            for run in person.manifest.runs
            if run.checkpoint == checkpoint
        ]
        return max(alike, key=lambda run: run.name, default=None)


@cache
def _seconds_per_step(finished: RunFolder) -> float | None:
    return seconds_per_step(finished.log.steps())
