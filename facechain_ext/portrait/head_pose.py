"""Where a head points, told from its 478 points and the mean face; and moving a face to a pose.

The camera is scaled orthography: picture = scale * rotation[:2] @ face + shift, which suits faces
that are small against their distance.
"""

from __future__ import annotations

import functools
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Points

Solid = NDArray[np.float64]
"""Points in space, shape (N, 3), x to the right, y down, z away from the viewer."""

_MEAN_FACE = Path(__file__).with_name("mean_face.json")


@dataclass(frozen=True, eq=False)
class Pose:
    """A scaled orthographic camera: rotation (3, 3), scale, shift (2,) in pixels."""

    rotation: NDArray[np.float64]
    scale: float
    shift: NDArray[np.float64]

    @property
    def facing(self) -> NDArray[np.float64]:
        """Where the nose points, a unit vector; (0, 0, -1) is straight at the viewer."""
        return -self.rotation[:, 2]

    @property
    def yaw(self) -> float:
        """Degrees to the right of the picture, -90..90."""
        return math.degrees(math.atan2(self.facing[0], -self.facing[2]))

    @property
    def pitch(self) -> float:
        """Degrees downwards, -90..90."""
        return math.degrees(math.asin(np.clip(self.facing[1], -1, 1)))

    def project(self, solid: Solid) -> Points:
        """Draw points of space on the picture."""
        flat = self.scale * solid @ self.rotation[:2].T + self.shift
        return np.asarray(flat, np.float32)

    def lift(self, points: Points) -> Solid:
        """Give the mean face's depth to points of a picture and turn them to the front."""
        flat = (points - self.shift) / self.scale
        depth = (mean_face() @ self.rotation.T)[:, 2]
        return np.column_stack([flat, depth]) @ self.rotation


FRONTAL = Pose(np.eye(3), 1.0, np.zeros(2))
"""Straight at the viewer."""


@functools.cache
def mean_face() -> Solid:
    """Return the mean of many faces, frontal and symmetric, in eye distances."""
    record = json.loads(_MEAN_FACE.read_text(encoding="utf-8"))
    return np.asarray(record["points"], np.float64)


def fit_pose(points: Points, solid: Solid | None = None) -> Pose:
    """Find the pose in which a face (the mean one) lies closest to its points on a picture.

    An affine camera by least squares, then the scaled orthography nearest to it.
    """
    solid = mean_face() if solid is None else solid
    flat = np.asarray(points, np.float64)
    columns = np.column_stack([solid, np.ones(len(solid))])
    affine = np.linalg.lstsq(columns, flat, rcond=None)[0].T
    left, stretch, right = np.linalg.svd(affine[:, :3], full_matrices=False)
    axes = left @ right
    scale = float(stretch.mean())
    shift = (flat - scale * solid @ axes.T).mean(axis=0)
    return Pose(np.vstack([axes, np.cross(axes[0], axes[1])]), scale, shift)


def angle_between(first: Pose, second: Pose) -> float:
    """Return the angle in degrees between the directions two heads face; roll does not count."""
    return math.degrees(math.acos(np.clip(first.facing @ second.facing, -1, 1)))


def repose(points: Points, target: Points) -> Points:
    """Turn a face to where another one looks, at its size and place, keeping its own shape."""
    own = fit_pose(points).lift(points)
    return fit_pose(target, own).project(own)
