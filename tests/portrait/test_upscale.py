"""Enlarging by ncnn, with a tiny net made here, and the reasons when it cannot be done."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from skimage.data import astronaut

from facechain_ext.base.errors import WeightsMissing
from facechain_ext.base.host import Unavailable
from facechain_ext.base.records import Pixels
from facechain_ext.nets.catalog import find
from facechain_ext.portrait import upscale as upscaling
from facechain_ext.portrait.upscale import FACTOR, Enlarger, upscale

HEAD: Pixels = np.ascontiguousarray(astronaut()[60:130, 170:260])

BILINEAR = """7767517
2 2
Input input 0 1 data
Interp grow 1 1 data output 0=2 1=4.0 2=4.0
"""


@pytest.fixture
def net(tmp_path: Path) -> Enlarger:
    pytest.importorskip("ncnn", reason="the optional package ncnn is not installed")
    param, weights = tmp_path / "grow.param", tmp_path / "grow.bin"
    param.write_text(BILINEAR, encoding="utf-8")
    weights.write_bytes(b"")
    return Enlarger(param, weights)


def test_a_picture_becomes_four_times_as_large(net: Enlarger) -> None:
    large = net.enlarge(HEAD)
    assert large.shape == (280, 360, 3)
    assert large.dtype == np.uint8
    shrunk = large.reshape(70, 4, 90, 4, 3).mean(axis=(1, 3))
    assert np.abs(shrunk - HEAD).mean() < 3, "the same picture, its channels in order"


@pytest.mark.parametrize("tile", [40, 64, 71])
def test_tiles_leave_no_trace(net: Enlarger, tile: int) -> None:
    assert np.abs(net.enlarge(HEAD, tile=tile).astype(int) - net.enlarge(HEAD)).max() <= 1


@pytest.mark.parametrize("size", [(1, 1), (3, 200)])
def test_any_size_will_do(net: Enlarger, size: tuple[int, int]) -> None:
    pixels = np.full((*size, 3), 77, np.uint8)
    large = net.enlarge(pixels, tile=48)
    assert large.shape == (size[0] * FACTOR, size[1] * FACTOR, 3)
    assert np.abs(large.astype(int) - 77).max() <= 1


def test_a_broken_net_is_named(tmp_path: Path) -> None:
    pytest.importorskip("ncnn", reason="the optional package ncnn is not installed")
    (tmp_path / "x.param").write_text("no net", encoding="utf-8")
    with pytest.raises(WeightsMissing, match=r"x\.param"):
        Enlarger(tmp_path / "x.param", tmp_path / "x.bin")


def test_another_factor_is_refused(tmp_path: Path) -> None:
    answer = upscale(HEAD, 2, models_dir=tmp_path)
    assert isinstance(answer, Unavailable)
    assert "4 times, not 2" in answer.reason


def test_missing_ncnn_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upscaling.importlib.util, "find_spec", lambda _: None)
    answer = upscale(HEAD, 4, models_dir=tmp_path)
    assert isinstance(answer, Unavailable)
    assert "pip install ncnn" in answer.reason


def test_missing_and_damaged_weights_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upscaling.importlib.util, "find_spec", lambda _: object())
    answer = upscale(HEAD, 4, models_dir=tmp_path)
    assert isinstance(answer, Unavailable)
    assert "models download span" in answer.reason
    for path in find("span").paths(tmp_path):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"something else")
    damaged = upscale(HEAD, 4, models_dir=tmp_path)
    assert isinstance(damaged, Unavailable)
    assert damaged.reason != answer.reason


def test_lanczos_only_when_asked(tmp_path: Path) -> None:
    large = upscale(HEAD, 3, models_dir=tmp_path, method="lanczos")
    assert not isinstance(large, Unavailable)
    assert large.shape == (210, 270, 3)
