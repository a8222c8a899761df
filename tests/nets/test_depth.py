"""Depth by nets of the user's own, in the layouts that they are published in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from facechain_ext.base.errors import InvalidInput
from facechain_ext.installing import optional
from facechain_ext.nets.depth import Taking, _taking, find_depth_net, read_depth
from tests.nets.onnx_file import FLOAT16, mean_of_channels

PUBLISHED: dict[str, dict[str, Any]] = {
    "depth_anything_v2_vits.onnx": {},
    "depth_anything_fixed.onnx": {"shape": (1, 3, 518, 518), "taken": "image", "told": "depth"},
    "dpt_hybrid.onnx": {"shape": ("batch", 3, 384, 384)},
    "model-small.onnx": {"shape": (1, 3, 256, 256), "taken": "0", "told": "797"},
    "of one channel.onnx": {"keep": True},
    "halves_fp16.onnx": {"kind": FLOAT16},
}


@pytest.fixture
def picture() -> Any:
    """Dark on the left, bright on the right, 60 x 100."""
    pixels = np.full((60, 100, 3), 20, np.uint8)
    pixels[:, 50:] = 220
    return pixels


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_is_near_is_white_in_every_published_layout(
    tmp_path: Path, picture: Any, name: str
) -> None:
    pytest.importorskip("onnxruntime")
    (tmp_path / name).write_bytes(mean_of_channels(**PUBLISHED[name]))
    read = read_depth(tmp_path / name, picture)
    assert read.by == name
    assert read.picture.shape == (60, 100)
    assert (read.picture[30, 10], read.picture[30, 90]) == (0, 255)


def test_nets_that_tell_metres_are_turned_round(tmp_path: Path, picture: Any) -> None:
    pytest.importorskip("onnxruntime")
    file = tmp_path / "depth_anything_v2_metric_indoor.onnx"
    file.write_bytes(mean_of_channels())
    assert read_depth(file, picture).picture[30, 90] == 0


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"no net", r"x\.onnx is no ONNX file"),
        (mean_of_channels((1, 4, 8, 8)), "does not take one picture"),
        (mean_of_channels((1, 3)), "does not take one picture"),
        (mean_of_channels((2, 3, 8, 8)), "could not tell depth"),
    ],
)
def test_what_is_no_net_for_depth_is_said(
    tmp_path: Path, picture: Any, content: bytes, says: str
) -> None:
    pytest.importorskip("onnxruntime")
    (tmp_path / "x.onnx").write_bytes(content)
    with pytest.raises(InvalidInput, match=says):
        read_depth(tmp_path / "x.onnx", picture)


def test_the_package_that_runs_it_is_named_where_it_is_missing(
    tmp_path: Path, picture: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optional, "find_spec", lambda name: None)
    with pytest.raises(InvalidInput, match=r"depth net x\.onnx takes the package onnxruntime"):
        read_depth(tmp_path / "x.onnx", picture)


def test_it_is_shown_what_nets_of_its_name_or_what_lies_beside_it_want(tmp_path: Path) -> None:
    halves = (0.5, 0.5, 0.5)
    assert _taking(Path("dpt_large.onnx"), None) == Taking(384, halves, halves)
    assert _taking(Path("depth_anything.onnx"), None).side == 518
    assert _taking(Path("depth_anything.onnx"), 252).side == 252
    told = {"image_mean": [0.1] * 3, "image_std": [0.2] * 3, "size": {"height": 98, "width": 98}}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(told), encoding="utf-8")
    beside = Taking(98, (0.1, 0.1, 0.1), (0.2, 0.2, 0.2))
    assert _taking(tmp_path / "model.onnx", None) == beside
    assert _taking(tmp_path / "onnx" / "model.onnx", None) == beside


def a_dpt(folder: Path) -> Path:
    config = transformers.DPTConfig(
        hidden_size=32, num_hidden_layers=4, num_attention_heads=2, intermediate_size=32,
        image_size=64, patch_size=16, backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[8, 8, 8, 8], fusion_hidden_size=8, is_hybrid=False,
    )  # fmt: skip
    torch.manual_seed(0)
    net = transformers.DPTForDepthEstimation(config)
    for weight in net.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    net.head.head[-2].bias.data.fill_(9.0)  # else everything may be as far as can be
    net.save_pretrained(folder, safe_serialization=True)
    return folder


def test_a_folder_as_transformers_keeps_one_is_read(tmp_path: Path, picture: Any) -> None:
    read = read_depth(a_dpt(tmp_path / "dpt-large"), picture)
    assert (read.by, read.picture.shape) == ("dpt-large", (60, 100))
    assert np.ptp(read.picture) > 100


def test_pickled_weights_and_other_nets_are_refused(tmp_path: Path, picture: Any) -> None:
    folder = a_dpt(tmp_path / "dpt-large")
    weights = (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(InvalidInput, match=r"no model\.safetensors"):
        read_depth(folder, picture)
    weights.rename(folder / "model.safetensors")
    (folder / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    with pytest.raises(InvalidInput, match="dpt-large is no net for depth"):
        read_depth(folder, picture)


def test_the_first_of_a_folder_is_taken(tmp_path: Path) -> None:
    assert find_depth_net(tmp_path / "none") is None
    for name in ("b/config.json", "c.onnx", "d/onnx/model.onnx"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert find_depth_net(tmp_path) == tmp_path / "b"
    (tmp_path / "a.onnx").touch()
    assert find_depth_net(tmp_path) == tmp_path / "a.onnx"
