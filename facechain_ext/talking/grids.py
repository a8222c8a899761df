"""Smooth fields on coarse grids: sampled, enlarged and turned round."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.talking.face_frame import Field

Box = tuple[int, int, int, int]
"""x1, y1, x2, y2 in whole pixels, the last ones outside."""

_TURNS = 6
_LEAST_STRETCH = 0.5


@dataclass(frozen=True)
class Grid:
    """Nodes every `step` pixels of a box, each in the middle of its cell."""

    box: Box
    step: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the box in pixels."""
        return self.box[2] - self.box[0], self.box[3] - self.box[1]

    @cached_property
    def nodes(self) -> NDArray[np.float64]:
        """Where the nodes lie in the picture, (rows, columns, 2)."""
        across, down = (
            low + self.step * (np.arange(-(-side // self.step)) + 0.5) - 0.5
            for low, side in zip(self.box[:2], self.size, strict=True)
        )
        return np.stack(np.meshgrid(across, down), axis=-1)

    @cached_property
    def pixels(self) -> Field:
        """Every pixel's own place in the picture, (H, W, 2)."""
        x1, y1, x2, y2 = self.box
        across, down = np.arange(x1, x2, dtype=np.float32), np.arange(y1, y2, dtype=np.float32)
        return np.stack(np.meshgrid(across, down), axis=-1)

    def enlarged(self, coarse: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what stands at the nodes for every pixel."""
        rows, columns = coarse.shape[:2]
        whole = (columns * self.step, rows * self.step)
        fine = cv2.resize(coarse, whole, interpolation=cv2.INTER_LINEAR)
        return np.asarray(fine[: self.size[1], : self.size[0]], np.float32)

    def at(self, coarse: NDArray[np.float32], places: Field) -> NDArray[np.float32]:
        """Return what stands at places of the picture (H, W, 2), read between the nodes."""
        offset = np.array(self.box[:2], np.float32) + np.float32((self.step - 1) / 2)
        inside = (places - offset) * np.float32(1 / self.step)
        read = cv2.remap(coarse, inside, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(read, np.float32)

    def turned(self, forward: Field) -> Field:
        """Return the field that leads back, from a smooth one that leads there.

        Each turn goes as far as the field stretches there: lips that close stretch it twofold.
        """
        nodes = self.nodes.astype(np.float32)
        told = np.concatenate([forward, self._stretch(forward)], axis=-1)
        back = np.zeros_like(forward)
        for _ in range(_TURNS):
            read = self.at(told, nodes + back)
            back -= (back + read[..., :2]) / read[..., 2:]
        return back

    def _stretch(self, forward: Field) -> Field:
        """Return how much longer each direction is after a field than before it."""
        across, down = np.gradient(forward[..., 0], axis=1), np.gradient(forward[..., 1], axis=0)
        stretch = 1 + np.stack([across, down], axis=-1) / self.step
        return np.maximum(stretch, _LEAST_STRETCH).astype(np.float32)


def boxed(low: NDArray[np.floating], high: NDArray[np.floating], shape: tuple[int, int]) -> Box:
    """Return the box between two corners, cut off at the border of a picture (H, W)."""
    x1, y1 = np.floor(low).astype(int).tolist()
    x2, y2 = np.ceil(high).astype(int).tolist()
    return max(0, x1), max(0, y1), min(shape[1], x2 + 1), min(shape[0], y2 + 1)
