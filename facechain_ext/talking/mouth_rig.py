"""How a face moves while its mouth does: fields of the upper and of the lower lip with the jaw.

Above the line where the lips meet everything follows the upper lip, below it the jaw; at the
corners of the mouth and beyond, both move alike. Each field is a sum of four movements: closing
what the portrait leaves open, opening, wide and round.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Points
from facechain_ext.portrait.regions import smoothstep
from facechain_ext.portrait.spline import ThinPlateSpline
from facechain_ext.talking.face_frame import FaceFrame, Field
from facechain_ext.talking.grids import Grid, boxed

UPPER_INNER = (191, 80, 81, 82, 13, 312, 311, 310, 415)
LOWER_INNER = (95, 88, 178, 87, 14, 317, 402, 318, 324)
UPPER_OUTER = (185, 40, 39, 37, 0, 267, 269, 270, 409)
LOWER_OUTER = (146, 91, 181, 84, 17, 314, 405, 321, 375)
CORNERS = (61, 78, 308, 291)

_JAW = {
    152: 0.95, 148: 0.92, 377: 0.92, 176: 0.84, 400: 0.84, 149: 0.7, 378: 0.7, 150: 0.52,
    379: 0.52, 136: 0.34, 365: 0.34, 172: 0.2, 397: 0.2, 58: 0.08, 288: 0.08, 18: 0.98,
    200: 0.96, 199: 0.95, 175: 0.95, 204: 0.6, 424: 0.6, 210: 0.5, 430: 0.5, 212: 0.3, 432: 0.3,
    216: 0.15, 436: 0.15, 207: 0.1, 427: 0.1, 214: 0.14, 434: 0.14,
}  # fmt: skip
"""How far points of the lower face go down with the jaw, of what the lower lip goes."""
_STILL = (
    132, 361, 93, 323, 234, 454, 1, 2, 4, 5, 195, 98, 327, 129, 358, 50, 280, 117, 346, 205, 425,
    36, 266, 187, 411, 147, 376,
)  # fmt: skip
_ARCH = 0.85
"""How an open mouth narrows towards its corners: 0.5 an ellipse, 1 a lens."""
_DROP = 0.33
"""How far the lower lip goes down at most, of the distance from mouth to chin."""
_LIFT = 0.16
"""How far the upper lip goes up, of what the lower one goes down."""
_CORNER_DROP = 0.14
_SOON, _SOON_AT = 0.1, 0.06
"""How much further lips part than the jaw alone would part them, and at which opening they do: the
teeth show in s and ee, though the jaw hardly moves."""
_CLOSING = (0.42, 0.76)
"""The shares of a gap that upper and lower lip close: a little over, so that no slit is left."""
_LIP_SWELLS = 0.45
"""How much less of it the outer edges move: closed lips are fuller than parted ones."""
_WIDE, _ROUND = 0.1, 0.24
"""By how much of its half width a mouth becomes wider at +1, and narrower at -1."""
_POUT = 0.05
_NODES_ACROSS = 80
_REACH_DOWN, _REACH_UP = 1.1, 1.5
_UP_TO = (-1.05, -0.6)
"""Where movement ends above, and begins to: below the eyes."""

Moves = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LipField:
    """The four movements as fields on one grid, in pixels of the picture."""

    grid: Grid
    closing: Field
    opening: Field
    wide: Field
    narrow: Field

    def at(self, opening: float, width: float) -> Field:
        """Return how far every node goes."""
        sideways = self.wide * max(0.0, width) + self.narrow * max(0.0, -width)
        return np.asarray(self.closing + self.opening * _parted(opening) + sideways, np.float32)

    def back(self, opening: float, width: float) -> Field:
        """Return for every node from how far away comes what is seen there."""
        return self.grid.turned(self.at(opening, width))


@dataclass(frozen=True, eq=False)
class MouthRig:
    """upper, lower: what moves with either lip."""

    frame: FaceFrame
    grid: Grid
    upper: LipField
    lower: LipField

    @property
    def gap(self) -> float:
        """How far the lips part in the portrait, in half mouths."""
        return float(np.abs(_gaps(self.frame)).max() / self.frame.half_mouth)


def rig_mouth(frame: FaceFrame, shape: tuple[int, int]) -> MouthRig:
    """Find how a face's lower half moves; shape: height and width of the picture."""
    grid = _grid(frame, shape)
    taper = _taper(frame, grid)
    upper, lower = (_fields(frame, grid, taper, lower=each) for each in (False, True))
    return MouthRig(frame, grid, upper, lower)


def _grid(frame: FaceFrame, shape: tuple[int, int]) -> Grid:
    reach = 0.6 * frame.width / frame.half_mouth
    corners = [
        frame.place(across, down)
        for across in (-reach, reach)
        for down in (-_REACH_UP, 1 + _REACH_DOWN)
    ]
    box = boxed(np.min(corners, axis=0), np.max(corners, axis=0), shape)
    return Grid(box, max(1, round((box[2] - box[0]) / _NODES_ACROSS)))


def _taper(frame: FaceFrame, grid: Grid) -> Field:
    """Let everything come to rest before the border of the box."""
    across, down = np.moveaxis(frame.local(grid.nodes), -1, 0)
    reach = 0.6 * frame.width / frame.half_mouth
    sides = smoothstep(np.abs(across), reach, 0.72 * reach)
    ends = smoothstep(down, *_UP_TO) * smoothstep(down, 1 + _REACH_DOWN, 1.05)
    return (sides * ends)[..., None]


def _fields(frame: FaceFrame, grid: Grid, taper: Field, *, lower: bool) -> LipField:
    points, moves = _controls(frame, lower=lower)
    spline = ThinPlateSpline(points, np.hstack(moves).astype(np.float32), stiffness=1e-4)
    spread = spline(grid.nodes.reshape(-1, 2)).reshape(*grid.nodes.shape[:2], 8)
    parts = (np.asarray(spread[..., at : at + 2] * taper, np.float32) for at in (0, 2, 4, 6))
    return LipField(grid, *parts)


def _controls(frame: FaceFrame, *, lower: bool) -> tuple[Points, list[Moves]]:
    """Return the points that lead, and how far each goes in the four movements, (N, 2) each."""
    inner, outer = (LOWER_INNER, LOWER_OUTER) if lower else (UPPER_INNER, UPPER_OUTER)
    named = [*inner, *outer, *CORNERS, *_JAW, *_STILL]
    beyond = [frame.place(side * reach, 0.05) for side in (-1, 1) for reach in (1.35, 1.8)]
    under = [frame.place(across, down) for across in (-1.5, 0, 1.5) for down in (1.5, 2.1)]
    points = np.vstack([frame.mesh[named], beyond, under]).astype(np.float32)
    across = frame.local(points)[:, 0]
    count = len(inner)
    jaw = np.concatenate([[*_JAW.values()], np.zeros(len(_STILL))])
    tail = np.array([0.1, 0.05] * 2 + [0.25, 0.0, 0.4, 0.0, 0.25, 0.0])
    opening = np.concatenate(
        [
            _lip_drop(across[:count], lower=lower),
            _lip_drop(across[count : 2 * count], lower=lower) * (0.96 if lower else 0.7),
            np.full(len(CORNERS), _CORNER_DROP), jaw, tail,
        ]
    )  # fmt: skip
    down, right = frame.down, frame.right
    return points, [
        _closing(frame, len(points), lower=lower, jaw=jaw),
        opening[:, None] * _DROP * frame.jaw * down,
        _sideways(across, count)[:, None] * _WIDE * frame.half_mouth * right,
        _narrowing(frame, across, count, lower=lower),
    ]


def _parted(opening: float) -> float:
    """Return how far lips part that are to open so far: soon by a little, which is seen at once."""
    return opening + _SOON * (1 - opening) * (1 - math.exp(-opening / _SOON_AT))


def _lip_drop(across: Moves, *, lower: bool) -> Moves:
    """Return how far a lip goes down along its length: an arch that ends in the corners."""
    arch = _arch(across)
    return np.asarray((arch if lower else -_LIFT * arch) + _CORNER_DROP * (1 - arch))


def _arch(across: Moves) -> Moves:
    """Return 1 in the middle of the mouth and 0 at its corners."""
    return np.asarray(np.clip(1 - across**2, 0, 1) ** _ARCH)


def _gaps(frame: FaceFrame) -> Moves:
    """Return how far the lips part along their length, in pixels downwards."""
    apart = frame.mesh[[*LOWER_INNER]] - frame.mesh[[*UPPER_INNER]]
    return np.asarray(apart.astype(np.float64) @ frame.down)


def _closing(frame: FaceFrame, count: int, *, lower: bool, jaw: Moves) -> Moves:
    moves, gaps = np.zeros(count), _gaps(frame)
    inner = -_CLOSING[1] * gaps if lower else _CLOSING[0] * gaps
    moves[: len(gaps)], moves[len(gaps) : 2 * len(gaps)] = inner, _LIP_SWELLS * inner
    first = 2 * len(gaps) + len(CORNERS)
    moves[first : first + len(jaw)] = -0.3 * float(gaps.max()) * jaw
    return np.asarray(moves[:, None] * frame.down)


def _sideways(across: Moves, lip: int) -> Moves:
    """Return how far points go outwards, of what the corners do: cheeks a little, jaws not."""
    lips = 2 * lip + len(CORNERS)
    weight = np.zeros(len(across))
    weight[:lips] = across[:lips]
    beyond = slice(len(across) - 10, len(across) - 6)
    weight[beyond] = np.sign(across[beyond]) * np.array([0.6, 0.2] * 2)
    return weight


def _narrowing(frame: FaceFrame, across: Moves, lip: int, *, lower: bool) -> Moves:
    """Draw the corners in and push the outer edges of the lips out."""
    inwards = -_sideways(across, lip)[:, None] * _ROUND * frame.half_mouth * frame.right
    pout = (1 if lower else -1) * _POUT * frame.jaw * _arch(across[lip : 2 * lip])
    inwards[lip : 2 * lip] += pout[:, None] * frame.down
    return np.asarray(inwards)
