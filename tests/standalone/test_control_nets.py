"""Which ControlNet is drawn with outside a webui, and what is said where none fits."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import ControlNetModel
from safetensors.torch import save_file

from facechain_ext.base.controls import Control, ControlKind
from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.host import GenerationRequest
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.standalone import control_nets
from facechain_ext.standalone.control_nets import FOLDER, control_file
from facechain_ext.standalone.diffusers_host import DiffusersHost

READS = "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight"


@pytest.fixture(autouse=True)
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing ships but what a test puts there."""
    monkeypatch.setattr(control_nets, "SHIPPED", tmp_path / "shipped")
    return tmp_path / "shipped"


def checkpoint(width: int, *, small: bool = False) -> Any:
    config = SimpleNamespace(cross_attention_dim=width)
    return SimpleNamespace(unet=SimpleNamespace(config=config), is_small=small)


def put(folder: Path, name: str, width: int | None) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"x" if width is None else READS: torch.zeros(1, width or 1)}, path)
    return path


def test_the_one_of_this_checkpoints_family_is_taken(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    for_xl = put(folder, "a/xinsir/openpose.safetensors", 2048)
    for_sd1 = put(folder, "control_v11p_sd15_openpose.safetensors", 768)
    depth = put(folder, "depth.safetensors", 768)
    assert control_file("pose", checkpoint(768), tmp_path) == for_sd1
    assert control_file("pose", checkpoint(2048), tmp_path) == for_xl
    assert control_file("depth", checkpoint(768), tmp_path) == depth


def test_a_file_that_does_not_say_its_family_comes_last(tmp_path: Path) -> None:
    silent = put(tmp_path / FOLDER, "a_canny.safetensors", None)
    assert control_file("canny", checkpoint(768), tmp_path) == silent
    told = put(tmp_path / FOLDER, "b_canny.safetensors", 768)
    assert control_file("canny", checkpoint(768), tmp_path) == told


def test_what_ships_comes_first(tmp_path: Path, shipped: Path) -> None:
    put(tmp_path / FOLDER, "facechain-mini-openpose.safetensors", 192)
    own = put(shipped, "facechain-mini-openpose.safetensors", 192)
    assert control_file("pose", checkpoint(192, small=True), tmp_path) == own


@pytest.mark.parametrize(
    ("kind", "width", "small", "file", "says"),
    [
        ("pose", 192, True, "", r"facechain-mini-openpose\.safetensors, which is missing "),
        ("depth", 192, True, "", "no ControlNet for depth that fits the mini"),
        ("pose", 768, False, "", "No ControlNet for a pose .*Diffusion 1.x whose name says openp"),
        ("soft_edges", 768, False, "", "whose name says softedge or hed"),
        (
            "pose",
            768,
            False,
            "xl_openpose.safetensors",
            "this checkpoint, Stable Diffusion 1.x: xl_.*SDXL",
        ),
        ("pose", 768, False, "sd15_openpose.pth", r"sd15_openpose\.pth is pickled"),
    ],
)
def test_what_is_missing_is_said_and_where_it_belongs(
    tmp_path: Path, kind: ControlKind, width: int, small: bool, file: str, says: str
) -> None:
    if file:
        put(tmp_path / FOLDER, file, 2048)
    with pytest.raises(InvalidInput, match=says) as told:
        control_file(kind, checkpoint(width, small=small), tmp_path)
    assert str(tmp_path) in str(told.value) or kind == "depth"


def test_a_picture_leads_what_is_drawn(tmp_path: Path, small_folder: Path) -> None:
    host = DiffusersHost(tmp_path, small_folder, device="cpu")
    with host.borrow_model(for_training=False) as model:
        assert isinstance(model, DiffusersModel)
        net = ControlNetModel.from_unet(model.unet)
    for name, weight in net.named_parameters():
        if name.startswith("controlnet_"):
            torch.nn.init.constant_(weight, 0.1)
    state = {name: tensor.contiguous() for name, tensor in net.state_dict().items()}
    (host.paths.models_dir / FOLDER).mkdir(parents=True)
    save_file(state, host.paths.models_dir / FOLDER / "x_openpose.safetensors")

    def drawn(*controls: Control) -> np.ndarray[Any, Any]:
        request = GenerationRequest("a", seeds=(1,), steps=2, controls=controls)
        return next(iter(host.generate(request))).pixels

    white = np.full((32, 32, 3), 255, np.uint8)
    plain = drawn()
    assert not np.array_equal(drawn(Control("pose", white)), plain)
    assert np.array_equal(drawn(Control("pose", white, weight=0.0)), plain)
    assert np.array_equal(drawn(), plain), "nothing stays"
