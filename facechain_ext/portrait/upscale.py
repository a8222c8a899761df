"""Enlarging pictures four times with SPAN (Wan et al. 2023) through ncnn.

ncnn is an optional package; the weights are fetched after consent and never ship.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.errors import WeightsMissing
from facechain_ext.base.host import Unavailable
from facechain_ext.base.records import Pixels
from facechain_ext.imaging.files import resize
from facechain_ext.nets.catalog import find

logger = logging.getLogger(__name__)

FACTOR = 4
_MODEL = "span"
_TILE, _OVERLAP = 256, 16


def upscale(
    pixels: Pixels, factor: int, *, models_dir: Path, method: Literal["span", "lanczos"] = "span"
) -> Pixels | Unavailable:
    """Enlarge; SPAN knows only a factor of 4.

    lanczos adds no detail and needs nothing; it is used only when asked for by name.
    """
    if method == "lanczos":
        height, width = pixels.shape[:2]
        return resize(pixels, (width * factor, height * factor))
    if reason := _missing(factor, models_dir):
        return Unavailable(reason)
    try:
        find(_MODEL).verify(models_dir)
        param, weights = find(_MODEL).paths(models_dir)
        return Enlarger(param, weights).enlarge(pixels)
    except WeightsMissing as error:
        return Unavailable(str(error))


def _missing(factor: int, models_dir: Path) -> str | None:
    """Say in a sentence what keeps SPAN from running."""
    if factor != FACTOR:
        return f"SPAN enlarges {FACTOR} times, not {factor} times."
    if importlib.util.find_spec("ncnn") is None:
        return "Enlarging needs the package ncnn: install it under Models, or by pip install ncnn."
    if not find(_MODEL).present(models_dir):
        return (
            "Enlarging needs weights that are not there: fetch them under Models, or by "
            f"facechain models download {_MODEL}."
        )
    return None


class Enlarger:
    """An ncnn net that maps blob `data`, RGB 0..1, to blob `output`, FACTOR times as large."""

    def __init__(self, param: Path, weights: Path) -> None:
        """Load; raises WeightsMissing when ncnn cannot read the files."""
        import ncnn

        self._ncnn = ncnn
        self._net: Any = ncnn.Net()
        self._net.opt.use_vulkan_compute = False
        failed = self._net.load_param(str(param)) or self._net.load_model(str(weights))
        if failed:
            raise WeightsMissing(f"{param.name} and {weights.name} cannot be read by ncnn.")

    def enlarge(self, pixels: Pixels, *, tile: int = _TILE) -> Pixels:
        """Enlarge in overlapping tiles of at most `tile` pixels, so that memory stays small."""
        height, width = pixels.shape[:2]
        large = np.empty((height * FACTOR, width * FACTOR, 3), np.uint8)
        for y0, y1, top, bottom in _spans(height, tile):
            for x0, x1, left, right in _spans(width, tile):
                drawn = self._run(pixels[top:bottom, left:right])
                inner = drawn[
                    (y0 - top) * FACTOR : (y1 - top) * FACTOR,
                    (x0 - left) * FACTOR : (x1 - left) * FACTOR,
                ]
                large[y0 * FACTOR : y1 * FACTOR, x0 * FACTOR : x1 * FACTOR] = inner
        return large

    def _run(self, pixels: Pixels) -> Pixels:
        planes = np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32) / np.float32(255)
        with self._net.create_extractor() as extractor:
            # ncnn.Mat does not keep its array alive; the clone owns its memory.
            extractor.input("data", self._ncnn.Mat(planes).clone())
            _, output = extractor.extract("output")
            result: NDArray[np.float32] = np.array(output)
        drawn: Pixels = np.rint(np.clip(result, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)
        return drawn


def _spans(length: int, tile: int) -> Iterator[tuple[int, int, int, int]]:
    """Cut a length into parts: start and end of each, and of what the net sees around it."""
    step = max(tile - 2 * _OVERLAP, 1)
    for start in range(0, length, step):
        end = min(start + step, length)
        yield start, end, max(start - _OVERLAP, 0), min(end + _OVERLAP, length)
