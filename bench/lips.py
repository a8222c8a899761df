"""What is seen in the frames of a portrait that speaks: lips, likeness, stillness."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np

from facechain_ext.base.records import Mask, Pixels
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.expression import read_expression
from facechain_ext.talking.mouth_shapes import shape_of
from facechain_ext.talking.mouth_track import Curve
from facechain_ext.talking.sitter import Sitter
from facechain_ext.talking.speech import Phone

STEP, SMOOTH = 0.005, 0.045
"""Seconds: of one step, and the deviation of the Gaussian that phones are smoothed with."""
MOST_SHIFT = 4
MET = 0.04
"""Opening over width of a mouth whose lips meet, as landmarks tell it."""
SILENT, APART = 0.05, 3
"""Loudness of silence, and how many frames it has to last before and after a frame."""
_NECK = 0.25
"""Where the head ends below the chin, in face heights."""


def look_at(frames: Sequence[Pixels], sitter: Sitter, nets: FaceNets) -> tuple[Curve, list[float]]:
    """Return how far the mouth is open in each frame, and how like the portrait every fifth is.

    A frame without a face is like it by 0.
    """
    (face, *_) = nets.detector.detect(sitter.pixels)
    own = nets.embedder.embed(sitter.pixels, face)
    opening, likeness = [], []
    for number, pixels in enumerate(frames):
        opening.append(read_expression(nets.landmarker.locate(pixels, face)).mouth)
        found = nets.detector.detect(pixels)
        if number % 5 == 0 or not found:
            seen = [nets.embedder.embed(pixels, each) @ own for each in found]
            likeness.append(float(max(seen, default=0.0)))
    return np.array(opening), likeness


def wanted_of(phones: Sequence[Phone], count: int, fps: int) -> Curve:
    """Return the opening that the phones alone ask for, smoothed as mouths are, at each frame."""
    wanted = np.zeros(round(count / fps / STEP))
    for phone in phones:
        if phone.symbol:
            wanted[round(phone.start / STEP) : round(phone.end / STEP)] = shape_of(
                phone.symbol
            ).opening
    soft = cv2.GaussianBlur(wanted[None], (0, 0), SMOOTH / STEP, borderType=cv2.BORDER_REPLICATE)[0]
    return np.asarray(soft[((np.arange(count) + 0.5) / fps / STEP).astype(int)])


def synchrony(opening: Curve, wanted: Curve, fps: int) -> dict[str, float]:
    """Compare what is seen with what the phones ask for, and find the shift that fits best."""

    def alike(shift: int) -> float:
        return float(np.corrcoef(np.roll(opening, -shift), wanted)[0, 1])

    best = max(range(-MOST_SHIFT, MOST_SHIFT + 1), key=alike)
    return {"correlation": alike(0), "offset_ms": 1000 * best / fps}


def met(opening: Curve, phones: Sequence[Phone], fps: int) -> tuple[int, int]:
    """Return at how many of p, b and m the lips meet in the middle or a frame beside it, and how
    many there are."""
    closed = [phone for phone in phones if shape_of(phone.symbol).closed]
    at = [int((phone.start + phone.end) / 2 * fps) for phone in closed]
    return sum(float(opening[max(0, n - 1) : n + 2].min()) < MET for n in at), len(at)


def quiver(opening: Curve, loudness: Curve) -> float:
    """Return how far apart the mouth's openings are in the silent frames of one clip."""
    near = np.ones(2 * APART + 1, np.uint8)
    loud = cv2.dilate((loudness[None] > SILENT).astype(np.uint8), near[None])[0]
    still = opening[: len(loud)][loud[: len(opening)] == 0]
    return float(np.ptp(still)) if len(still) else 0.0


def around(frames: Sequence[Pixels], sitter: Sitter) -> float:
    """Return the largest mean change from frame to frame, in grey levels, outside the head."""
    outside = cv2.dilate(_head(sitter), np.ones((25, 25), np.uint8)) < 0.05
    if not outside.any():
        return 0.0
    changes = [
        float(np.abs(after[outside].astype(int) - before[outside]).mean())
        for before, after in pairwise(frames)
    ]
    return max(changes, default=0.0)


def _head(sitter: Sitter) -> Mask:
    """Return the matte of the person down to a little below the chin."""
    frame, person = sitter.frame, sitter.person
    places = np.stack(np.meshgrid(*map(np.arange, person.shape[::-1])), axis=-1)
    below = (places - frame.place(0, 1)) @ frame.down / frame.height
    return np.where(below > _NECK, 0, person).astype(np.float32)
