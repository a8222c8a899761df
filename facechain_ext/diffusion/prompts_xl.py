"""SDXL's prompts: two text encoders read the same words (Podell et al. 2023, section 2.1).

As in stable-diffusion-webui: emphasis acts on each encoder's embeddings by itself, the pooled
embedding is the first chunk's, and an empty prompt is no embedding at all (zeros), which is what
SDXL was trained to take for the absence of a prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import CLIPTokenizer

from facechain_ext.diffusion.prompts import Tokens, emphasise, layer, tokenize

OPEN_CLIP_PAD = 0
"""OpenCLIP pads with id 0, "!", where CLIP repeats the end of the text."""
OWN_SKIP = 2
"""The layer that SDXL was trained with, counted from the last, 1."""


def encode_text_pair(
    prompts: Sequence[str],
    tokenizer: CLIPTokenizer,
    first: nn.Module,
    second: nn.Module,
    *,
    skip: int = OWN_SKIP,
) -> tuple[Tensor, Tensor]:
    """Return prompt embeddings (B, 77 * n, D1 + D2) and pooled ones (B, P).

    Both are rows of zeros for an empty prompt. first: CLIP's text model; second: OpenCLIP's, with
    projection; of either the last layer but one is taken, or the `skip`th from the end where that
    is further, before the final norm. Raises InvalidInput where it has fewer.
    """
    tokens = tokenize(prompts, tokenizer)
    clip = _ask(first, tokens.ids)
    open_clip = _ask(second, tokens.padded_with(OPEN_CLIP_PAD))
    skip = max(skip, OWN_SKIP)
    states = [layer(answer.hidden_states, skip) for answer in (clip, open_clip)]
    hidden = [_embeds(each, tokens) for each in states]
    embeds = torch.cat([part.to(hidden[0]) for part in hidden], dim=-1)
    pooled = open_clip.text_embeds.unflatten(0, tokens.ids.shape[:2])[:, 0]
    written = torch.tensor([bool(prompt.strip()) for prompt in prompts], device=embeds.device)
    return embeds * written[:, None, None], pooled * written[:, None]


def _ask(encoder: nn.Module, ids: Tensor) -> Any:
    """Let an encoder read every chunk (B, n, 77)."""
    device = next(encoder.parameters()).device
    return encoder(ids.flatten(0, 1).to(device), output_hidden_states=True)


def _embeds(hidden: Tensor, tokens: Tokens) -> Tensor:
    """Apply the emphasis and line up each prompt's chunks: (B * n, 77, D) to (B, 77 * n, D)."""
    weights = tokens.weights.flatten(0, 1).to(hidden.device)
    return emphasise(hidden, weights).reshape(len(tokens.ids), -1, hidden.shape[-1])
