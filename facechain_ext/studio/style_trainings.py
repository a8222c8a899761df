"""Trainings of styles: pictures kept, begun, stopped, gone on with, looked back at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.events import Event, TrainingFinished
from facechain_ext.base.host import Host
from facechain_ext.base.records import LoraFile
from facechain_ext.base.stopwatch import Stopwatch
from facechain_ext.config import TrainStyleConfig
from facechain_ext.library.look import Look
from facechain_ext.library.looks import Looks
from facechain_ext.library.runs import Resumable, RunFolder, RunHistory, newest_stopped
from facechain_ext.studio.look_keeping import LookKeeping
from facechain_ext.studio.style_shelf import StyleShelf

if TYPE_CHECKING:
    from facechain_ext.studio.style_training import StyleTraining


@dataclass(frozen=True)
class StyleTrainings:
    """Trains the looks in a folder on the host's model; their styles go onto the shelf."""

    host: Host
    shelf: StyleShelf
    root: Path

    @cached_property
    def looks(self) -> Looks:
        """The pictures that are kept."""
        looks = Looks(self.root)
        looks.settle()
        return looks

    @property
    def keeping(self) -> LookKeeping:
        """What takes pictures in."""
        return LookKeeping(self.host, self.looks, self.shelf.styles)

    def begin(
        self,
        name: str,
        pictures: Sequence[Path],
        captions: Sequence[str | None],
        config: TrainStyleConfig,
    ) -> Iterator[Event]:
        """Keep pictures, where there are any, and train on them; TrainingFinished is last.

        Without pictures it trains on those that are kept, with captions as edited since. What is
        Cancelled can be resumed. Raises InvalidInput for the checkpoint before all else.
        """
        self.host.current_checkpoint()
        watch = Stopwatch()
        if pictures:
            with watch.measure("prepare"):
                look = yield from self.keeping.keep(name, pictures, captions, config)
        else:
            look = self.looks.get(name)
        yield from self._training(look, watch).begin(config)

    def resumable(self, name: str) -> Resumable | None:
        """Find the newest training of a look that was stopped and can go on."""
        return Resumable.of(_stopped(self.looks.get(name)))

    def resume(self, name: str) -> Iterator[Event]:
        """Go on with the training that `resumable` finds; the last event is TrainingFinished.

        Raises InvalidInput where there is none, ModelUnavailable on another checkpoint.
        """
        look = self.looks.get(name)
        run = _stopped(look)
        if run is None:
            raise InvalidInput(f"{look.name} has no stopped training to go on with.")
        return self._training(look, Stopwatch()).resume(run)

    def go_on(self, name: str, since: float, config: TrainStyleConfig) -> Iterator[Event] | None:
        """Go on with the newest training begun since then, in Unix seconds, or tell again how it
        ended; begin on pictures that were all kept since. None where nothing has come so far."""
        look = self.looks.find(name)
        if look is None:
            return None
        later = [run for run in look.begun() if run.record.started.timestamp() >= since]
        if not later:
            return self.begin(name, (), (), config) if look.kept_at >= since else None
        ended = self.finished(name, later[-1].name)
        if ended is not None:
            return ended
        return None if later[-1].newest_step is None else self.resume(name)

    def finished(self, name: str, run: str) -> Iterator[Event] | None:
        """Tell again how a training ended, as its last event; None where it has not."""
        look = self.looks.get(name)
        end = next((each for each in look.manifest.runs if each.name == run), None)
        if end is None:
            return None
        paths = self.host.paths
        lora = LoraFile(
            paths.lora_dir / paths.lora_folder / end.lora,
            end.trigger_word,
            end.lora_sha256,
            weight=look.manifest.style_weight,
            alias=end.alias,
        )
        return iter([TrainingFinished(lora, end.steps, end.similarity)])

    def history(self, name: str) -> RunHistory | None:
        """Read back what a look's newest training has shown; None where there is none."""
        look = self.looks.get(name)
        begun = look.begun()
        if not begun:
            return None
        run, done = begun[-1], {each.name for each in look.manifest.runs}
        return RunHistory(run.name, run.record, run.name in done, run.log.read())

    def _training(self, look: Look, watch: Stopwatch) -> StyleTraining:
        from facechain_ext.studio.style_training import StyleTraining

        return StyleTraining(self.host, self.shelf, look, watch)


def _stopped(look: Look) -> RunFolder | None:
    return newest_stopped(look.begun(), {run.name for run in look.manifest.runs})
