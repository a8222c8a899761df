"""MoveNet Lightning: the 17 points of the body nearest to a picture's middle (Google, 2021)."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Pixels, Points
from facechain_ext.nets.network import Network

_SIDE = 192
_CELLS = 48
_NEARNESS = 1.8
"""Cells that are added to a distance before evidence is divided by it."""

Grid = NDArray[np.float32]


class BodyPoints(NamedTuple):
    """COCO's 17 points in pixels, (17, 2), and how sure the net is of each, (17,), 0..1.

    In order: nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles; the left one (to
    the right in a picture of somebody who faces it) before the right one.
    """

    points: Points
    scores: NDArray[np.float32]


class MoveNet:
    """Finds a body."""

    def __init__(self) -> None:
        self._network = Network("movenet_lightning_fp16.onnx")

    def locate(self, pixels: Pixels) -> BodyPoints:
        """Return the body in picture coordinates; whether it is one, the scores tell."""
        square, side, shift = _squared(pixels)
        outputs = self._network.run(square[None].astype(np.float32))
        heat, center, base, offset = (
            outputs[name].reshape(-1, _CELLS, _CELLS).transpose(1, 2, 0)
            for name in ("t627", "t635", "t631", "t639")
        )
        places, scores = _decode(_sigmoid(heat), _sigmoid(center), base, offset)
        return BodyPoints((places * side - shift).astype(np.float32), scores)


def _squared(pixels: Pixels) -> tuple[Pixels, int, NDArray[np.float64]]:
    """Put a picture in the middle of a square of the net's size; its side and shift in pixels."""
    height, width = pixels.shape[:2]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    bottom, right = side - height - top, side - width - left
    square = cv2.copyMakeBorder(pixels, top, bottom, left, right, cv2.BORDER_CONSTANT)
    small = cv2.resize(square, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), side, np.array([left, top], np.float64)


def _decode(heat: Grid, center: Grid, base: Grid, offset: Grid) -> tuple[Grid, Grid]:
    """Read 17 places (x, y), in shares of the side, and scores off the four heads."""
    rows, columns = np.mgrid[:_CELLS, :_CELLS]
    middle = _CELLS / 2
    near = center[..., 0] / (np.hypot(rows - middle, columns - middle) + _NEARNESS)
    cell = np.unravel_index(int(near.argmax()), near.shape)
    starts = base[cell].reshape(17, 2) + np.array(cell)
    places, scores = np.zeros((17, 2), np.float32), np.zeros(17, np.float32)
    for joint, (y, x) in enumerate(starts):
        evidence = heat[..., joint] / (np.hypot(rows - y, columns - x) + _NEARNESS)
        at = np.unravel_index(int(evidence.argmax()), evidence.shape)
        move = offset[at].reshape(17, 2)[joint]
        places[joint] = (at[1] + move[1]) / _CELLS, (at[0] + move[0]) / _CELLS
        scores[joint] = heat[at][joint]
    return places, scores


def _sigmoid(logits: Grid) -> Grid:
    return np.asarray(1 / (1 + np.exp(-logits)), np.float32)
