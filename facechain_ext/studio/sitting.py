"""What one run of portraits has come to so far; whatever ends it, what was drawn is not lost."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace

from facechain_ext.base.errors import Cancelled
from facechain_ext.base.events import PortraitsFinished
from facechain_ext.base.host import GeneratedImage
from facechain_ext.base.records import Portrait, Score
from facechain_ext.base.stopwatch import Stopwatch
from facechain_ext.portrait.rank import rank
from facechain_ext.studio.finishing import Finisher

logger = logging.getLogger(__name__)

STOPPED = "stopped before it was finished"
FAILED = "failed before it was finished"


@dataclass
class Sitting:
    """The pictures of a run as drawn, and those of them that are judged; notes: said in the end."""

    finisher: Finisher
    watch: Stopwatch
    notes: tuple[str, ...] = ()
    drawn: list[GeneratedImage] = field(default_factory=list)
    judged: list[Portrait] = field(default_factory=list)

    def judge(self) -> tuple[list[Portrait], list[Portrait]]:
        """Fuse and judge every picture; return the ranked ones and the rejected ones."""
        for image in self.drawn[len(self.judged) :]:
            self.judged.append(self.finisher.finish(image))
        return rank(self.judged)

    def enlarge(self, portraits: list[Portrait]) -> list[Portrait]:
        """Enlarge the best ones and rank them anew."""
        infotexts = {image.seed: image.infotext for image in self.drawn}
        return rank(self.finisher.enlarge(p, infotexts[p.seed]) for p in portraits)[0]

    def finished(
        self, best: list[Portrait], spare: list[Portrait], rejected: list[Portrait]
    ) -> PortraitsFinished:
        """Return the outcome with all that there is to say of it."""
        notes = (*self.notes, *self.finisher.notes)
        return PortraitsFinished(
            tuple(best), tuple(spare), tuple(rejected), self.watch.seconds, notes
        )

    def cut_short(self, error: Exception) -> PortraitsFinished:
        """Set aside all that was drawn before the run ended too early; nothing is ranked."""
        for image in self.drawn[len(self.judged) :]:
            self.judged.append(self._as_far_as_it_got(image))
        ranked, rejected = rank(self.judged)
        stopped = STOPPED if isinstance(error, Cancelled) else FAILED
        return replace(self.finished([], ranked, rejected), stopped=stopped)

    def _as_far_as_it_got(self, image: GeneratedImage) -> Portrait:
        try:
            return self.finisher.finish(image)
        except Exception:  # the run has failed already, perhaps of this; its error is told
            logger.exception("A picture is kept as it was drawn")
            return Portrait(image.pixels, Score(None), image.seed, image.infotext)
