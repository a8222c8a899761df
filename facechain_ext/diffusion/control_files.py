"""ControlNets read from safetensors, in diffusers' layout or that of the original."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from safetensors import SafetensorError
from torch import Tensor

from facechain_ext.base.errors import InvalidInput
from facechain_ext.diffusion.control_choice import told_family, width_of
from facechain_ext.diffusion.ldm_keys import UNET_PREFIX, unet_to_ldm

LDM_PREFIX = "control_model."
_HINT = "controlnet_cond_embedding"
_CONTROL_LORA = "lora_controlnet"


def load_control(path: Path, unet: UNet2DConditionModel) -> ControlNetModel:
    """Load a ControlNet onto a UNet's device, in its precision.

    Raises InvalidInput for a file that is none, is damaged, or belongs to another family.
    """
    state = _as_diffusers(_read(path), unet, path.name)
    _check_family(state, unet, path.name)
    with torch.device("meta"):
        net = ControlNetModel(**_config(state, unet))
    wanted = {name: tensor.shape for name, tensor in net.state_dict().items()}
    if {name: tensor.shape for name, tensor in state.items()} != wanted:
        raise InvalidInput(
            f"{path.name} is no plain ControlNet, or one for another checkpoint than this one."
        )
    weight = unet.conv_in.weight
    here = {name: tensor.to(weight.device, weight.dtype) for name, tensor in state.items()}
    net.load_state_dict(here, assign=True)
    return net.requires_grad_(False).eval()


def _read(path: Path) -> dict[str, Tensor]:
    try:
        state: dict[str, Tensor] = safetensors.torch.load_file(path)
    except (OSError, SafetensorError) as error:
        raise InvalidInput(f"{path.name} cannot be read: it is damaged or incomplete.") from error
    return state


def _as_diffusers(
    state: dict[str, Tensor], unet: UNet2DConditionModel, name: str
) -> dict[str, Tensor]:
    """Return a state under diffusers' names; raises InvalidInput for what is no ControlNet."""
    if f"{_HINT}.conv_in.weight" in state:
        return state
    if _CONTROL_LORA in state:
        raise InvalidInput(f"{name} is a Control-LoRA, which works in webuis alone.")
    bare = {key.removeprefix(LDM_PREFIX): tensor for key, tensor in state.items()}
    if "input_hint_block.0.weight" not in bare:
        raise InvalidInput(f"{name} is no ControlNet.")
    ours = {theirs: own for own, theirs in original_names(unet).items()}
    renamed = {ours.get(key, key): tensor for key, tensor in bare.items()}
    return {key: _flat_like(key, tensor, unet) for key, tensor in renamed.items()}


def original_names(unet: UNet2DConditionModel) -> dict[str, str]:
    """Map diffusers' names of a UNet's ControlNet to the original's."""
    with torch.device("meta"):
        net = ControlNetModel.from_unet(unet, load_weights_from_unet=False)
    ours = [name for name in net.state_dict() if not name.startswith("controlnet_")]
    theirs = unet_to_ldm({name: name for name in ours}, unet.config)
    names = {own: new.removeprefix(UNET_PREFIX) for new, own in theirs.items()}
    for name in net.state_dict():
        if name.startswith("controlnet_"):
            names[name] = _own_name(name, len(net.controlnet_cond_embedding.blocks))
    return names


def _own_name(name: str, blocks: int) -> str:
    """Name a part that only ControlNets have."""
    head, _, part = name.rpartition(".")
    if head.startswith("controlnet_down_blocks."):
        return f"zero_convs.{head.rpartition('.')[2]}.0.{part}"
    if head == "controlnet_mid_block":
        return f"middle_block_out.0.{part}"
    place = head.removeprefix(f"{_HINT}.")
    ends = {"conv_in": 0, "conv_out": blocks + 1}
    at = ends[place] if place in ends else int(place.rpartition(".")[2]) + 1
    return f"input_hint_block.{2 * at}.{part}"


def _flat_like(name: str, tensor: Tensor, unet: UNet2DConditionModel) -> Tensor:
    """Drop the two sides of a 1x1 kernel where this UNet has a plain layer."""
    plain = unet.config.use_linear_projection and name.endswith(
        ("proj_in.weight", "proj_out.weight")
    )
    return tensor[..., 0, 0] if plain and tensor.ndim == 4 else tensor


def _config(state: Mapping[str, Tensor], unet: UNet2DConditionModel) -> dict[str, Any]:
    """Describe the net as the UNet is described, without the attention that it does not have."""
    known = inspect.signature(ControlNetModel.__init__).parameters
    config = {key: value for key, value in unet.config.items() if key in known}
    config["down_block_types"] = tuple(
        kind if any(name.startswith(f"down_blocks.{at}.attentions") for name in state)
        else "DownBlock2D"
        for at, kind in enumerate(unet.config.down_block_types)
    )  # fmt: skip
    if not any(name.startswith("mid_block.attentions") for name in state):
        config["mid_block_type"] = "UNetMidBlock2D"
    return config


def _check_family(state: Mapping[str, Tensor], unet: UNet2DConditionModel, name: str) -> None:
    theirs, ours = width_of({key: t.shape for key, t in state.items()}), prompt_width_of(unet)
    if theirs is not None and theirs != ours:
        raise InvalidInput(
            f"{name} is a ControlNet for {told_family(theirs)}; this checkpoint is "
            f"{told_family(ours)}."
        )


def prompt_width_of(unet: UNet2DConditionModel) -> int:
    """Return how wide the prompts are that a UNet reads."""
    width: int = unet.config.cross_attention_dim
    return width
