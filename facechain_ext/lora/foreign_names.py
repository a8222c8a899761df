"""Other programs' names for a LoRA's tensors, turned into kohya's.

Those of diffusers and peft say where a layer stands with dots (unet.down_blocks.0 ...), and changed
over the years; what they leave out of the file's tensors, alpha, stands in its metadata.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from facechain_ext.base.errors import InvalidInput

PREFIXES = {
    "unet": "lora_unet_",
    "text_encoder": "lora_te1_",
    "text_encoder_2": "lora_te2_",
}
PARTS = {
    "lora_A.weight": "lora_down.weight",
    "lora_B.weight": "lora_up.weight",
    "lora_magnitude_vector": "dora_scale",
    "lora_magnitude_vector.weight": "dora_scale",
    "lora.down.weight": "lora_down.weight",
    "lora.up.weight": "lora_up.weight",
    "lora_linear_layer.down.weight": "lora_down.weight",
    "lora_linear_layer.up.weight": "lora_up.weight",
}
METADATA = "lora_adapter_metadata"

_ADAPTER = re.compile(r"\.(lora_A|lora_B|lora_magnitude_vector)\.(?!weight$)\w+")
_ROOTS = re.compile(r"(unet|text_encoder(?:_2)?)\.(.+)|((?:down_blocks|up_blocks|mid_block)\..+)")
_END = re.compile(
    r"(.+?)\.(alpha|dora_scale|" + "|".join(map(re.escape, sorted(PARTS, key=len)[::-1])) + ")"
)
_OLD = re.compile(r"\.(?:processor\.)?to_(q|k|v|out)_lora\.(down|up)\.weight$")
_OLD_TEXT = re.compile(r"\.self_attn\.to_(q|k|v|out)$|\.self_attn\.to_out\.0$")


def with_kohyas_names(
    tensors: Mapping[str, Tensor], metadata: Mapping[str, str], *, name: str
) -> dict[str, Tensor]:
    """Rename a file's tensors, and add the alphas that its metadata tell.

    Raises InvalidInput for two tensors of one name, and for adapters without their settings.
    """
    renamed: dict[str, Tensor] = {}
    dotted: dict[str, str] = {}
    for key, tensor in tensors.items():
        if key.startswith("base_model.model."):
            raise InvalidInput(
                f"{name} is peft's own adapter file, whose strength stands in another file; "
                "export it for diffusers or kohya first."
            )
        new, place = _kohyas_name(key)
        if new in renamed:
            raise InvalidInput(f"{name} is damaged: it names {new} twice.")
        renamed[new] = tensor
        if place:
            dotted[new.partition(".")[0]] = place
    return {**renamed, **_told_alphas(renamed, dotted, metadata, name)}


def _kohyas_name(key: str) -> tuple[str, str]:
    """Return kohya's name of a tensor, and the layer's place where that was written with dots."""
    plain = _ADAPTER.sub(r".\1", key)
    root = _ROOTS.fullmatch(_OLD.sub(_from_processor, plain))
    end = _END.fullmatch(root[2] or root[3]) if root else None
    if root is None or end is None:
        layer, _, part = plain.partition(".")
        return f"{layer}.{PARTS.get(part, part)}", ""
    component, path = root[1] or "unet", end[1]
    if component != "unet":
        path = _text_path(path)
    part = PARTS.get(end[2], end[2])
    return f"{PREFIXES[component]}{path.replace('.', '_')}.{part}", f"{component}.{end[1]}"


def _from_processor(match: re.Match[str]) -> str:
    projection = "out.0" if match[1] == "out" else match[1]
    return f".to_{projection}.lora.{match[2]}.weight"


def _text_path(path: str) -> str:
    """Name a text encoder's layer as transformers does, with the level that newer ones drop."""
    found = _OLD_TEXT.search(path)
    if found:
        path = f"{path[: found.start()]}.self_attn.{found[1] or 'out'}_proj"
    return path if path.startswith(("text_model.", "text_projection")) else f"text_model.{path}"


def _told_alphas(
    tensors: Mapping[str, Tensor], dotted: Mapping[str, str], metadata: Mapping[str, str], name: str
) -> dict[str, Tensor]:
    """Read the alphas of dotted layers from the settings that diffusers saves as metadata."""
    if METADATA not in metadata:
        return {}
    try:
        told = json.loads(metadata[METADATA])
        alphas = {layer: _alpha(told, place) for layer, place in dotted.items()}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidInput(f"{name} is damaged: its {METADATA} cannot be read.") from error
    found: dict[str, Tensor] = {}
    for layer, (alpha, by_root) in alphas.items():
        down = tensors.get(f"{layer}.lora_down.weight")
        if alpha is not None and f"{layer}.alpha" not in tensors and down is not None and down.ndim:
            factor = math.sqrt(len(down)) if by_root else 1.0
            found[f"{layer}.alpha"] = torch.tensor(alpha * factor)
    return found


def _alpha(told: Mapping[str, Any], place: str) -> tuple[float | None, bool]:
    """Return a layer's alpha, and whether it is divided by the rank's root (rsLoRA)."""
    component, _, path = place.partition(".")
    patterns = told.get(f"{component}.alpha_pattern") or {}
    own = (alpha for end, alpha in patterns.items() if path == end or path.endswith(f".{end}"))
    alpha = next(own, told.get(f"{component}.lora_alpha"))
    return None if alpha is None else float(alpha), bool(told.get(f"{component}.use_rslora"))
