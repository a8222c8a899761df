"""Rename Stable Diffusion weights from the diffusers layout to the LDM single-file layout.

All functions are pure: they take a state dict and return a new one with the same tensors under
the names of CompVis' `latent-diffusion` (openaimodel.py, model.py) and, in the autoencoder's
attention, with the shape of its 1x1 convolutions. The numbering follows from the block counts
alone, so small models convert as well as Stable Diffusion itself, and SDXL's three blocks (sgm's
openaimodel.py) as well as the four of 1.x and 2.x.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

UNET_PREFIX = "model.diffusion_model."
VAE_PREFIX = "first_stage_model."
TEXT_PREFIX = "cond_stage_model.transformer."

Tensor = TypeVar("Tensor")
"""A torch.Tensor; the text and UNet names are renamed without touching it."""

Renaming = tuple[str, str]

_UNET_HEAD: tuple[Renaming, ...] = (
    ("conv_in", "input_blocks.0.0"),
    ("time_embedding.linear_1", "time_embed.0"),
    ("time_embedding.linear_2", "time_embed.2"),
    ("add_embedding.linear_1", "label_emb.0.0"),
    ("add_embedding.linear_2", "label_emb.0.2"),
    ("conv_norm_out", "out.0"),
    ("conv_out", "out.2"),
    ("mid_block.resnets.0", "middle_block.0"),
    ("mid_block.attentions.0", "middle_block.1"),
    ("mid_block.resnets.1", "middle_block.2"),
)
_UNET_RESNET: tuple[Renaming, ...] = (
    ("norm1", "in_layers.0"),
    ("conv1", "in_layers.2"),
    ("time_emb_proj", "emb_layers.1"),
    ("norm2", "out_layers.0"),
    ("conv2", "out_layers.3"),
    ("conv_shortcut", "skip_connection"),
)
_VAE_MID: tuple[Renaming, ...] = (
    ("mid_block.resnets.0", "mid.block_1"),
    ("mid_block.attentions.0", "mid.attn_1"),
    ("mid_block.resnets.1", "mid.block_2"),
    ("conv_norm_out", "norm_out"),
)
_VAE_INNER: tuple[Renaming, ...] = (("conv_shortcut", "nin_shortcut"),)
_VAE_ATTENTION: tuple[Renaming, ...] = (
    ("group_norm", "norm"),
    ("to_q", "q"),
    ("to_k", "k"),
    ("to_v", "v"),
    ("to_out.0", "proj_out"),
)


def unet_to_ldm(state: Mapping[str, Tensor], config: Mapping[str, object]) -> dict[str, Tensor]:
    """Rename a UNet2DConditionModel state dict to `model.diffusion_model.*`.

    `config` gives block_out_channels, layers_per_block, down_block_types and up_block_types.
    Raises KeyError, quoting the name, for a tensor that the block layout does not have.
    """
    blocks = [*_UNET_HEAD, *_unet_down(config), *_unet_up(config)]
    return {UNET_PREFIX + _unet_name(name, blocks): tensor for name, tensor in state.items()}


def vae_to_ldm(state: Mapping[str, Tensor], config: Mapping[str, object]) -> dict[str, Tensor]:
    """Rename an AutoencoderKL state dict to `first_stage_model.*`.

    The attention's (out, in) matrices become (out, in, 1, 1) convolution kernels.
    """
    blocks = [*_vae_down(config), *_vae_up(config), *_VAE_MID]
    renamed = {_vae_name(name, blocks): tensor for name, tensor in state.items()}
    return {VAE_PREFIX + name: _as_kernel(name, tensor) for name, tensor in renamed.items()}


def text_to_ldm(state: Mapping[str, Tensor], prefix: str = TEXT_PREFIX) -> dict[str, Tensor]:
    """Rename a CLIPTextModel state dict to `<prefix>text_model.*`, SD1's prefix by default.

    Newer transformers leave the `text_model.` level out of the names; both spellings are read.
    """
    return {prefix + _text_name(name): tensor for name, tensor in state.items()}


def _unet_down(config: Mapping[str, object]) -> Iterable[Renaming]:
    layers, count = _layers(config), _count(config)
    for block in range(count):
        for layer in range(layers):
            at = block * (layers + 1) + layer + 1
            yield f"down_blocks.{block}.resnets.{layer}", f"input_blocks.{at}.0"
            yield f"down_blocks.{block}.attentions.{layer}", f"input_blocks.{at}.1"
        at = (block + 1) * (layers + 1)
        yield f"down_blocks.{block}.downsamplers.0.conv", f"input_blocks.{at}.0.op"


def _unet_up(config: Mapping[str, object]) -> Iterable[Renaming]:
    layers, kinds = _layers(config) + 1, _names(config, "up_block_types")
    for block, kind in enumerate(kinds):
        for layer in range(layers):
            at = block * layers + layer
            yield f"up_blocks.{block}.resnets.{layer}", f"output_blocks.{at}.0"
            yield f"up_blocks.{block}.attentions.{layer}", f"output_blocks.{at}.1"
        at, slot = block * layers + layers - 1, 2 if "CrossAttn" in kind else 1
        yield f"up_blocks.{block}.upsamplers.0.conv", f"output_blocks.{at}.{slot}.conv"


def _vae_down(config: Mapping[str, object]) -> Iterable[Renaming]:
    for block in range(_count(config)):
        for layer in range(_layers(config)):
            yield f"down_blocks.{block}.resnets.{layer}", f"down.{block}.block.{layer}"
        yield f"down_blocks.{block}.downsamplers.0", f"down.{block}.downsample"


def _vae_up(config: Mapping[str, object]) -> Iterable[Renaming]:
    count = _count(config)
    for block in range(count):
        ours = count - 1 - block
        for layer in range(_layers(config) + 1):
            yield f"up_blocks.{block}.resnets.{layer}", f"up.{ours}.block.{layer}"
        yield f"up_blocks.{block}.upsamplers.0", f"up.{ours}.upsample"


def _unet_name(name: str, blocks: Iterable[Renaming]) -> str:
    renamed = _rename_start(name, blocks)
    return _rename_part(renamed, _UNET_RESNET) if ".resnets." in name else renamed


def _vae_name(name: str, blocks: Iterable[Renaming]) -> str:
    coder, _, rest = name.partition(".")
    if coder in ("quant_conv", "post_quant_conv") or rest.startswith(("conv_in", "conv_out")):
        return name
    inner = _VAE_ATTENTION if ".attentions." in name else _VAE_INNER
    return f"{coder}.{_rename_part(_rename_start(rest, blocks), inner)}"


def _text_name(name: str) -> str:
    return name if name.startswith("text_model.") else f"text_model.{name}"


def _rename_start(name: str, table: Iterable[Renaming]) -> str:
    for old, new in table:
        if name.startswith(old + "."):
            return new + name[len(old) :]
    raise KeyError(f"{name!r} has no place in Stable Diffusion's layout")


def _rename_part(name: str, table: Iterable[Renaming]) -> str:
    for old, new in table:
        if f".{old}." in name:
            return name.replace(f".{old}.", f".{new}.")
    return name


def _as_kernel(name: str, tensor: Tensor) -> Tensor:
    is_matrix = ".attn_1." in name and name.endswith(".weight") and ".norm." not in name
    return tensor[..., None, None] if is_matrix else tensor  # type: ignore[index]


def _layers(config: Mapping[str, object]) -> int:
    layers = config["layers_per_block"]
    if not isinstance(layers, int):
        raise ValueError(f"layers_per_block is {layers!r}, expected one number")
    return layers


def _count(config: Mapping[str, object]) -> int:
    return len(_names(config, "block_out_channels"))


def _names(config: Mapping[str, object], key: str) -> list[str]:
    value = config[key]
    if not isinstance(value, list | tuple):
        raise ValueError(f"{key} is {value!r}, expected a list")
    return [str(item) for item in value]
