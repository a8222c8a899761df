"""Four-fold super-resolution by SPAN (Wan et al. 2023, arXiv 2311.12770) through ncnn.

Both are optional: the package `ncnn`, and the weights that `facechain models download span` fetches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from facechain_ext.errors import InvalidInput
from facechain_ext.host import Unavailable
from facechain_ext.nets.catalog import find
from facechain_ext.records import Pixels

FACTOR = 4
TILE = 192
OVERLAP = 16
"""Pixels around a tile that are computed and thrown away; more than the net looks aside."""

Enlarge = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""From (3, h, w) in 0..1 to (3, 4h, 4w)."""


def upscale(pixels: Pixels, factor: int, *, models_dir: Path) -> Pixels | Unavailable:
    """Enlarge a picture four times, or say what is missing; raises InvalidInput for other factors."""
    if factor != FACTOR:
        raise InvalidInput(
            f"A picture is enlarged {FACTOR} times or not at all, not {factor} times."
        )
    entry = find("span")
    try:
        import ncnn  # noqa: F401
    except ImportError:
        return Unavailable("Enlarging needs the Python package ncnn, which is not installed.")
    if not entry.present(models_dir):
        return Unavailable("Enlarging needs SPAN's weights: run `facechain models download span`.")
    param, weights = entry.paths(models_dir)
    return enlarge_in_tiles(pixels, load_span(param, weights))


def load_span(param: Path, weights: Path) -> Enlarge:
    """Read an ncnn net with blobs `data` and `output`; raises InvalidInput when it is damaged."""
    import ncnn

    net = ncnn.Net()
    net.opt.use_vulkan_compute = False
    if net.load_param(str(param)) != 0 or net.load_model(str(weights)) != 0:
        raise InvalidInput(f"{param.name} or {weights.name} is damaged; download SPAN again.")

    def enlarge(tile: NDArray[np.float32]) -> NDArray[np.float32]:
        extractor = net.create_extractor()
        # A Mat made from an array only borrows its memory; the clone owns it.
        extractor.input("data", ncnn.Mat(np.ascontiguousarray(tile)).clone())
        _, output = extractor.extract("output")
        return np.array(output, dtype=np.float32)

    return enlarge


def enlarge_in_tiles(pixels: Pixels, enlarge: Enlarge) -> Pixels:
    """Enlarge (H, W, 3) tile by tile, so that memory does not grow with the picture."""
    height, width = pixels.shape[:2]
    planes = pixels.transpose(2, 0, 1).astype(np.float32) / 255
    padded = np.pad(planes, ((0, 0), (OVERLAP, OVERLAP), (OVERLAP, OVERLAP)), mode="edge")
    result = np.empty((3, height * FACTOR, width * FACTOR), np.float32)
    margin = OVERLAP * FACTOR
    for top, left in _corners(height, width):
        h, w = min(TILE, height - top), min(TILE, width - left)
        large = enlarge(padded[:, top : top + h + 2 * OVERLAP, left : left + w + 2 * OVERLAP])
        inner = large[:, margin : margin + h * FACTOR, margin : margin + w * FACTOR]
        y, x = top * FACTOR, left * FACTOR
        result[:, y : y + h * FACTOR, x : x + w * FACTOR] = inner
    levels = np.clip(np.round(result * 255), 0, 255).astype(np.uint8)
    return cast(Pixels, np.ascontiguousarray(levels.transpose(1, 2, 0)))


def _corners(height: int, width: int) -> Iterator[tuple[int, int]]:
    return ((top, left) for top in range(0, height, TILE) for left in range(0, width, TILE))
