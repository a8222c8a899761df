"""Train the text encoders along with the denoiser: captions are encoded anew in every step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import nn

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.host import Conditioning, DiffusionModel, TextTargets, TextTrainable
from facechain_ext.config import TrainConfig

TOKENS = 77
ACTIVATIONS = 40
"""Bytes per token, layer and channel that the backward needs, in half precision: 34 (Korthikanti
et al. 2022, arXiv 2205.05198, section 4.1), and some for the LoRA."""


def trained_text_encoders(model: DiffusionModel, config: TrainConfig) -> Sequence[TextTargets]:
    """Return the text encoders to train and their layers; none where that is not asked for.

    Raises InvalidInput where they cannot be trained.
    """
    return _trainable(model).text_targets() if config.text_encoder_lora else ()


def _trainable(model: DiffusionModel) -> TextTrainable:
    if not isinstance(model, TextTrainable):
        raise InvalidInput(
            "The text encoders of this kind of checkpoint cannot be trained in this program. "
            'Turn "Train the text encoder" off.'
        )
    return model


def encoded(
    model: DiffusionModel, cond: Conditioning, autocast: torch.dtype | None
) -> Conditioning:
    """Encode a batch's captions, each of them once, as the text encoders are now."""
    assert cond.texts is not None, "the captions were not kept"
    texts = list(dict.fromkeys(cond.texts))
    rows = torch.tensor([texts.index(text) for text in cond.texts], device=model.device)
    with torch.autocast(
        model.device.type, autocast, enabled=autocast is not None, cache_enabled=False
    ):
        fresh = _trainable(model).encode_with_gradients(texts)
    return replace(fresh.select(rows), add_time_ids=cond.add_time_ids)


@contextmanager
def on_device(modules: Sequence[nn.Module], device: torch.device) -> Iterator[None]:
    """Have modules on a device, where a host keeps them elsewhere, and then at home again."""
    homes = [next(module.parameters()).device for module in modules]
    for module in modules:
        module.to(device)
    try:
        yield
    finally:
        for module, home in zip(modules, homes, strict=True):
            module.to(home)


def activation_bytes(encoders: Sequence[TextTargets], *, pictures: int, half: bool) -> float:
    """Predict what text encoders keep for the backward, and of their weights as autocast's copies.

    An estimate: no more than the pictures' captions, of one chunk each.
    """
    total = 0.0
    for encoder, targets in encoders:
        widths = [_width(encoder.get_submodule(path)) for path in targets.values()]
        kept = sum(widths) / 4 * TOKENS * ACTIVATIONS * pictures  # four layers in every block
        linear = (module for module in encoder.modules() if isinstance(module, nn.Linear))
        copies = 2 * sum(layer.weight.numel() for layer in linear)
        total += kept + copies if half else 2 * kept
    return total


def _width(layer: nn.Module) -> int:
    weight = layer.weight
    assert isinstance(weight, torch.Tensor)
    return len(weight)
