"""Fill diffusers' and transformers' modules with a checkpoint's tensors, always offline.

Both layouts take one path: the module names the tensors it needs, and each is looked up in the
file under the names it may have there. What a checkpoint holds besides (EMA copies, schedules) is
never read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors import safe_open
from torch import Tensor, nn
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)

from facechain_ext.base.errors import UnsupportedCheckpoint
from facechain_ext.diffusion.checkpoint import CheckpointInfo, read_config
from facechain_ext.diffusion.families import LAYOUTS, SCALES
from facechain_ext.diffusion.headers import (
    FLOATS,
    QUANTIZED_WEIGHTS,
    Header,
    read_header,
    weight_files,
)
from facechain_ext.diffusion.ldm_keys import text_to_ldm, unet_to_ldm, vae_to_ldm
from facechain_ext.diffusion.open_clip import from_open_clip, open_clip_name

CLIP_TOKENIZER = Path(__file__).resolve().parents[1] / "weights" / "clip_tokenizer"

# The autoencoder's attention in diffusers folders made before 2023.
OLD_VAE_ATTENTION = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}

Names = Mapping[str, tuple[str, ...]]
"""For each of a module's tensors, what it may be called in the file, best first."""


@dataclass(frozen=True, eq=False)
class Part:
    """A component on the meta device, and where its tensors lie.

    cut: takes a module's tensor, by name, out of the file's.
    """

    module: nn.Module
    files: tuple[Path, ...]
    names: Names
    cut: Callable[[str, Tensor], Tensor]

    @property
    def title(self) -> str:
        """What an error message calls the files."""
        return self.files[0].name if len(self.files) == 1 else f"{self.files[0].parent.name}/"


def load_unet(info: CheckpointInfo, dtype: torch.dtype) -> UNet2DConditionModel:
    """Build the UNet on the CPU."""
    return _fill(_unet(info), dtype)


def load_vae(info: CheckpointInfo, dtype: torch.dtype) -> AutoencoderKL:
    """Build the autoencoder on the CPU."""
    return _fill(_vae(info), dtype)


def load_text_encoder(info: CheckpointInfo, dtype: torch.dtype) -> CLIPTextModel:
    """Build the only or the first text encoder, CLIP's or OpenCLIP's, on the CPU."""
    return _fill(_text(CLIPTextModel, info, "text_encoder", 0), dtype)


def load_text_encoder_2(info: CheckpointInfo, dtype: torch.dtype) -> CLIPTextModelWithProjection:
    """Build SDXL's second text encoder, OpenCLIP's with its projection, on the CPU."""
    return _fill(_text(CLIPTextModelWithProjection, info, "text_encoder_2", 1), dtype)


def check_weights(info: CheckpointInfo) -> None:
    """Check every tensor's name, shape and kind by the headers alone, before anything is loaded.

    Raises UnsupportedCheckpoint, naming the tensor.
    """
    parts = [_unet(info), _vae(info), _text(CLIPTextModel, info, "text_encoder", 0)]
    if len(LAYOUTS[info.family].text) > 1:
        parts.append(_text(CLIPTextModelWithProjection, info, "text_encoder_2", 1))
    for part in parts:
        _check(part, [read_header(path) for path in part.files])


def check_numbers(name: str, modules: Mapping[str, nn.Module]) -> None:
    """Refuse weights that are no numbers, or too large for their precision, naming the first.

    On whatever device they are: a sum is not finite where one of them is not.
    """
    weights = [
        (f"{part}.{own}", weight)
        for part, module in modules.items()
        for own, weight in module.named_parameters()
    ]
    sums = torch.stack([weight.sum(dtype=torch.float32) for _, weight in weights])
    if bool(sums.isfinite().all()):
        return
    bad = weights[int(sums.isfinite().logical_not().nonzero()[0])][0]
    raise UnsupportedCheckpoint(
        f"{name} is damaged: {bad} holds values that are no numbers (NaN), or too large for half "
        "precision."
    )


def _unet(info: CheckpointInfo) -> Part:
    config = read_config(info.components, "unet")
    with _described(info, "unet"):
        unet = UNet2DConditionModel.from_config(config)
        names = _renamed(unet, unet_to_ldm(unet.state_dict(), config))
    if info.layout == "ldm":
        return Part(unet, (info.path,), names, _whole)
    return Part(unet, weight_files(info.path / "unet"), _as_is(unet), _whole)


def _vae(info: CheckpointInfo) -> Part:
    config = read_config(info.components, "vae")
    with _described(info, "vae"):
        vae = AutoencoderKL.from_config(config)
        names = _renamed(vae, vae_to_ldm(vae.state_dict(), config))
    if info.layout == "ldm":
        return Part(vae, (info.path,), names, _whole)
    both: Names = {name: (name, _old_attention(name)) for name in vae.state_dict()}
    return Part(vae, weight_files(info.path / "vae"), both, _whole)


def _text(kind: type[nn.Module], info: CheckpointInfo, component: str, place: int) -> Part:
    config, prefix = read_config(info.components, component), LAYOUTS[info.family].text[place]
    with _described(info, component):
        text_encoder = kind(CLIPTextConfig(**config))
    _restore_positions(text_encoder)
    own = [name for name in text_encoder.state_dict() if "position_ids" not in name]
    if info.layout == "diffusers":
        spelled: Names = {name: _spellings(name) for name in own}
        return Part(text_encoder, weight_files(info.path / component), spelled, _whole)
    if prefix.endswith(".model."):
        stacked: Names = {name: (prefix + open_clip_name(name),) for name in own}
        return Part(text_encoder, (info.path,), stacked, from_open_clip)
    ldm_names = text_to_ldm({name: name for name in own}, prefix)
    bare = {name: prefix + name.removeprefix("text_model.") for name in own}
    both: Names = {name: (ldm, bare[name]) for ldm, name in ldm_names.items()}
    return Part(text_encoder, (info.path,), both, _whole)


@contextmanager
def _described(info: CheckpointInfo, component: str) -> Iterator[None]:
    """Build on the meta device; configs that describe no such module are told, not traced."""
    try:
        with torch.device("meta"):
            yield
    except Exception as error:  # the libraries raise what they like for settings they do not know
        why = str(error).partition("\n")[0]
        raise UnsupportedCheckpoint(
            f"{info.components.name}: {component}/config.json describes no such part ({why})."
        ) from error


def _restore_positions(text_encoder: nn.Module) -> None:
    """Count the positions anew: a buffer that no file holds, and that was made on no device."""
    for module in text_encoder.modules():
        positions = module._buffers.get("position_ids")
        if positions is not None:
            module.position_ids = torch.arange(positions.shape[-1]).expand(1, -1)


def _spellings(name: str) -> tuple[str, ...]:
    """Name a text encoder's tensor with and without the level that newer transformers drop."""
    bare = name.removeprefix("text_model.")
    return f"text_model.{bare}", bare


def load_tokenizer(info: CheckpointInfo) -> CLIPTokenizer:
    """Read the checkpoint's own tokenizer, or CLIP's where it brings none.

    Raises UnsupportedCheckpoint for one that is damaged.
    """
    own = info.components / "tokenizer"
    folder = own if (own / "vocab.json").is_file() else CLIP_TOKENIZER
    try:
        return CLIPTokenizer.from_pretrained(str(folder), local_files_only=True)
    except Exception as error:  # the libraries raise what they like for files they cannot read
        raise UnsupportedCheckpoint(f"{info.path.name}: its tokenizer/ cannot be read.") from error


def _as_is(module: nn.Module) -> Names:
    return {name: (name,) for name in module.state_dict()}


def _renamed(module: nn.Module, ldm_state: Mapping[str, Any]) -> Names:
    """Pair a module's tensor names with their LDM names; a renaming keeps the order."""
    return {own: (ldm,) for own, ldm in zip(module.state_dict(), ldm_state, strict=True)}


def _old_attention(name: str) -> str:
    for new, old in OLD_VAE_ATTENTION.items():
        if f".attentions.0.{new}." in name:
            return name.replace(f".{new}.", f".{old}.")
    return name


def _whole(name: str, tensor: Tensor) -> Tensor:
    return tensor


def _fill(part: Part, dtype: torch.dtype) -> Any:
    """Give a module its tensors; raises UnsupportedCheckpoint for one that cannot be meant."""
    shapes = {name: tensor.shape for name, tensor in part.module.state_dict().items()}
    state: dict[str, Tensor] = {}
    with ExitStack() as stack:
        files = [stack.enter_context(safe_open(str(p), framework="pt")) for p in part.files]
        holder = {key: file for file in files for key in file.keys()}  # noqa: SIM118
        for own, options in part.names.items():
            found = _found(part, options, holder)
            whole = _scaled(part, found, holder)
            tensor = part.cut(own, whole)
            _check_shape(part, found, tensor, shapes[own])
            # A copy, or the module would keep the file mapped and, on Windows, locked.
            state[own] = tensor.reshape(shapes[own]).to(dtype, copy=True)
    part.module.load_state_dict(state, strict=False, assign=True)
    return part.module.requires_grad_(False).eval()


def _scaled(part: Part, key: str, holder: Mapping[str, Any]) -> Tensor:
    """Read a tensor, times the scale that lies beside it where it was squeezed into float8."""
    tensor: Tensor = holder[key].get_tensor(key)
    if not tensor.is_floating_point():
        raise UnsupportedCheckpoint(f"{part.title} {QUANTIZED_WEIGHTS}")
    stem = key.removesuffix(".weight")
    scale = next((stem + end for end in SCALES if stem + end in holder), None)
    if scale is None or tensor.itemsize != 1:
        return tensor
    by: Tensor = holder[scale].get_tensor(scale).float()
    if by.numel() not in (1, len(tensor)):
        raise UnsupportedCheckpoint(f"{part.title} {QUANTIZED_WEIGHTS}")
    return tensor.float() * by.reshape(-1, *[1] * (tensor.ndim - 1))


def _check(part: Part, headers: Sequence[Header]) -> None:
    """Compare a part with the headers of its files."""
    entries = {key: header for header in headers for key in header.shapes}
    for own, tensor in part.module.state_dict().items():
        if own not in part.names:
            continue
        found = _found(part, part.names[own], entries)
        if entries[found].dtypes[found] not in FLOATS:
            raise UnsupportedCheckpoint(f"{part.title} {QUANTIZED_WEIGHTS}")
        given = torch.empty(entries[found].shapes[found], device="meta")
        _check_shape(part, found, part.cut(own, given) if given.ndim else given, tensor.shape)


def _found(part: Part, options: tuple[str, ...], present: Mapping[str, object]) -> str:
    found = next((option for option in options if option in present), None)
    if found is None:
        raise UnsupportedCheckpoint(f"{part.title} is incomplete: it lacks {options[0]}.")
    return found


def _check_shape(part: Part, found: str, tensor: Tensor, wanted: torch.Size) -> None:
    if tensor.numel() != wanted.numel() or len(tensor.shape[:1]) != len(wanted[:1]):
        raise UnsupportedCheckpoint(
            f"{part.title}: {found} has shape {tuple(tensor.shape)}, expected {tuple(wanted)}."
        )
