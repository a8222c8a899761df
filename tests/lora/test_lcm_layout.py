"""LCM LoRAs as they are published: diffusers' names of layers, in kohya's manner."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.lora.checkpoint import read_lora
from facechain_ext.lora.merge import merged

RANK = 4
PARTS = ("to_q", "to_k", "to_v", "to_out.0", "proj_in", "proj_out", "ff.net.0.proj", "ff.net.2",
         "conv1", "conv2", "conv_shortcut", "time_emb_proj", "downsamplers.0.conv",
         "upsamplers.0.conv")  # fmt: skip
"""What latent-consistency's lcm-lora-sdv1-5 and lcm-lora-sdxl change of a UNet."""


def published(unet: nn.Module) -> dict[str, torch.Tensor]:
    """Write random factors down for every layer that the published files have."""
    torch.manual_seed(0)
    state = {}
    for path, layer in unet.named_modules():
        if not (path.endswith(PARTS) and isinstance(layer, (nn.Linear, nn.Conv2d))):
            continue
        name = f"lora_unet_{path.replace('.', '_')}"
        out, size, *kernel = layer.weight.shape
        state[f"{name}.lora_down.weight"] = torch.randn(RANK, size, *kernel) * 0.1
        state[f"{name}.lora_up.weight"] = torch.randn(out, RANK, *[1] * len(kernel)) * 0.1
        state[f"{name}.alpha"] = torch.tensor(float(RANK) / 8)
    return state


@pytest.mark.parametrize("family", ["sd1", "sdxl"])
def test_every_layer_finds_its_place(
    family: str,
    tmp_path: Path,
    new_tiny_model: Callable[[], DiffusersModel],
    new_tiny_sdxl: Callable[[], DiffusersModel],
) -> None:
    model = new_tiny_model() if family == "sd1" else new_tiny_sdxl()
    state = published(model.unet)
    save_file(state, tmp_path / "lcm-lora.safetensors")
    before = {name: weight.clone() for name, weight in model.unet.state_dict().items()}
    with merged(model, [(read_lora(tmp_path / "lcm-lora.safetensors")[0], 1.0)]) as unmatched:
        after = model.unet.state_dict()
        changed = {name for name in before if not torch.equal(after[name], before[name])}
        assert unmatched == 0
        assert len(changed) == len(state) // 3
        name = "mid_block.attentions.0.proj_out"
        key = f"lora_unet_{name.replace('.', '_')}"
        factors = (state[f"{key}.lora_up.weight"], state[f"{key}.lora_down.weight"])
        added = (factors[0].flatten(1) @ factors[1].flatten(1)).reshape(
            before[f"{name}.weight"].shape
        )
        expected = before[f"{name}.weight"] + added / 8
        torch.testing.assert_close(after[f"{name}.weight"], expected, atol=1e-4, rtol=1e-3)
