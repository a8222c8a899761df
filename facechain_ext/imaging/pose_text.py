"""A pose as a short text, which settings, jobs and requests can carry."""

from __future__ import annotations

import json

import numpy as np

from facechain_ext.base.errors import InvalidInput, quoted
from facechain_ext.base.records import Points
from facechain_ext.imaging.openpose import HAND, Skeleton, no_hands

BODY, FACE, HANDS = 18, 70, 2 * HAND
_DECIMALS = 4


def write_pose(skeleton: Skeleton) -> str:
    """Write a pose as JSON: pairs of shares, or null; body, face, and hands where one is seen."""
    hands = skeleton.hands.reshape(HANDS, 2)
    seen = [hands] if np.isfinite(hands).any() else []
    points = np.concatenate([skeleton.body, skeleton.face, *seen])
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
    known = [(count, 2) for count in (BODY + FACE, BODY + FACE + HANDS)]
    if points.shape not in known or (np.abs(points) > 100).any():
        raise _wrong(text)
    return _split(points)


def _split(points: Points) -> Skeleton:
    body, face, hands = np.split(points, [BODY, BODY + FACE])
    return Skeleton(body, face, hands.reshape(2, HAND, 2) if len(hands) else no_hands())


def _wrong(text: str) -> InvalidInput:
    return InvalidInput(
        f"pose must be a pose's name, or {BODY + FACE} points or {BODY + FACE + HANDS} with hands "
        f"as FaceChain writes them, not {quoted(text)}."
    )
