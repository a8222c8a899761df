"""Smooth warps through point pairs: thin-plate splines (Bookstein 1989)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Points

Map = NDArray[np.float32]
"""For each pixel where it comes from, shape (H, W, 2), as cv2.remap takes it."""

_ROWS_AT_ONCE = 2048
_KNOTS_ACROSS = 96


class ThinPlateSpline:
    """The map from the plane to the plane that bends least and leads source to target points."""

    def __init__(self, source: Points, target: Points, *, stiffness: float = 1e-2) -> None:
        """Fit; stiffness is how much noise in the points is smoothed away, 0: none."""
        self._origin = source.mean(axis=0).astype(np.float64)
        self._unit = float(source.std()) or 1.0
        self._knots = self._scaled(source)
        count = len(source)
        affine = np.column_stack([np.ones(count), self._knots])
        bending = _kernel(self._knots, self._knots) + stiffness * np.eye(count)
        system = np.block([[bending, affine], [affine.T, np.zeros((3, 3))]])
        wanted = np.vstack([target.astype(np.float64), np.zeros((3, target.shape[1]))])
        self._weights = np.linalg.solve(system, wanted)

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map points (N, 2)."""
        blocks = np.array_split(points, max(1, len(points) // _ROWS_AT_ONCE))
        return np.vstack([self._map(self._scaled(block)) for block in blocks])

    def _map(self, scaled: NDArray[np.float64]) -> NDArray[np.float64]:
        affine = np.column_stack([np.ones(len(scaled)), scaled])
        bending = _kernel(scaled, self._knots)
        return np.asarray(bending @ self._weights[:-3] + affine @ self._weights[-3:])

    def _scaled(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.asarray((points.astype(np.float64) - self._origin) / self._unit)


def _kernel(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    across, down = (first[:, axis, None] - second[None, :, axis] for axis in (0, 1))
    squared = np.square(across, out=across)
    squared += np.square(down, out=down)
    bent = np.add(squared, 1e-12, out=down)
    return np.multiply(squared, np.log(bent, out=bent), out=squared)


def backward_map(
    drawn: Points, source: Points, size: tuple[int, int], *, stiffness: float = 1e-2
) -> Map:
    """Tell for each pixel of a canvas (width, height) which source point is drawn there.

    drawn, source: the same points on the canvas and in the source picture. stiffness: as above.
    """
    step = max(1, -(-max(size) // _KNOTS_ACROSS))
    # One cell more on every side, since enlarging does not extrapolate.
    across, down = (step * (np.arange(-1, -(-side // step) + 1) + 0.5) - 0.5 for side in size)
    grid = np.stack(np.meshgrid(across, down), axis=-1)
    coarse = ThinPlateSpline(drawn, source, stiffness=stiffness)(grid.reshape(-1, 2)).reshape(
        grid.shape
    )
    whole = (len(across) * step, len(down) * step)
    fine = cv2.resize(coarse.astype(np.float32), whole, interpolation=cv2.INTER_LINEAR)
    return np.asarray(fine, np.float32)[step : step + size[1], step : step + size[0]]


def magnification(sources: Map) -> NDArray[np.float32]:
    """Return how many source pixels fall on each drawn pixel (an area, negative where folded)."""
    right, down = np.gradient(sources, axis=1), np.gradient(sources, axis=0)
    area = right[..., 0] * down[..., 1] - right[..., 1] * down[..., 0]
    return area.astype(np.float32)
