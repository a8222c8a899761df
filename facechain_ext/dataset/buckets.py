"""Sizes that pictures of any shape are trained at: about equally many pixels, several shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from facechain_ext.base.records import Pixels
from facechain_ext.imaging.files import resize

MULTIPLE = 64
"""The autoencoder's 8 times the three halvings of the UNet."""
LONGEST = 2.0
"""The most that one side of a bucket is longer than the other."""

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True, eq=False)
class Framed:
    """A picture scaled to cover its bucket and cut to it around its middle.

    original: height and width before. cut_off: rows above and columns to the left of what is kept,
    once the picture is scaled.
    """

    pixels: Pixels
    original: tuple[int, int]
    cut_off: tuple[int, int]


def buckets_of(side: int) -> list[Size]:
    """Return the sizes of a training at a resolution: multiples of 64, no more than side * side.

    The square is always one; others are as wide as their height allows, up to twice as long as
    high and the reverse.
    """
    found = {(side, side)}
    for short in range(MULTIPLE, side, MULTIPLE):
        long = side * side // short // MULTIPLE * MULTIPLE
        if long <= LONGEST * short:
            found |= {(long, short), (short, long)}
    return sorted(found)


def nearest(size: Size, buckets: Sequence[Size]) -> Size:
    """Return the bucket whose shape is nearest to a picture's; the larger one of two as near."""
    return min(buckets, key=lambda bucket: (abs(_shape(bucket) - _shape(size)), -_area(bucket)))


def framed(pixels: Pixels, bucket: Size) -> Framed:
    """Scale a picture until it covers a bucket, and cut off what is more, on both sides alike."""
    height, width = pixels.shape[:2]
    wide, high = bucket
    scale = max(wide / width, high / height)
    scaled = resize(pixels, (max(wide, round(width * scale)), max(high, round(height * scale))))
    top, left = (scaled.shape[0] - high) // 2, (scaled.shape[1] - wide) // 2
    cut = scaled[top : top + high, left : left + wide]
    return Framed(cut, (height, width), (top, left))


def shape_error(sizes: Sequence[Size], buckets: Sequence[Size]) -> float:
    """Return the mean difference of width / height between pictures and their buckets."""
    errors = [
        abs(w / h - wide / high)
        for (w, h), (wide, high) in zip(
            sizes, [nearest(size, buckets) for size in sizes], strict=True
        )
    ]
    return sum(errors) / len(errors) if errors else 0.0


def _shape(size: Size) -> float:
    return log(size[0] / size[1])


def _area(size: Size) -> int:
    return size[0] * size[1]
