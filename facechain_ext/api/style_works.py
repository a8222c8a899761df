"""The works of styles that are trained on pictures, as the body of a job asks for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from facechain_ext.api.operation import Call
from facechain_ext.api.reading import BadField
from facechain_ext.config import TrainStyleConfig
from facechain_ext.jobs.style_work import KeepLook, TrainStyle
from facechain_ext.jobs.work import Work

if TYPE_CHECKING:
    from facechain_ext.api.job_works import JobOrder

Look = TypeVar("Look", KeepLook, TrainStyle)


def style_work(call: Call, order: JobOrder, config: TrainStyleConfig) -> Work:
    """Return the work of a style; raises BadField, and what `TrainStyle.stopped` raises."""
    if not order.name:
        raise BadField("name", "name is missing: say what the style is called.")
    if order.kind == "keep_look":
        return _of(KeepLook, call, order, config)
    if order.resume and (call.photos or order.captions):
        raise BadField("resume", "A training that goes on takes no pictures and no captions.")
    if call.services.config.owners and not call.photos:
        raise BadField(
            "photos", "Pictures that are kept are nobody's own: send those to train on with it."
        )
    if order.resume:
        return TrainStyle.stopped(order.name, call.services.studio)
    return _of(TrainStyle, call, order, config)


def _of(kind: type[Look], call: Call, order: JobOrder, config: TrainStyleConfig) -> Look:
    work = kind.of(order.name, call.photos, config)
    told = order.captions or {}
    texts = _by_picture(told, work.photos)
    pairs = zip(texts, work.captions, strict=True)
    return replace(work, captions=tuple(text or beside for text, beside in pairs))


def _by_picture(told: Mapping[str, str], pictures: Sequence[Path]) -> list[str | None]:
    """Return each picture's caption; raises BadField for one of a picture that is not there."""
    names = {picture.name for picture in pictures}
    strange = next((name for name in told if name not in names), None)
    if strange is not None:
        raise BadField("captions", f"There is no picture {strange[:60]!a} among the photos.")
    return [told.get(picture.name) for picture in pictures]
