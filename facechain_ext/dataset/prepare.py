"""From uploads to verdicts and, where a photo is good, an aligned, captioned training picture."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import cv2

from facechain_ext.base.errors import InvalidInput, UnreadablePhoto
from facechain_ext.base.records import Instance, Photo, PreparedPhoto, Reason
from facechain_ext.config import PrepareConfig
from facechain_ext.dataset.background import treat
from facechain_ext.dataset.captions import background_phrase, caption, looking_phrase
from facechain_ext.dataset.subject import Subject, find_subject
from facechain_ext.dataset.verdicts import ACCEPTED, Unusable, rejection
from facechain_ext.imaging.masks import feather
from facechain_ext.imaging.retouch import soften_skin
from facechain_ext.nets import FaceNets

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Unreadable:
    """An upload that could not be decoded; error says why, in a sentence."""

    name: str
    error: InvalidInput


def prepare(
    photos: Iterable[Photo | Unreadable], config: PrepareConfig, nets: FaceNets
) -> Iterator[PreparedPhoto]:
    """Judge uploads one at a time, in order; a bad one never stops the others."""
    # Not a loop, whose variable would hold a photo while the next one is being decoded.
    yield from map(partial(_judge, config=config, nets=nets), photos)


def _judge(photo: Photo | Unreadable, config: PrepareConfig, nets: FaceNets) -> PreparedPhoto:
    try:
        subject = find_subject(_decoded(photo), config, nets)
        return PreparedPhoto(photo.name, ACCEPTED, _instance(photo.name, subject, config))
    except Unusable as unusable:
        return PreparedPhoto(photo.name, unusable.verdict)
    except (InvalidInput, cv2.error, ArithmeticError, ValueError, MemoryError) as error:
        logger.info("%s could not be prepared", photo.name, exc_info=True)
        what = str(error) or type(error).__name__
        detail = f"{photo.name} could not be processed ({what})."
        return PreparedPhoto(photo.name, rejection(Reason.UNREADABLE, detail=detail))


def _decoded(upload: Photo | Unreadable) -> Photo:
    if isinstance(upload, Photo):
        return upload
    damaged = isinstance(upload.error, UnreadablePhoto)
    reason = Reason.UNREADABLE if damaged else Reason.TOO_LARGE
    raise Unusable(reason, detail=str(upload.error))


def _instance(name: str, subject: Subject, config: PrepareConfig) -> Instance:
    cutout, person = subject.cutout, subject.person
    pixels = treat(
        soften_skin(cutout.pixels, cutout.oval, config.retouch),
        person=person,
        valid=cutout.valid,
        background=config.background,
    )
    return Instance(
        name=name,
        pixels=pixels,
        valid=cutout.valid,
        person=person,
        face_mask=feather(cutout.oval, config.size / 64),
        face=cutout.face,
        landmarks=cutout.landmarks,
        embedding=subject.embedding,
        quality=subject.quality,
        detail=subject.detail,
        attributes=subject.attributes,
        caption=caption(
            subject.attributes,
            config.trigger_word,
            looking=looking_phrase(cutout.face),
            background=background_phrase(pixels),
        ),
    )
