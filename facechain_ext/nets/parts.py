"""MediaPipe's multiclass selfie net: hair, skin and clothes as soft masks (Google 2023)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Face, Mask, Pixels
from facechain_ext.imaging.files import resize
from facechain_ext.imaging.masks import guided_filter
from facechain_ext.nets.network import Network, to_blob

_SIDE = 256
_LONG_SIDE = 2048
_EDGE_NOISE = 1e-4
_SURENESS = 3.0
"""By how much the net's scores are stretched: as they are, it is never surer than 0.92."""

_DARK, _LEAST_DARK = 80, 0.02
"""From which level on nothing is dark, and how much of a picture is worth a second look."""

_ABOVE, _BESIDE, _BELOW = 1.6, 3.6, 6.8
"""How far from the middle of a face a whole body reaches, in longer sides of the face."""

_LARGE = 0.7
"""Share of the picture from which on a person is not looked at more closely."""

Scores = NDArray[np.float32]
"""One logit a class and pixel, (6, H, W)."""

_Box = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Parts:
    """What is where on the people of a picture; with the background the masks add up to 1.

    face_skin: with ears. body_skin: the neck, too. other: glasses, jewels, bags, hats.
    """

    hair: Mask
    body_skin: Mask
    face_skin: Mask
    clothes: Mask
    other: Mask

    @property
    def person(self) -> Mask:
        """Everything that is not background."""
        whole = self.hair + self.body_skin + self.face_skin + self.clothes + self.other
        return np.asarray(np.clip(whole, 0, 1), np.float32)


class PartsReader:
    """Tells hair, skin and clothes apart."""

    def __init__(self) -> None:
        self._network = Network("selfie_multiclass_fp16.onnx")

    def read(self, pixels: Pixels, face: Face | None = None) -> Parts:
        """Return the parts at the picture's own size; give it whole pictures.

        With a face, of whom it is: a person who is small in the picture is looked at more closely.
        """
        height, width = pixels.shape[:2]
        scale = min(1.0, _LONG_SIDE / max(height, width))
        small = resize(pixels, (max(1, round(width * scale)), max(1, round(height * scale))))
        scores = self._look(small)
        if face is not None:
            left, top, right, bottom = _around(face, scale, scores.shape[1:])
            if (right - left) * (bottom - top) < _LARGE * scores[0].size:
                closer = self._look(np.ascontiguousarray(small[top:bottom, left:right]))
                scores[:, top:bottom, left:right] = closer
        shares = [_sized(mask, (width, height)) for mask in _refined(_shares(scores), small)]
        return Parts(*shares[1:])

    def _look(self, pixels: Pixels) -> Scores:
        """Return the net's scores, enlarged to the picture's size.

        What is dark is looked at again in brighter: the net takes black clothes for background.
        """
        small = resize(pixels, (_SIDE, _SIDE))
        size = (pixels.shape[1], pixels.shape[0])
        classes = self._scores(small)
        dark = np.clip(1 - small.mean(axis=2) / _DARK, 0, 1).astype(np.float32)
        if dark.mean() > _LEAST_DARK:
            brighter = np.rint(255 * np.sqrt(small / 255)).astype(np.uint8)
            classes = classes * (1 - dark) + self._scores(brighter) * dark
        return np.stack(
            [cv2.resize(each, size, interpolation=cv2.INTER_LINEAR) for each in classes]
        )

    def _scores(self, small: Pixels) -> Scores:
        scores: Scores = self._network.run(to_blob(small, scale=1 / 255))["classes"][0]
        return scores


def _around(face: Face, scale: float, shape: tuple[int, ...]) -> _Box:
    """Return the box of a body by its face, cut off at the picture's border."""
    side = scale * max(face.width, face.height)
    x, y = (scale * value for value in face.center)
    left, right = (int(np.clip(x + way * _BESIDE * side, 0, shape[1])) for way in (-1, 1))
    top, bottom = (int(np.clip(y + way * side, 0, shape[0])) for way in (-_ABOVE, _BELOW))
    return left, top, max(right, left + 1), max(bottom, top + 1)


def _shares(scores: Scores) -> Scores:
    raised = np.exp(_SURENESS * (scores - scores.max(axis=0)))
    return np.asarray(raised / raised.sum(axis=0), np.float32)


def _refined(shares: Scores, pixels: Pixels) -> list[Mask]:
    """Fit what was seen at 256 x 256 to the edges of the picture; they add up to 1 again."""
    radius = max(2, round(2 * max(pixels.shape) / _SIDE))
    fitted = [guided_filter(each, pixels, radius=radius, eps=_EDGE_NOISE) for each in shares]
    total = np.maximum(np.sum(fitted, axis=0), np.float32(1e-6))
    return [np.asarray(each / total, np.float32) for each in fitted]


def _sized(mask: Mask, size: tuple[int, int]) -> Mask:
    if mask.shape == size[::-1]:
        return mask
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR), np.float32)
