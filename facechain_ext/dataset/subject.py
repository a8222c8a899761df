"""The person in a photo: found, checked, cut out and measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facechain_ext.base.records import Attributes, Embedding, Face, Mask, Photo, Pixels
from facechain_ext.config import PrepareConfig
from facechain_ext.dataset.checks import (
    check_clear,
    check_cut,
    check_pose,
    check_size,
    check_width,
    main_face,
)
from facechain_ext.dataset.copies import face_detail
from facechain_ext.dataset.cutout import Cutout, cut_out, face_sharpness
from facechain_ext.dataset.framing import moved
from facechain_ext.dataset.levelling import refine
from facechain_ext.dataset.matte import cleaned
from facechain_ext.dataset.quality import quality
from facechain_ext.dataset.search import find_faces
from facechain_ext.imaging.files import resize
from facechain_ext.imaging.geometry import compose, invert, scale_of, warp_mask, yaw_ratio
from facechain_ext.nets import FaceNets, Segmenter
from facechain_ext.nets.orientation import upright

_LONG_SIDE = 2048


@dataclass(frozen=True, eq=False)
class Subject:
    """The main person of a photo, found good enough to learn from.

    person: (S, S), the matte, 0 beyond the photo. quality, detail: as from `quality` and
    `face_detail`.
    """

    cutout: Cutout
    person: Mask
    attributes: Attributes
    embedding: Embedding
    quality: float
    detail: float


def find_subject(photo: Photo, config: PrepareConfig, nets: FaceNets) -> Subject:
    """Find the main person of a photo; raises Unusable with the verdict on a bad one."""
    check_size(photo, config.max_megapixels)
    pixels = _upright(photo.pixels, nets)
    found = main_face(find_faces(pixels, nets.detector), photo.name, ratio=config.main_face_ratio)
    face = refine(pixels, found, nets.detector)
    cutout = cut_out(pixels, face, nets.landmarker, size=config.size)
    # First: the box of a cut face is small, and its nose off the middle of what is left.
    check_cut(cutout.oval, cutout.valid, photo.name)
    check_width(face, photo.name, least=config.min_face_px)
    check_pose(face, photo.name)
    embedding, norm = nets.embedder.measure(pixels, face)
    sharpness = face_sharpness(cutout)
    check_clear(photo.name, norm=norm, sharpness=sharpness)
    return Subject(
        cutout,
        person=_matte(pixels, face, cutout, nets.segmenter),
        # Of the mesh only its shape is read, so it need not be in the photo's coordinates.
        attributes=nets.attributes.read(pixels, face, cutout.landmarks),
        embedding=embedding,
        quality=quality(
            norm=norm,
            face_px=min(face.width, face.height),
            yaw=yaw_ratio(face.landmarks),
            sharpness=sharpness,
        ),
        detail=face_detail(pixels, face),
    )


def _upright(pixels: Pixels, nets: FaceNets) -> Pixels:
    turns = upright(pixels, nets.detector)
    return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels


def _matte(pixels: Pixels, face: Face, cutout: Cutout, segmenter: Segmenter) -> Mask:
    """Segment the whole photo, no larger than the cutout needs, and cut the same out of the matte.

    The net knows photos: a cutout with a flat border would mislead it.
    """
    height, width = pixels.shape[:2]
    scale = min(1.0, scale_of(cutout.matrix), _LONG_SIDE / max(height, width))
    small = resize(pixels, (max(1, round(width * scale)), max(1, round(height * scale))))
    offset = (scale - 1) / 2
    shrink = np.array([[scale, 0, offset], [0, scale, offset]])
    whole = segmenter.person(small, moved(face, shrink))
    size = (cutout.valid.shape[1], cutout.valid.shape[0])
    matte = warp_mask(whole, compose(invert(shrink), cutout.matrix), size)
    return cleaned(matte, cutout.oval) * cutout.valid
