"""The kinds of change that a LoRA file can hold for a layer, told by the names of its parts.

Those that stable-diffusion-webui applies (its extension Lora, network_*.py), and the bias that some
programs write beside them. What is not named here is refused, never left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor

from facechain_ext.base.errors import InvalidInput
from facechain_ext.lora.state import LoraState, Parts, parts_of

LARGEST_SCALE = 1024.0
"""What alpha / rank can be at most in a training of ours; beyond it a file is damaged."""

STRENGTH = ("alpha", "scale")
BESIDE = (*STRENGTH, "dora_scale", "diff_b")


@dataclass(frozen=True)
class Kind:
    """How a layer is changed.

    needs: its parts; of "a|b&c" either a is there, or b and c. may: further ones.
    rank: the parts whose first dimension is the rank; the last that is there counts.
    factors: whether the parts are matrices or kernels.
    """

    title: str
    needs: tuple[str, ...]
    may: tuple[str, ...] = ()
    rank: tuple[str, ...] = ()
    factors: bool = True

    @property
    def own(self) -> frozenset[str]:
        """The parts by which this kind is told from others."""
        return frozenset(part for name in (*self.needs, *self.may) for part in _SIGNS.split(name))

    def lacks(self, parts: Iterable[str]) -> str | None:
        """Name what is missing; None when the layer is complete."""
        there = set(parts)
        for need in self.needs:
            if not any(set(way.split("&")) <= there for way in need.split("|")):
                return need.replace("|", " or ").replace("&", " and ")
        return None


_SIGNS = re.compile("[|&]")


LORA = Kind(
    "a LoRA",
    ("lora_down.weight", "lora_up.weight"),
    ("lora_mid.weight",),
    ("lora_down.weight",),
)
LOHA = Kind(
    "a LoHa",
    ("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"),
    ("hada_t1", "hada_t2"),
    ("hada_w1_b",),
)
LOKR = Kind(
    "a LoKr",
    ("lokr_w1|lokr_w1_a&lokr_w1_b", "lokr_w2|lokr_w2_a&lokr_w2_b"),
    ("lokr_t2",),
    ("lokr_w1_b", "lokr_w2_b"),
)
FULL = Kind("a full difference", ("diff",), factors=False)
NORM = Kind("a change of a norm", ("w_norm",), ("b_norm",), factors=False)
GLORA = Kind("a GLoRA", ("a1.weight", "a2.weight", "b1.weight", "b2.weight"))
IA3 = Kind("an IA3", ("weight", "on_input"), factors=False)
BIAS = Kind("a bias", ("diff_b",), factors=False)

KINDS = (LORA, LOHA, LOKR, FULL, NORM, GLORA, IA3)

REFUSED = {
    "dora_scale": "a DoRA without factors",
    "oft_blocks": "an OFT",
    "oft_diag": "an OFT",
    "bm.weight": "a GLoRA with a third factor",
    "bias_indices": "a sparse bias",
    "reshape_weight": "a change of a layer's size",
    "set_weight": "a replaced weight",
}


def kind_of(parts: Iterable[str]) -> Kind | None:
    """Return the kind that a layer's parts belong to; None for none of them."""
    there = set(parts)
    found = (kind for kind in KINDS if there & kind.own)
    return next(found, BIAS if "diff_b" in there else None)


def scale_of(parts: Parts) -> float:
    """Return what a layer's change is multiplied by: scale, else alpha / rank, else 1."""
    if "scale" in parts:
        return float(parts["scale"])
    kind = kind_of(parts)
    ranks = [len(parts[part]) for part in (kind.rank if kind else ()) if part in parts]
    return float(parts["alpha"]) / ranks[-1] if ranks and "alpha" in parts else 1.0


def check_state(state: LoraState) -> None:
    """Refuse a state that could not be applied whole; raises InvalidInput, naming the part."""
    layers = parts_of(state)
    if bundled := next((key for key in state if key.startswith("bundle_emb.")), None):
        raise InvalidInput(
            f"{state.name} brings an embedding of its own ({bundled}), which works only in the "
            "webui; use a LoRA without one."
        )
    if all(kind_of(parts) is None for parts in layers.values()):
        told = {REFUSED[part] for parts in layers.values() for part in parts if part in REFUSED}
        what = f"is {min(told)}, which does not work here" if told else "holds no LoRA layers"
        raise InvalidInput(f"{state.name} {what}.")
    for layer, parts in layers.items():
        _check_layer(state.name, layer, parts)


def _check_layer(name: str, layer: str, parts: Parts) -> None:
    kind = kind_of(parts)
    known = {*BESIDE, *kind.own} if kind else set(STRENGTH)
    if odd := next((part for part in parts if part not in known), None):
        what = f" ({REFUSED[odd]})" if odd in REFUSED else ""
        beside = f" beside {kind.title}" if kind else ""
        raise InvalidInput(
            f"{name} holds a part that cannot be applied here{beside}: {layer}.{odd}{what}."
        )
    for part, tensor in parts.items():
        _check_tensor(name, f"{layer}.{part}", part, tensor)
    if kind is None:
        return
    title = f"{kind.title} with a third factor" if "lora_mid.weight" in parts else kind.title
    if (lacking := kind.lacks(parts)) is not None:
        raise InvalidInput(f"{name} is damaged: {layer} is {title} without {lacking}.")
    _check_factors(name, layer, parts, kind)


def _check_tensor(name: str, key: str, part: str, tensor: Tensor) -> None:
    if not tensor.is_floating_point() and part not in (*STRENGTH, "on_input"):
        kind = str(tensor.dtype).removeprefix("torch.")
        raise InvalidInput(f"{name} holds {kind} numbers ({key}), which are no LoRA's.")
    single = part in (*STRENGTH, "on_input")
    if single and tensor.numel() != 1:
        raise InvalidInput(f"{name} is damaged: {key} holds {tensor.numel()} numbers, not one.")
    if not single and (tensor.numel() == 0 or tensor.ndim == 0):
        raise InvalidInput(f"{name} is damaged: {key} has shape {tuple(tensor.shape)}.")
    if not tensor.float().isfinite().all():
        raise InvalidInput(f"{name} is damaged: {key} holds values that are no numbers (NaN).")


def _check_factors(name: str, layer: str, parts: Parts, kind: Kind) -> None:
    """Check what does not depend on the model: factors that fit together, a sane strength."""
    if kind.factors and any(parts[part].ndim < 2 for part in kind.own & parts.keys()):
        raise InvalidInput(f"{name} is damaged: a factor of {layer} is not a matrix.")
    if kind is LORA and "lora_mid.weight" not in parts:
        down, up = parts["lora_down.weight"], parts["lora_up.weight"]
        if up[0].numel() != len(down):
            raise InvalidInput(f"{name} is damaged: the two factors of {layer} do not match.")
    scale = scale_of(parts)
    if not abs(scale) <= LARGEST_SCALE:
        raise InvalidInput(
            f"{name} is damaged: the strength of {layer} (alpha / rank) is {scale:g}."
        )
