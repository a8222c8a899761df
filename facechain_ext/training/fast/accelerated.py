"""Swap a denoiser's layers for fused ones while a LoRA trains, and give it back as it was."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from subprocess import SubprocessError
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
    is_plain_resnet,
    is_plain_transformer,
)
from facechain_ext.training.fast.kernels import Kernels
from facechain_ext.training.fast.merged import MergedWeights

logger = logging.getLogger(__name__)

RESNET, TRANSFORMER = "ResnetBlock2D", "Transformer2DModel"
"""Class names of diffusers' blocks that are fused."""


@contextmanager
def accelerated(
    denoiser: nn.Module, *, dtype: torch.dtype | None, kernels: Kernels | None = None
) -> Iterator[bool]:
    """Compute a denoiser with LoRA layers by fused kernels, in dtype; yield whether it is so.

    dtype: None to leave everything as it is. kernels: None for Triton's, on CUDA alone. What does
    not fit stays as it is. Frozen weights are cast and laid out as channels_last, in memory of
    their own where that changes them; on leaving, the very tensors from before are back.
    """
    kernels = kernels or triton_kernels(denoiser)
    if kernels is None or dtype is None:
        yield False
        return
    fitting = _fitting(denoiser)
    if not any(type(module).__name__ == TRANSFORMER for module in fitting):
        logger.info(
            "Training with the model's own layers: its transformers are not Stable Diffusion's, "
            "or a LoRA is on more than their attention"
        )
        yield False
        return
    if not _prepared(kernels, denoiser, dtype, fitting):
        yield False
        return
    with ExitStack() as stack:
        exact = stack.enter_context(_cast(denoiser, dtype))
        stack.enter_context(_swapped(denoiser, fitting, MergedWeights(dtype, exact), kernels))
        yield True


def can_be_fused(denoiser: nn.Module) -> bool:
    """Tell whether it is worth trying, before there is a LoRA: on CUDA, with diffusers' layers."""
    kinds = {type(module).__name__ for module in denoiser.modules()}
    return TRANSFORMER in kinds and triton_kernels(denoiser) is not None


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


def _prepared(
    kernels: Kernels, denoiser: nn.Module, dtype: torch.dtype, fitting: Sequence[Any]
) -> bool:
    device = next(denoiser.parameters()).device
    try:
        kernels.prepare(dtype, device, _widths(fitting))
    except (RuntimeError, OSError, SubprocessError) as error:  # no C compiler, say
        logger.warning("Training with the model's own layers; fused ones failed: %s", error)
        return False
    return True


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
def _swapped(
    denoiser: Any, fitting: Sequence[Any], merged: MergedWeights, kernels: Kernels
) -> Iterator[None]:
    shifts, attention = Shifts(), Attention()
    forwards = [(each, _forward(each, merged, shifts, attention, kernels)) for each in fitting]

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


def _fitting(denoiser: Any) -> list[Any]:
    """List the modules that can be fused; one whose forward somebody has patched is left alone."""
    kinds = {RESNET: is_plain_resnet, TRANSFORMER: is_plain_transformer}
    found = [
        module
        for module in denoiser.modules()
        if (fits := kinds.get(type(module).__name__))
        and fits(module)
        and not any("forward" in part.__dict__ for part in module.modules())
    ]
    last = getattr(denoiser, "conv_norm_out", None)
    if isinstance(last, nn.GroupNorm) and "forward" not in last.__dict__:
        found.append(last)
    return found


def _forward(
    module: Any, merged: MergedWeights, shifts: Shifts, attention: Attention, kernels: Kernels
) -> Forward:
    if isinstance(module, nn.GroupNorm):
        return fused_output_norm(module, kernels)
    if type(module).__name__ == RESNET:
        return fused_resnet(module, shifts, kernels)
    return fused_transformer(module, merged, kernels, attention)


def _widths(fitting: Sequence[Any]) -> list[int]:
    """List the widths that layer norms have, each once."""
    return sorted(
        {
            part.normalized_shape[0]
            for module in fitting
            for part in module.modules()
            if isinstance(part, nn.LayerNorm)
        }
    )
