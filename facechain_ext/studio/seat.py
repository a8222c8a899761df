"""One face of a template and who comes there: painted, judged, painted again where it failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import ceil

from facechain_ext.base.host import GeneratedImage, GenerationRequest, Host, StepCallback
from facechain_ext.base.infotext import parse_infotext
from facechain_ext.base.records import Face, Pixels, Points, Rejection, Score
from facechain_ext.base.repainting import RepaintRequest
from facechain_ext.config import TemplateConfig
from facechain_ext.imaging.patch import patch_around
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.acquaintance import Acquaintance
from facechain_ext.portrait.exchange import Exchange
from facechain_ext.portrait.numbered import NumberedFace
from facechain_ext.portrait.regions import face_height
from facechain_ext.portrait.seam import added_seam

_BLEND = 0.05
"""Of the painting into its surroundings, in face heights."""

_MOST_SEAM = 1.5
"""Edge along the border, over what was there before, from which on it is seen."""

_SEAM = 0.015
"""Width of the border that is looked at, in face heights."""


@dataclass(frozen=True, eq=False)
class NewFace:
    """A candidate for a face. square: to be laid into the template."""

    square: Pixels
    score: Score
    seed: int
    infotext: str
    seam: float

    @property
    def rank(self) -> tuple[bool, float]:
        similarity = self.score.similarity
        return self.score.ranked, -1.0 if similarity is None else similarity


@dataclass(frozen=True, eq=False)
class Seat:
    """A numbered face and its exchange. others: meshes of all other faces, in the template."""

    face: NumberedFace
    name: str
    exchange: Exchange
    acquaintance: Acquaintance
    drawing: GenerationRequest
    others: Sequence[Points]
    found: list[NewFace] = field(default_factory=list)

    def fill(
        self,
        template: Pixels,
        config: TemplateConfig,
        host: Host,
        nets: FaceNets,
        on_step: StepCallback | None,
    ) -> Iterator[NewFace]:
        """Paint candidates until there are as many good ones as pictures, or the limit is met."""
        for attempt in range(config.attempts):
            request = self._request(config, attempt)
            part = _part_width(request)
            for image in host.repaint(request, on_step):
                self.found.append(self._judged(image, part, template, nets))
                yield self.found[-1]
            if sum(face.score.ranked for face in self.found) >= config.count:
                break
        self.found.sort(key=lambda face: face.rank, reverse=True)

    def _request(self, config: TemplateConfig, attempt: int) -> RepaintRequest:
        exchange, first = self.exchange, attempt * config.candidates
        seeds = self.drawing.seeds[first : first + config.candidates]
        return RepaintRequest(
            replace(self.drawing, seeds=seeds),
            exchange.led,
            exchange.mask,
            config.strength,
            max(2, round(_BLEND * face_height(exchange.place.landmarks))),
        )

    def _judged(
        self, image: GeneratedImage, part: int, template: Pixels, nets: FaceNets
    ) -> NewFace:
        scale = part / _painted_width(image)
        place, alpha = self.exchange.place, self.exchange.alpha
        square = self.exchange.finish(image.pixels, scale, nets)
        laid = place.laid(square, alpha, template, self.others)
        left, top, right, bottom = place.box(template.shape)
        before = template[top:bottom, left:right]
        here = _shifted(self.face.face, left, top)
        score = self.acquaintance.judge(laid, here, len(nets.detector.detect(before)), nets)
        width = max(1, round(_SEAM * face_height(place.landmarks)))
        edge = added_seam(place.pixels, square, alpha, width=width)
        if score.ranked and edge > _MOST_SEAM:
            score = replace(score, rejection=Rejection.SEAM)
        return NewFace(square, score, image.seed, image.infotext, edge)


@dataclass(frozen=True, eq=False)
class Count:
    """How many candidates were painted, and how many there will be if nothing fails from now on."""

    before: Sequence[Seat]
    seat: Seat
    after: int
    candidates: int

    @property
    def done(self) -> int:
        return sum(len(seat.found) for seat in (*self.before, self.seat))

    @property
    def total(self) -> int:
        attempts = max(1, ceil(len(self.seat.found) / self.candidates))
        earlier = sum(len(seat.found) for seat in self.before)
        return earlier + (attempts + self.after) * self.candidates


def _part_width(request: RepaintRequest) -> int:
    """Return the width of the part that is painted, in pixels of the square."""
    part = patch_around(request.pixels, request.mask, blend=request.blend, side=64)
    return int(part.alpha.shape[1])


def _painted_width(image: GeneratedImage) -> int:
    """Return the width that the host has painted at; 512 where it does not tell."""
    width = parse_infotext(image.infotext)[2].get("Size", "").partition("x")[0]
    return int(width) if width.isdigit() else 512


def _shifted(face: Face, left: int, top: int) -> Face:
    x1, y1, x2, y2 = face.box
    return replace(face, box=(x1 - left, y1 - top, x2 - left, y2 - top))
