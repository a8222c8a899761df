"""Swap a denoiser's layers for fused ones while a LoRA trains, and give it back as it was."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from facechain_ext.training.fast.attention import Attention
from facechain_ext.training.fast.diffusers_layers import (
    Forward,
    Shifts,
    fused_output_norm,
    fused_resnet,
    fused_transformer,
)
from facechain_ext.training.fast.kernels import Kernels
from facechain_ext.training.fast.merged import MergedWeights

logger = logging.getLogger(__name__)


@contextmanager
def accelerated(
    denoiser: nn.Module, *, dtype: torch.dtype | None, kernels: Kernels | None = None
) -> Iterator[bool]:
    """Compute a denoiser with LoRA layers by fused kernels, in dtype; yield whether it is so.

    dtype: None to leave everything as it is. kernels: None for Triton's, on CUDA alone. What does
    not fit stays as it is. Frozen weights are cast and laid out as channels_last; on leaving, the
    very tensors from before are back.
    """
    kernels = kernels or triton_kernels(denoiser)
    if kernels is None or dtype is None:
        yield False
        return
    with ExitStack() as stack:
        exact = stack.enter_context(_cast(denoiser, dtype))
        stack.enter_context(_swapped(denoiser, MergedWeights(dtype, exact), kernels))
        yield True


def triton_kernels(denoiser: nn.Module) -> Kernels | None:
    """Return Triton's kernels where the denoiser's device and the installation have them."""
    if next(denoiser.parameters()).device.type != "cuda":
        return None
    try:
        from facechain_ext.training.fast.triton_kernels import TritonKernels
    except ImportError as error:
        logger.info("Training with the model's own layers; fused ones need Triton: %s", error)
        return None
    return TritonKernels()


@contextmanager
def _cast(denoiser: nn.Module, dtype: torch.dtype) -> Iterator[Mapping[Tensor, Tensor]]:
    """Hold the frozen weights in dtype, convolutions' in channels_last; yield them as before."""
    frozen = [weight for weight in denoiser.parameters() if not weight.requires_grad]
    before: dict[Tensor, Tensor] = {weight: weight.data for weight in frozen}
    try:
        for weight, data in before.items():
            layout = torch.channels_last if data.ndim == 4 else torch.preserve_format
            weight.data = data.to(dtype, memory_format=layout)
        yield before
    finally:
        for weight, data in before.items():
            weight.data = data


@contextmanager
def _swapped(denoiser: Any, merged: MergedWeights, kernels: Kernels) -> Iterator[None]:
    shifts, attention = Shifts(), Attention()
    forwards = _forwards(denoiser, merged, shifts, attention, kernels)
    if not forwards:
        logger.info("Training with the model's own layers: none of them can be fused")
        yield
        return

    def renew(*_: Any) -> None:
        shifts.forget()
        merged.refresh()

    hook = denoiser.register_forward_pre_hook(renew)
    try:
        for module, forward in forwards:
            module.forward = forward
        logger.info("Training with %d fused layers in %s", len(forwards), merged.dtype)
        yield
    finally:
        for module, _ in forwards:
            module.__dict__.pop("forward", None)
        hook.remove()


def _forwards(
    denoiser: Any,
    merged: MergedWeights,
    shifts: Shifts,
    attention: Attention,
    kernels: Kernels,
) -> list[tuple[Any, Forward]]:
    """Pair the modules that can be fused with their new forwards."""
    found: list[tuple[Any, Forward | None]] = []
    for module in denoiser.modules():
        kind = type(module).__name__
        if "forward" in module.__dict__:
            continue
        if kind == "ResnetBlock2D":
            found.append((module, fused_resnet(module, shifts, kernels)))
        elif kind == "Transformer2DModel":
            found.append((module, fused_transformer(module, merged, kernels, attention)))
    last = getattr(denoiser, "conv_norm_out", None)
    if isinstance(last, nn.GroupNorm) and isinstance(denoiser.conv_act, nn.SiLU):
        found.append((last, fused_output_norm(last, kernels)))
        found.append((denoiser.conv_act, lambda picture: picture))
    return [(module, forward) for module, forward in found if forward is not None]
