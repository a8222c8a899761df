"""Several templates painted one after another, as one work with one outcome."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from facechain_ext.base.errors import Cancelled, NoPortraitFound
from facechain_ext.base.events import Candidate, Drawing, Event, PortraitsFinished, Stage
from facechain_ext.base.records import Photo, Portrait
from facechain_ext.config import TemplateConfig
from facechain_ext.portrait.casting import Cast
from facechain_ext.studio.sitting import FAILED, STOPPED
from facechain_ext.studio.stepping import Tell
from facechain_ext.studio.templates import Templates


@dataclass(frozen=True, eq=False)
class Order:
    """A template and who comes on which of its faces."""

    template: Photo
    cast: Cast


@dataclass
class Batch:
    """Templates that are painted in turn, and what has come of them so far.

    One that fails for want of a good face is told in a note; the others are painted all the same.
    """

    templates: Templates
    orders: Sequence[Order]
    config: TemplateConfig
    done: list[PortraitsFinished] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    candidates: int = 0
    """How many were painted for the templates that are over."""

    def make(self, tell: Tell | None = None) -> Iterator[Event]:
        """Paint all; the last event is PortraitsFinished, of every template in its turn.

        What was painted before it is stopped comes as PortraitsFinished without ranked pictures,
        before the error is raised. Raises NoPortraitFound where nothing came of any.
        """
        try:
            for place in range(len(self.orders)):
                yield from self._one(place, tell)
        except Exception as error:  # whatever it was
            if self.done:
                yield self._cut_short(error)
            raise
        finished = self._finished()
        yield finished
        if not finished.ranked:
            raise NoPortraitFound(" ".join(self.notes))

    def _one(self, place: int, tell: Tell | None) -> Iterator[Event]:
        order, painted = self.orders[place], 0
        told = None if tell is None else lambda drawing: tell(self._drawing(drawing, place))
        name = f"{order.template.name} ({place + 1} of {len(self.orders)})"
        try:
            for event in self.templates.make(order.template, order.cast, self.config, told):
                if isinstance(event, PortraitsFinished):
                    self.done.append(event)
                elif isinstance(event, Candidate):
                    painted = event.done
                    total = self.candidates + event.total + self._rest(place)
                    yield Candidate(self.candidates + painted, total)
                elif isinstance(event, Stage):
                    yield replace(event, name=f"{event.name} in {name}")
        except NoPortraitFound as error:
            self.notes.append(f"{order.template.name}: {error}")
        self.candidates += painted

    def _rest(self, place: int) -> int:
        """Return how many candidates the templates to come take, if nothing fails."""
        return sum(len(order.cast) for order in self.orders[place + 1 :]) * self.config.candidates

    def _drawing(self, event: Drawing, place: int) -> Drawing:
        pictures = self.candidates + event.pictures + self._rest(place)
        return replace(event, picture=self.candidates + event.picture, pictures=pictures)

    def _finished(self) -> PortraitsFinished:
        seconds: dict[str, float] = {}
        for part, spent in (item for each in self.done for item in each.seconds.items()):
            seconds[part] = seconds.get(part, 0.0) + spent
        said = [note for each in self.done for note in each.notes]
        return PortraitsFinished(
            self._all("ranked"),
            (),
            self._all("rejected"),
            seconds,
            tuple(dict.fromkeys((*said, *self.notes))),
        )

    def _cut_short(self, error: Exception) -> PortraitsFinished:
        stopped = STOPPED if isinstance(error, Cancelled) else FAILED
        return replace(self._finished(), ranked=(), spare=self._all("ranked"), stopped=stopped)

    def _all(self, part: str) -> tuple[Portrait, ...]:
        return tuple(portrait for each in self.done for portrait in getattr(each, part))
