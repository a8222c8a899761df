"""A face's own axes and lengths, so that nothing depends on its size, place and tilt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from facechain_ext.base.records import Points

Vector = NDArray[np.float64]
"""Shape (2,), x to the right and y down, in pixels."""

Field = NDArray[np.float32]
"""A vector for every place of a grid, shape (H, W, 2), in pixels."""

_EYES = ((33, 133), (362, 263))
_MOUTH_CORNERS = (61, 291)
_CHIN, _FOREHEAD = 152, 10
_LIPS = (13, 14)


@dataclass(frozen=True, eq=False)
class FaceFrame:
    """mesh: (478, 2), the points of the face."""

    mesh: Points

    @cached_property
    def right(self) -> Vector:
        """The unit vector from eye to eye, to the picture's right."""
        first, second = (self.mesh[list(eye)].mean(axis=0) for eye in _EYES)
        across = (second - first).astype(np.float64)
        return np.asarray(across / max(np.hypot(*across), 1e-6))

    @property
    def down(self) -> Vector:
        return np.array([-self.right[1], self.right[0]])

    @cached_property
    def mouth(self) -> Vector:
        """The middle of the line on which the lips meet."""
        return np.asarray(self.mesh[list(_LIPS)].mean(axis=0), np.float64)

    @cached_property
    def half_mouth(self) -> float:
        """Half of the mouth's width."""
        left, right = self.mesh[list(_MOUTH_CORNERS)].astype(np.float64)
        return max(1.0, float((right - left) @ self.right) / 2)

    @cached_property
    def jaw(self) -> float:
        """From the mouth to the chin."""
        return max(1.0, float((self.mesh[_CHIN] - self.mouth) @ self.down))

    @cached_property
    def height(self) -> float:
        """From the top of the forehead to the chin."""
        return max(1.0, float((self.mesh[_CHIN] - self.mesh[_FOREHEAD]) @ self.down))

    @cached_property
    def width(self) -> float:
        """From cheek to cheek."""
        return max(1.0, float(np.ptp(self.mesh @ self.right)))

    def local(self, points: ArrayLike) -> Vector:
        """Tell places (..., 2) from the mouth on: in half mouths across, in jaws down."""
        apart = np.asarray(points, np.float64) - self.mouth
        return np.stack(
            [apart @ self.right / self.half_mouth, apart @ self.down / self.jaw], axis=-1
        )

    def place(self, across: float, down: float) -> Vector:
        """Return the point so many half mouths across and jaws down from the mouth."""
        return np.asarray(
            self.mouth + across * self.half_mouth * self.right + down * self.jaw * self.down
        )
