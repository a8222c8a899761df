"""OpenCLIP's layout of a text encoder, told by the names of transformers' CLIP text model.

Stable Diffusion 2.x (ViT-H) and SDXL's second encoder (ViT-bigG) are published in it: queries, keys
and values stacked in one matrix, and the projection transposed (open_clip/transformer.py).
"""

from __future__ import annotations

from torch import Tensor

_OUTER = {
    "embeddings.token_embedding.weight": "token_embedding.weight",
    "embeddings.position_embedding.weight": "positional_embedding",
    "final_layer_norm.weight": "ln_final.weight",
    "final_layer_norm.bias": "ln_final.bias",
    "text_projection.weight": "text_projection",
}
_LAYER = {
    "layer_norm1.": "ln_1.",
    "layer_norm2.": "ln_2.",
    "mlp.fc1.": "mlp.c_fc.",
    "mlp.fc2.": "mlp.c_proj.",
    "self_attn.out_proj.": "attn.out_proj.",
    **{f"self_attn.{part}_proj.": "attn.in_proj_" for part in "qkv"},
}
_STACKED = ("self_attn.q_proj.", "self_attn.k_proj.", "self_attn.v_proj.")


def open_clip_name(name: str) -> str:
    """Name the tensor that holds one of CLIPTextModel's, e.g. `text_model.final_layer_norm.bias`.

    Raises KeyError, quoting the name, for a tensor that the layout does not have.
    """
    own = name.removeprefix("text_model.")
    if own in _OUTER:
        return _OUTER[own]
    start, _, rest = own.removeprefix("encoder.layers.").partition(".")
    for theirs, ours in _LAYER.items():
        if own.startswith("encoder.layers.") and rest.startswith(theirs):
            return f"transformer.resblocks.{start}.{ours}{rest.removeprefix(theirs)}"
    raise KeyError(f"{name!r} has no place in OpenCLIP's layout")


def from_open_clip(name: str, tensor: Tensor) -> Tensor:
    """Cut a CLIPTextModel tensor out of the OpenCLIP tensor that holds it."""
    for place, part in enumerate(_STACKED):
        if part in name:
            return tensor.tensor_split(3)[place]
    return tensor.T.contiguous() if name == "text_projection.weight" else tensor
