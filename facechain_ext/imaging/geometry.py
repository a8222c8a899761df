"""Similarity transforms between pictures.

A transform is a (2, 3) float64 matrix that maps source (x, y, 1) to target (x, y). Coordinates
count pixel centres: the top-left one is (0, 0), so a picture w wide has its middle at (w - 1) / 2.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Mask, Pixels, Points

Matrix = NDArray[np.float64]
"""An affine transform, shape (2, 3)."""

Size = tuple[int, int]
"""Width and height in pixels."""

Fill = tuple[int, int, int] | Literal["edge", "mirror"]
"""What shows where the source ends: one RGB colour, its last pixels, or its reflection."""

Interpolation = Literal["nearest", "linear", "cubic", "lanczos"]

_INTERPOLATIONS: dict[Interpolation, int] = {
    "nearest": cv2.INTER_NEAREST,
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "lanczos": cv2.INTER_LANCZOS4,
}
_BORDERS = {"edge": cv2.BORDER_REPLICATE, "mirror": cv2.BORDER_REFLECT_101}
_LARGEST_SIDE = 8192


def similarity_transform(source: ArrayLike, target: ArrayLike) -> Matrix:
    """Find the rotation, scale and shift that bring source points closest to target points.

    Least squares without reflection (Umeyama 1991, eq. 39 to 43).
    source, target: (N, 2), N >= 2. Raises InvalidInput when the source points coincide.
    """
    x, y = np.asarray(source, np.float64), np.asarray(target, np.float64)
    if x.shape != y.shape or x.ndim != 2 or x.shape[1] != 2 or len(x) < 2:
        raise InvalidInput(f"Expected two equal lists of (x, y), got {x.shape} and {y.shape}.")
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    variance = ((x - mean_x) ** 2).sum() / len(x)
    if not variance > 1e-12:
        raise InvalidInput("The points coincide, so no transform can be told from them.")
    u, d, vt = np.linalg.svd((y - mean_y).T @ (x - mean_x) / len(x))
    sign = np.array([1.0, 1.0 if np.linalg.det(u @ vt) >= 0 else -1.0])
    linear = (u * sign) @ vt * ((d * sign).sum() / variance)
    return np.column_stack([linear, mean_y - linear @ mean_x])


def crop_matrix(
    center: tuple[float, float], side: float, *, size: int, angle: float = 0.0
) -> Matrix:
    """Map the square of `side` pixels around center, tilted by `angle`, onto size x size.

    angle: degrees as from `roll_angle`; passing the roll of a face makes it upright.
    """
    scale, radians = size / side, math.radians(angle)
    cos, sin = scale * math.cos(radians), scale * math.sin(radians)
    linear = np.array([[cos, sin], [-sin, cos]])
    middle = (size - 1) / 2
    return np.column_stack([linear, middle - linear @ np.asarray(center, np.float64)])


def rotation(center: tuple[float, float], angle: float) -> Matrix:
    """Turn the picture about a point so that a line tilted by `angle` becomes level."""
    radians = math.radians(angle)
    linear = np.array(
        [[math.cos(radians), math.sin(radians)], [-math.sin(radians), math.cos(radians)]]
    )
    pivot = np.asarray(center, np.float64)
    return np.column_stack([linear, pivot - linear @ pivot])


def transform_points(points: ArrayLike, matrix: Matrix) -> Points:
    """Move points (N, 2) through a transform."""
    moved: NDArray[np.float64] = np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]
    return moved.astype(np.float32)


def invert(matrix: Matrix) -> Matrix:
    """Return the transform that leads back."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.column_stack([linear, -linear @ matrix[:, 2]])


def compose(first: Matrix, then: Matrix) -> Matrix:
    """Return the one transform that acts like `first` followed by `then`."""
    linear = then[:, :2] @ first[:, :2]
    return np.column_stack([linear, then[:, :2] @ first[:, 2] + then[:, 2]])


def scale_of(matrix: Matrix) -> float:
    """Return how much the transform enlarges lengths."""
    return float(math.sqrt(abs(np.linalg.det(matrix[:, :2]))))


def warp(
    pixels: Pixels,
    matrix: Matrix,
    size: Size,
    *,
    fill: Fill = (0, 0, 0),
    interpolation: Interpolation = "linear",
) -> Pixels:
    """Draw the transformed picture on a canvas of `size`.

    When it shrinks, a larger canvas is drawn and averaged down, so that no pixel is skipped.
    """
    border = _BORDERS[fill] if isinstance(fill, str) else cv2.BORDER_CONSTANT
    value = (0, 0, 0) if isinstance(fill, str) else fill
    flags = _INTERPOLATIONS[interpolation]
    warped: Pixels = _draw(pixels, matrix, size, flags=flags, border=border, value=value)
    return warped


def warp_mask(mask: Mask, matrix: Matrix, size: Size, *, fill: float = 0.0) -> Mask:
    """Draw the transformed mask on a canvas of `size`; `fill` shows where the mask ends."""
    warped: Mask = _draw(
        mask, matrix, size, flags=cv2.INTER_LINEAR, border=cv2.BORDER_CONSTANT, value=(fill,)
    )
    return warped


def _draw(
    picture: NDArray[Any],
    matrix: Matrix,
    size: Size,
    *,
    flags: int,
    border: int,
    value: tuple[float, ...],
) -> Any:
    """Warp at the whole multiple of `size` nearest to the source's own scale, then average."""
    most = max(1, _LARGEST_SIDE // max(size))
    times = int(np.clip(round(1 / max(scale_of(matrix), 1e-9)), 1, most))
    shift = np.full(2, (times - 1) / 2)
    enlarged = np.column_stack([matrix[:, :2] * times, matrix[:, 2] * times + shift])
    canvas = (size[0] * times, size[1] * times)
    warped = cv2.warpAffine(
        picture, enlarged, canvas, flags=flags, borderMode=border, borderValue=value
    )
    return cv2.resize(warped, size, interpolation=cv2.INTER_AREA) if times > 1 else warped


def roll_angle(landmarks: Points) -> float:
    """Return the tilt of the eye line in degrees; positive: the picture's right eye is lower.

    landmarks: the two eyes come first.
    """
    across, down = (landmarks[1] - landmarks[0]).tolist()
    return math.degrees(math.atan2(down, across))


def yaw_ratio(landmarks5: Points) -> float:
    """Return how far the face turns: 0 frontal, -1 to the picture's left, 1 to its right.

    The nose tip's place along the eye line, in half eye distances from its middle.
    """
    points = landmarks5.astype(np.float64)
    along = points[1] - points[0]
    length = float(along @ along)
    if length < 1e-6:
        return 0.0
    place = float((points[2] - points[0]) @ along) / length
    return float(np.clip(2 * place - 1, -1, 1))
