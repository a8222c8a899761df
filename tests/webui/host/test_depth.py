"""Depth in a webui: the user's net, then ControlNet's where its net is there, then none."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from facechain_ext.base.controls import Depth
from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.host import Unavailable
from tests.nets.onnx_file import mean_of_channels
from tests.webui.conftest import Webui

PIXELS = np.full((64, 96, 3), 90, np.uint8)
NET = "dpt_hybrid-midas-501f0c75.pt"


@pytest.fixture(params=["internal_controlnet", "lib_controlnet"])
def annotators(
    request: pytest.FixtureRequest, webui: Webui, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The folder of ControlNet's nets, in each dialect; empty."""
    webui.module(f"{request.param}.external_code")
    if request.param == "lib_controlnet":
        webui.module("lib_controlnet.global_state")
    told = SimpleNamespace(models_path=str(tmp_path / "downloads"))
    monkeypatch.setitem(sys.modules, "annotator.annotator_path", told)  # type: ignore[arg-type]
    return tmp_path / "downloads"


def read(webui: Webui, pixels: Any = PIXELS) -> Depth | Unavailable:
    from facechain_ext.webui.host import depth

    return depth.read(pixels, webui.root / "models")


def put_net(annotators: Path) -> None:
    (annotators / "midas").mkdir(parents=True)
    (annotators / "midas" / NET).touch()


def test_a_preprocessor_whose_net_is_there_reads_it(webui: Webui, annotators: Path) -> None:
    put_net(annotators)
    found = read(webui)
    assert isinstance(found, Depth)
    assert found.by == "depth_midas of ControlNet"
    assert found.picture.shape == (64, 96)
    assert np.all(found.picture == 90)


def test_nothing_is_fetched_for_one_whose_net_is_not(webui: Webui, annotators: Path) -> None:
    assert isinstance(read(webui), Unavailable)


def test_without_controlnet_there_is_none(webui: Webui) -> None:
    assert isinstance(read(webui), Unavailable)


def test_one_that_fails_is_said(
    webui: Webui, annotators: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from facechain_ext.webui.host import controlnet_dialects

    def fail(*_: object) -> None:
        raise RuntimeError("bad net")

    put_net(annotators)
    for dialect in (controlnet_dialects.BuiltIn, controlnet_dialects.Extension):
        monkeypatch.setattr(dialect, "preprocess", fail)
    with pytest.raises(InvalidInput, match=r"preprocessor depth_midas failed .*bad net"):
        read(webui)


def test_the_users_own_net_comes_first(webui: Webui, annotators: Path) -> None:
    pytest.importorskip("onnxruntime")
    put_net(annotators)
    folder = webui.root / "models" / "depth"
    folder.mkdir(parents=True)
    (folder / "mine.onnx").write_bytes(mean_of_channels())
    found = read(webui, np.tile(np.arange(96, dtype=np.uint8)[None, :, None], (64, 1, 3)))
    assert isinstance(found, Depth)
    assert found.by == "mine.onnx"
