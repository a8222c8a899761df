"""Full-size single files, tensor by tensor, on the meta device: none left over, none missing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

import pytest
import torch
from torch import Tensor, nn

from facechain_ext.diffusion import weights
from facechain_ext.diffusion.checkpoint import CONFIGS, CheckpointInfo
from facechain_ext.diffusion.lora_names import unet_targets
from tests.diffusion import published
from tests.diffusion.published import Shapes

pytestmark = pytest.mark.slow(5)

SD2 = CheckpointInfo(Path("v2-1.safetensors"), "sd2", "epsilon", "ldm", CONFIGS / "sd2")
SDXL = CheckpointInfo(
    Path("sd_xl_base_1.0.safetensors"), "sdxl", "epsilon", "ldm", CONFIGS / "sdxl"
)


class HollowFile:
    """A .safetensors file of tensors without content, which notes what was read."""

    def __init__(self, shapes: Shapes) -> None:
        self.shapes = shapes
        self.read: set[str] = set()

    def __enter__(self) -> HollowFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def keys(self) -> Iterable[str]:
        return self.shapes.keys()

    def get_tensor(self, name: str) -> Tensor:
        self.read.add(name)
        return torch.empty(self.shapes[name], device="meta")


@pytest.fixture
def sdxl_file(monkeypatch: pytest.MonkeyPatch) -> HollowFile:
    file = HollowFile({**published.sdxl_unet(), **published.sdxl_text(), **published.vae()})
    assert len(file.shapes) == 2515
    monkeypatch.setattr(weights, "safe_open", lambda *_, **__: file)
    return file


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_unet_of_sdxl(sdxl_file: HollowFile) -> None:
    unet = weights.load_unet(SDXL, torch.float16)
    assert sdxl_file.read == set(published.sdxl_unet())
    assert len(sdxl_file.read) == len(unet.state_dict()) == 1680
    assert parameters(unet) == 2_567_463_684


def test_the_text_encoders_of_sdxl(sdxl_file: HollowFile) -> None:
    first = weights.load_text_encoder(SDXL, torch.float16)
    second = weights.load_text_encoder_2(SDXL, torch.float16)
    unread = set(published.sdxl_text()) - sdxl_file.read
    assert {name.rpartition(".")[2] for name in unread} == {"position_ids", "logit_scale"}
    assert sdxl_file.read < set(published.sdxl_text())
    assert (parameters(first), parameters(second)) == (123_060_480, 694_659_840)


def test_the_autoencoder_of_sdxl(sdxl_file: HollowFile) -> None:
    vae = weights.load_vae(SDXL, torch.float32)
    assert sdxl_file.read == set(published.vae())
    assert len(sdxl_file.read) == 248
    assert vae.config.scaling_factor == 0.13025


def test_sd2(monkeypatch: pytest.MonkeyPatch) -> None:
    file = HollowFile({**published.sd2_unet(), **published.sd2_text(), **published.vae()})
    monkeypatch.setattr(weights, "safe_open", lambda *_, **__: file)
    unet = weights.load_unet(SD2, torch.float16)
    assert file.read == set(published.sd2_unet())
    assert (len(file.read), parameters(unet)) == (686, 865_910_724)
    weights.load_vae(SD2, torch.float32)
    weights.load_text_encoder(SD2, torch.float16)
    unread = {name.removeprefix("cond_stage_model.model.") for name in set(file.shapes) - file.read}
    last = "transformer.resblocks.23."
    assert {name for name in unread if not name.startswith(last)} == {
        "text_projection",
        "logit_scale",
    }
    assert len(unread) == 2 + 12


ATTENTION = 70 * 8
"""Of 70 transformer blocks in 11 transformers, two attentions of four layers each."""


@pytest.mark.parametrize(
    ("kind", "count"), [("attention", ATTENTION), ("all", ATTENTION + 70 * 2 + 11 * 2 + 17 * 3)]
)
def test_lora_names_of_sdxl_are_sgms(sdxl_file: HollowFile, kind: str, count: int) -> None:
    """sd-scripts names SDXL's layers after the very modules of the published file."""
    unet = weights.load_unet(SDXL, torch.float16)
    targets = unet_targets(unet, kind, "sdxl")  # type: ignore[arg-type]
    start = len(published.UNET)
    layers = {
        "lora_unet_" + name[start : -len(".weight")].replace(".", "_"): shape
        for name, shape in published.sdxl_unet().items()
        if name.endswith(".weight")
    }
    assert len(targets) == count
    for name, path in targets.items():
        assert tuple(unet.get_submodule(path).weight.shape) == layers[name]
