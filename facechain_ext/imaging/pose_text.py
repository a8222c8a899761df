"""A pose as a short text, which settings, jobs and requests can carry."""

from __future__ import annotations

import json

import numpy as np

from facechain_ext.base.errors import InvalidInput, quoted
from facechain_ext.base.records import Points
from facechain_ext.imaging.openpose import Skeleton

BODY, FACE = 18, 70
_DECIMALS = 4


def write_pose(skeleton: Skeleton) -> str:
    """Write a pose as JSON: 88 pairs of shares, or null; the body first."""
    points = np.concatenate([skeleton.body, skeleton.face])
    pairs = [None if np.isnan(p).any() else np.round(p, _DECIMALS).tolist() for p in points]
    short = [pair and [round(float(value), _DECIMALS) for value in pair] for pair in pairs]
    return json.dumps(short, separators=(",", ":"))


def read_pose(text: str) -> Skeleton:
    """Read what `write_pose` wrote; raises InvalidInput for anything else."""
    try:
        pairs = json.loads(text)
        points = np.array([(np.nan, np.nan) if p is None else p for p in pairs], np.float32)
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise _wrong(text) from None
    if points.shape != (BODY + FACE, 2) or (np.abs(points) > 100).any():
        raise _wrong(text)
    return _split(points)


def _split(points: Points) -> Skeleton:
    return Skeleton(points[:BODY], points[BODY:])


def _wrong(text: str) -> InvalidInput:
    return InvalidInput(
        f"pose must be a pose's name or {BODY + FACE} points as FaceChain writes them, not "
        f"{quoted(text)}."
    )
