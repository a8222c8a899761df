"""Where on a body what is worn above ends and what is worn below begins, told by colours."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Mask
from facechain_ext.portrait.light import Lab, to_lab
from facechain_ext.tryon.figure import Figure
from facechain_ext.tryon.hands import forearms
from facechain_ext.tryon.stance import Stance

_ABOVE, _BELOW = (0.25, 0.55), (0.35, 0.7)
"""Where surely the one and the other is seen: from shoulders to hips, and from hips to knees."""

_FROM, _TO = 0.5, 0.45
"""Where the line is looked for, in the same shares."""

_ROWS = 120
"""A trunk's length when colours are compared."""

_COLOURS, _NOISE = 4, 5.0
_COARSE = 4.0
"""Over which stripes and stitches are one colour, in pixels of that size."""

_STEEP, _BEND = 1, 1.5
"""Rows that the line may climb a column, and what each costs."""

_CLEAR = 0.35
"""From which difference on the one is told from the other, of 2."""

_DOUBT = 0.04
"""What may be either counts as worn below: the old waistband is to be covered."""

_TILT = 0.07
"""How far from its middle the line may be, in lengths of the trunk."""

_SAMPLE, _LEAST = 40, 8
"""Pixels by which colours are known, and rows and columns that a line is looked for in."""


@dataclass(frozen=True, eq=False)
class Beltline:
    """rows: (W,), where the lower garment begins in each column. looks: (H, W), from -1 for what
    looks as what is worn above to 1 for what looks as what is worn below.
    """

    rows: NDArray[np.float64]
    looks: Mask


def find_beltline(figure: Figure, stance: Stance) -> Beltline | None:
    """Follow the line; None where both look alike, as in a dress."""
    share = min(1.0, _ROWS / max(stance.trunk, 1.0))
    lab, clothes, skin = _small(figure, share)
    looks = _looks(lab, clothes, stance, share)
    coarse = _looks(cv2.GaussianBlur(lab, (0, 0), _COARSE), clothes, stance, share)
    first, last, left, right = _window(stance, share, lab.shape[:2])
    if looks is None or coarse is None or last - first < _LEAST or right - left < _LEAST:
        return None
    both = (looks + coarse) / 2
    judged = np.where(clothes, both + np.float32(_DOUBT), np.float32(0))
    judged[skin] = -1
    judged[_below_skin(skin, first, last) & clothes] = 1
    part = judged[first:last, left : right + 1]
    line = _cut(part)
    usual, most = round(float(np.median(line))), round(_TILT * _ROWS)
    line = np.clip(line, usual - most, usual + most)
    if _contrast(part, line) < _CLEAR:
        return None
    height, width = figure.pixels.shape[:2]
    columns = np.arange(width) * share
    rows = np.interp(columns, np.arange(left, right + 1), line + first) / share
    plain = cv2.GaussianBlur(both, (0, 0), _COARSE / 2)
    large = cv2.resize(plain, (width, height), interpolation=cv2.INTER_LINEAR)
    return Beltline(np.asarray(rows, np.float64), np.asarray(large, np.float32))


def _small(figure: Figure, share: float) -> tuple[Lab, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return colours, clothes and bare skin in small, without arms."""
    height, width = figure.pixels.shape[:2]
    size = max(1, round(width * share)), max(1, round(height * share))
    small = cv2.resize(figure.pixels, size, interpolation=cv2.INTER_AREA)
    clothes, skin, before = (
        cv2.resize(mask, size, interpolation=cv2.INTER_AREA) > 0.5
        for mask in (figure.cloth, figure.parts.body_skin, forearms(figure))
    )
    return to_lab(cv2.GaussianBlur(small, (0, 0), 1.2)), clothes & ~before, skin & ~before


def _window(stance: Stance, share: float, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return first and last row, first and last column where the line is looked for."""
    first = round(share * (stance.shoulder + _FROM * stance.trunk))
    last = round(share * (stance.hip + _TO * (stance.knee - stance.hip)))
    first, last = (int(np.clip(row, 0, shape[0] - 1)) for row in (first, last))
    edges = stance.legs.at(np.arange(first, last + 1) / share)[0] * share
    left, right = (int(np.clip(x, 0, shape[1] - 1)) for x in np.median(edges, axis=0))
    return first, last, left, right


def _below_skin(belly: NDArray[np.bool_], first: int, last: int) -> NDArray[np.bool_]:
    """Select what is below bare skin between the two: whatever its colour, it is worn below."""
    seen = belly.copy()
    seen[:first], seen[last:] = False, False
    return np.logical_or.accumulate(seen, axis=0)


def _looks(
    lab: Lab, clothes: NDArray[np.bool_], stance: Stance, share: float
) -> NDArray[np.float32] | None:
    """Compare every pixel with the colours above and below."""
    thigh = stance.knee - stance.hip
    above = [stance.shoulder + part * stance.trunk for part in _ABOVE]
    below = [min(stance.hip + part * thigh, len(lab) / share) for part in _BELOW]
    if below[1] - below[0] < 0.1 * thigh:
        below = [below[1] - 0.1 * thigh, below[1]]
    distances = []
    for start, end in (above, below):
        rows = slice(max(0, round(share * start)), max(1, round(share * end)))
        colours = lab[rows][clothes[rows]]
        if len(colours) < _SAMPLE:
            return None
        distances.append(_distance(lab, _palette(colours)))
    to_above, to_below = distances
    return np.asarray((to_above - to_below) / (to_above + to_below + _NOISE), np.float32)


def _palette(colours: NDArray[np.float32]) -> NDArray[np.float32]:
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 12, 0.5)
    found = cv2.kmeans(
        np.ascontiguousarray(colours), _COLOURS, None, stop, 1, cv2.KMEANS_PP_CENTERS
    )
    return np.asarray(found[2], np.float32)


def _distance(lab: Lab, palette: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(
        np.min([np.linalg.norm(lab - colour, axis=2) for colour in palette], axis=0), np.float32
    )


def _cut(looks: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the row of each column that parts -1 above from 1 below best, bending little."""
    total = np.vstack([np.zeros((1, looks.shape[1])), np.cumsum(looks, axis=0)])
    cost = 2 * total - total[-1]
    best, came = cost[:, 0], []
    steps = np.arange(-_STEEP, _STEEP + 1)
    for column in cost.T[1:]:
        padded = np.pad(best, _STEEP, constant_values=np.inf)
        options = np.stack([padded[_STEEP + s : _STEEP + s + len(best)] for s in steps])
        options = options + _BEND * np.abs(steps)[:, None]
        chosen = options.argmin(axis=0)
        came.append(chosen)
        best = column + options[chosen, np.arange(len(best))]
    row = int(best.argmin())
    line = [row]
    for chosen in reversed(came):
        row = row + int(steps[chosen[row]])
        line.append(row)
    return np.array(line[::-1], np.int64)


def _contrast(looks: NDArray[np.float32], line: NDArray[np.int64]) -> float:
    below = np.arange(len(looks))[:, None] >= line
    if not below.any() or below.all():
        return 0.0
    return float(looks[below].mean() - looks[~below].mean())
