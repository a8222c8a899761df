"""MediaPipe's selfie segmentation: the person as a soft matte (Google 2021, general model)."""

from __future__ import annotations

import cv2
import numpy as np

from facechain_ext.base.records import Face, Mask, Pixels
from facechain_ext.imaging.files import resize
from facechain_ext.imaging.masks import components_at, ellipse, guided_filter
from facechain_ext.nets.network import Network, to_blob

_SIDE = 256
_LONG_SIDE = 2048
_EDGE_NOISE = 1e-4
# Sides of the squares that are looked at more closely, in face sides. Where the views disagree,
# as in front of a crowd, each alone is often wrong and their mean is not.
_VIEWS = (2.4, 3.5, 5.0)

_Box = tuple[int, int, int, int]


class Segmenter:
    """Separates people from what is behind them."""

    def __init__(self) -> None:
        self._network = Network("selfie_segmentation.onnx")

    def person(self, pixels: Pixels, face: Face | None = None) -> Mask:
        """Return a soft matte of the people at the picture's own size.

        With a face, of that person: the net also looks closely at head and shoulders, people who
        do not touch this one are left out, and the face is in even where the net misses it.
        Give it whole photos; stretched or mirrored borders mislead it.
        """
        height, width = pixels.shape[:2]
        scale = min(1.0, _LONG_SIDE / max(height, width))
        small = resize(pixels, (max(1, round(width * scale)), max(1, round(height * scale))))
        evidence = self._look(small)
        if face is not None:
            evidence = self._look_closely(small, evidence, _scaled(face, scale))
        matte = _refine(evidence, small)
        if matte.shape != (height, width):
            matte = cv2.resize(matte, (width, height), interpolation=cv2.INTER_LINEAR)
        return matte if face is None else _with_face(matte, face)

    def _look(self, pixels: Pixels) -> Mask:
        """Return the net's answer as log-odds, enlarged to the picture's size."""
        blob = to_blob(resize(pixels, (_SIDE, _SIDE)), scale=1 / 255)
        matte = np.clip(self._network.run(blob)["matte"][0, 0], 0.01, 0.99)
        size = (pixels.shape[1], pixels.shape[0])
        odds: Mask = cv2.resize(np.log(matte / (1 - matte)), size, interpolation=cv2.INTER_LINEAR)
        return odds

    def _look_closely(self, pixels: Pixels, evidence: Mask, face: Face) -> Mask:
        """Average the whole view with closer ones, which count twice within their square."""
        total, weight = evidence.copy(), np.ones_like(evidence)
        for view in _VIEWS:
            x1, y1, x2, y2 = box = _around(face, view, evidence.shape)
            if (x2 - x1) * (y2 - y1) > 0.7 * evidence.size or min(x2 - x1, y2 - y1) < 8:
                continue
            trust = 2 * _inside(box, evidence.shape)
            total[y1:y2, x1:x2] += trust * self._look(np.ascontiguousarray(pixels[y1:y2, x1:x2]))
            weight[y1:y2, x1:x2] += trust
        mean: Mask = total / weight
        return mean


def _refine(evidence: Mask, pixels: Pixels) -> Mask:
    """Fit log-odds that were seen at 256 x 256 to the edges of the picture."""
    coarse: Mask = np.reciprocal(1 + np.exp(-evidence), dtype=np.float32)
    radius = max(2, round(2 * max(coarse.shape) / _SIDE))
    fitted = guided_filter(coarse, pixels, radius=radius, eps=_EDGE_NOISE)
    stretched: Mask = (fitted - 0.1) / np.float32(0.8)  # The filter leaves a veil around edges.
    return np.clip(stretched, 0, 1)


def _with_face(matte: Mask, face: Face) -> Mask:
    oval = ellipse(face.center, (0.42 * face.width, 0.5 * face.height), matte.shape)
    return components_at(np.maximum(matte, oval), oval)


def _scaled(face: Face, scale: float) -> Face:
    x1, y1, x2, y2 = (value * scale for value in face.box)
    return Face((x1, y1, x2, y2), face.landmarks * np.float32(scale), face.score)


def _around(face: Face, sides: float, shape: tuple[int, int]) -> _Box:
    """Return the square of so many face sides around a face, cut off at the picture's border."""
    half = sides / 2 * max(face.width, face.height)
    x, y = face.center
    return (
        int(np.clip(x - half, 0, shape[1])), int(np.clip(y - half, 0, shape[0])),
        int(np.clip(x + half, 0, shape[1])), int(np.clip(y + half, 0, shape[0])),
    )  # fmt: skip


def _inside(box: _Box, shape: tuple[int, int]) -> Mask:
    """Return weights over the box: 1 inside, falling to 0 at borders that are not the picture's."""
    x1, y1, x2, y2 = box
    return np.minimum(_ramp(y1, y2, shape[0])[:, None], _ramp(x1, x2, shape[1]))


def _ramp(low: int, high: int, length: int) -> Mask:
    place, width = np.arange(high - low, dtype=np.float32), (high - low) / 8
    rise = place / width if low > 0 else np.ones_like(place)
    fall = place[::-1] / width if high < length else np.ones_like(place)
    ramp: Mask = np.minimum(rise, fall)
    return np.clip(ramp, 0, 1)
