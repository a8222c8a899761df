from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.data import astronaut

from facechain_ext.errors import InvalidInput
from facechain_ext.host import Unavailable
from facechain_ext.portrait.upscale import enlarge_in_tiles, load_span, upscale

needs_ncnn = pytest.mark.skipif(
    importlib.util.find_spec("ncnn") is None, reason="the optional package ncnn is not installed"
)

NEAREST = """7767517
2 2
Input input 0 1 data
Interp output 1 1 data output 0=1 1=4.000000e+00 2=4.000000e+00
"""


def repeat(tile: NDArray[np.float32]) -> NDArray[np.float32]:
    return tile.repeat(4, axis=1).repeat(4, axis=2)


@pytest.mark.parametrize("size", [(1, 1), (5, 300), (192, 193), (400, 200)])
def test_tiles_leave_no_seams(size: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    expected = picture.repeat(4, axis=0).repeat(4, axis=1)
    assert np.array_equal(enlarge_in_tiles(picture, repeat), expected)


def test_other_factors_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="3 times"):
        upscale(astronaut(), 3, models_dir=tmp_path)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    answer = upscale(astronaut(), 4, models_dir=tmp_path)
    assert isinstance(answer, Unavailable)
    assert "ncnn" in answer.reason or "models download span" in answer.reason


@needs_ncnn
def test_an_ncnn_net_is_run(tmp_path: Path) -> None:
    """A net of the published layout that repeats pixels stands for SPAN."""
    (tmp_path / "net.param").write_text(NEAREST, encoding="utf-8")
    (tmp_path / "net.bin").write_bytes(b"")
    enlarge = load_span(tmp_path / "net.param", tmp_path / "net.bin")
    picture = np.ascontiguousarray(astronaut()[:50, :60])
    expected = picture.repeat(4, axis=0).repeat(4, axis=1)
    assert np.array_equal(enlarge_in_tiles(picture, enlarge), expected)


@needs_ncnn
def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "net.param").write_text("not a net", encoding="utf-8")
    (tmp_path / "net.bin").write_bytes(b"")
    with pytest.raises(InvalidInput, match="damaged"):
        load_span(tmp_path / "net.param", tmp_path / "net.bin")
