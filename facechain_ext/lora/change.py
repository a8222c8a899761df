"""What a layer's parts add to its weight: the algebra of every kind that can be merged.

Formulas as published with LyCORIS (Yeh et al. 2023, arXiv 2309.14859) and DoRA (Liu et al. 2024,
arXiv 2402.09353); where programs differ, stable-diffusion-webui's reading is taken.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from facechain_ext.lora.kinds import (
    BIAS,
    FULL,
    GLORA,
    IA3,
    LOHA,
    LOKR,
    LORA,
    NORM,
    kind_of,
    scale_of,
)
from facechain_ext.lora.state import Parts

LEAST_NORM = 1e-12


def change_of(parts: Parts, weight: Tensor) -> Tensor | None:
    """Return what is added to a weight at strength 1, float32, in its shape; None for nothing.

    Raises RuntimeError where the parts do not fit the weight.
    """
    raw = raw_change(_on(weight.device, parts), weight)
    if raw is None:
        return None
    change = scale_of(parts) * raw
    magnitude = parts.get("dora_scale")
    return change if magnitude is None else _decomposed(change, weight.float(), magnitude)


def bias_of(parts: Parts) -> Tensor | None:
    """Return what is added to the bias at strength 1; None for nothing."""
    found = parts.get("diff_b", parts.get("b_norm"))
    return None if found is None else found.float().flatten()


def raw_change(parts: Parts, weight: Tensor) -> Tensor | None:
    """Return the change before alpha and DoRA; weight and matrices may be on the meta device."""
    tensors = {part: tensor.float() for part, tensor in parts.items()}
    kind = kind_of(parts)
    if kind is None or kind is BIAS:
        return None
    if kind is IA3:
        return _rescaled(tensors, weight.float(), on_input=bool(parts["on_input"].item()))
    if kind is GLORA:
        return _glora(tensors, weight.float())
    made = MADE[kind.title](tensors)
    if len(made) != len(weight):
        raise RuntimeError(f"{len(made)} rows, not {len(weight)}")
    return made.reshape(weight.shape)


def _product(t: Parts) -> Tensor:
    up, down = t["lora_up.weight"].flatten(1), t["lora_down.weight"]
    if "lora_mid.weight" in t:
        return torch.einsum("nmkl,in,mj->ijkl", t["lora_mid.weight"], up, down.flatten(1))
    return up @ down.flatten(1)


def _hadamard(t: Parts) -> Tensor:
    return _half(t, "1") * _half(t, "2")


def _half(t: Parts, which: str) -> Tensor:
    a, b = t[f"hada_w{which}_a"], t[f"hada_w{which}_b"]
    core = t.get(f"hada_t{which}")
    return a.flatten(1) @ b.flatten(1) if core is None else _tucker(core, a, b)


def _tucker(core: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Rebuild a kernel (out, in, k, k) from its core; a: (rank, out), b: (rank, in)."""
    return torch.einsum("pqkl,po,qi->oikl", core, a.flatten(1), b.flatten(1))


def _kronecker(t: Parts) -> Tensor:
    first = t["lokr_w1"] if "lokr_w1" in t else t["lokr_w1_a"] @ t["lokr_w1_b"]
    if "lokr_w2" in t:
        second = t["lokr_w2"]
    elif "lokr_t2" in t:
        second = _tucker(t["lokr_t2"], t["lokr_w2_a"], t["lokr_w2_b"])
    else:
        second = t["lokr_w2_a"] @ t["lokr_w2_b"].flatten(1)
    if second.ndim == 4:
        first = first[..., None, None]
    return torch.kron(first, second)


MADE: dict[str, Callable[[Parts], Tensor]] = {
    LORA.title: _product,
    LOHA.title: _hadamard,
    LOKR.title: _kronecker,
    FULL.title: lambda parts: parts["diff"],
    NORM.title: lambda parts: parts["w_norm"],
}


def _glora(t: Parts, weight: Tensor) -> Tensor:
    """Add W A + B; A's and B's factors come in two orders, of which the webui reads the first.

    There alpha does not count; in the order of today's LyCORIS it does.
    """
    a1, a2, b1, b2 = (t[f"{part}.weight"].flatten(1) for part in ("a1", "a2", "b1", "b2"))
    flat = weight.flatten(1)
    if len(b2) == len(flat) and b1.shape[0] == b2.shape[1]:
        return (b2 @ b1 + _through(weight, a2, a1).flatten(1)).reshape(weight.shape)
    scale = float(t["alpha"]) / len(a2) if "alpha" in t else 1.0
    made = b1 @ b2 + _through(weight, a1, a2).flatten(1)
    return scale * made.reshape(weight.shape)


def _through(weight: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Multiply a weight's input dimension by two factors."""
    return torch.einsum("oi...,ir,rj->oj...", weight, first, second)


def _rescaled(t: Parts, weight: Tensor, *, on_input: bool) -> Tensor:
    axis = 1 if on_input else 0
    shape = [1] * weight.ndim
    shape[axis] = -1
    by = t["weight"].reshape(shape)
    if by.shape[axis] != weight.shape[axis]:
        raise RuntimeError(f"{by.shape[axis]} factors, not {weight.shape[axis]}")
    return weight * by


def _decomposed(change: Tensor, weight: Tensor, magnitude: Tensor) -> Tensor:
    """Give the changed weight DoRA's magnitudes: one for each output, or for each input.

    The webui knows those of the inputs, (1, in); peft and today's LyCORIS write (out, 1).
    """
    merged = weight + change
    per_output = magnitude.ndim == 1 or magnitude.shape[0] == len(weight) != 1
    axis = 0 if per_output else 1
    squares = merged.transpose(0, axis).flatten(1).square().sum(dim=1)
    norm = squares.sqrt().clamp(min=LEAST_NORM)
    shape = [1] * weight.ndim
    shape[axis] = -1
    wanted = magnitude.to(weight.device).float().flatten()
    return merged * (wanted / norm).reshape(shape) - weight


def _on(device: torch.device, parts: Parts) -> Parts:
    """Move the matrices; single numbers are read on the CPU."""
    return {part: t if t.numel() == 1 else t.to(device) for part, t in parts.items()}
