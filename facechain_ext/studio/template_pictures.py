"""Whole pictures put together of faces that were painted, and why none came out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from facechain_ext.base.infotext import add_fields
from facechain_ext.base.records import Photo, Portrait, Score
from facechain_ext.config import TemplateConfig
from facechain_ext.portrait.template_infotext import Seated, template_fields
from facechain_ext.studio.seat import NewFace, Seat


def whole_pictures(
    template: Photo, seats: Sequence[Seat], config: TemplateConfig
) -> Iterator[Portrait]:
    """Put whole pictures together: each face's best on the first, its second best on the next."""
    if not all(seat.found for seat in seats):
        return
    most = max(len(seat.found) for seat in seats)
    for place in range(min(config.count, most)):
        chosen = [(seat, seat.found[min(place, len(seat.found) - 1)]) for seat in seats]
        yield _picture(template, chosen, config)


def _picture(
    template: Photo, chosen: Sequence[tuple[Seat, NewFace]], config: TemplateConfig
) -> Portrait:
    """Lay faces into a copy of the template; it counts as much as its least alike person."""
    whole = template.pixels.copy()
    for seat, face in chosen:
        seat.exchange.place.lay_into(whole, face.square, seat.exchange.alpha, seat.others)
    least = min((face for _, face in chosen), key=lambda face: face.rank)
    seated = [
        Seated(seat.face.number, seat.name, face.seed, face.score.similarity)
        for seat, face in chosen
    ]
    told = template_fields(template.name, seated, config)
    first = chosen[0][1]
    return Portrait(
        whole,
        Score(least.score.similarity, least.score.rejection),
        first.seed,
        add_fields(first.infotext, told),
        fusion_note=next((s.exchange.note for s, _ in chosen if s.exchange.note), None),
    )


def why_none(seats: Sequence[Seat]) -> str:
    failed = [seat for seat in seats if not any(face.score.ranked for face in seat.found)]
    told = ", ".join(f"{seat.face.number} ({seat.name}: {_why(seat.found)})" for seat in failed)
    return (
        f"No candidate is good enough for face {told}. Try more attempts, another seed, or more "
        "fusion."
    )


def _why(found: Sequence[NewFace]) -> str:
    reasons = [face.score.rejection.value for face in found if face.score.rejection]
    return ", ".join(dict.fromkeys(reason.replace("_", " ") for reason in reasons)) or "not painted"
