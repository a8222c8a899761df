"""How a run fits the device: what is decided here, the stepper and the loop obey.

A plan is the fastest one whose predicted peak fits the free memory. Predictions are a sum of what
the LoRA keeps, what every picture's activations take, and room for kernels to work in.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Literal

import torch
from torch import nn

from facechain_ext.base.errors import OutOfMemory
from facechain_ext.base.host import DiffusionModel, Family, TargetModules
from facechain_ext.config import TrainConfig
from facechain_ext.training.fast.accelerated import can_be_fused
from facechain_ext.training.parking import Parking
from facechain_ext.training.text_encoder import activation_bytes, trained_text_encoders

GIB = 2**30
MARGIN = 0.15
"""Share of the free memory that is left free: predictions are not exact, and of what PyTorch takes
a part lies unused: 5.3 GiB taken where 4.5 were in use have been seen."""

ACTIVATIONS: dict[tuple[Family, TargetModules, bool], float] = {
    ("sd1", "attention", False): 290e3,
    ("sd1", "all", False): 363e3,
    ("sd1", "attention", True): 74e3,
    ("sd1", "all", True): 92e3,
    ("sd2", "attention", False): 290e3,
    ("sd2", "all", False): 363e3,
    ("sd2", "attention", True): 74e3,
    ("sd2", "all", True): 92e3,
    ("sdxl", "attention", False): 480e3,
    ("sdxl", "all", False): 600e3,
    ("sdxl", "attention", True): 125e3,
    ("sdxl", "all", True): 150e3,
}
"""Bytes per latent pixel and picture at the peak, in half precision with fused attention:
by family, trained layers and whether blocks are checkpointed. bench/train_memory.md has how those
of sd1 were measured; sd2 is taken to be like it, and sdxl's are measured for attention without
checkpoints (bench/train_throughput.md) and estimated otherwise."""

FUSED_ACTIVATIONS: dict[Family, float] = {"sd1": 146e3, "sd2": 146e3, "sdxl": 270e3}
"""The same with fused layers, which compute norms and GEGLU again in the backward."""

FULL_WIDTH = 320
"""Channels of the first block of the models in the table; narrower ones need less in proportion."""

WORKSPACE = {False: 0.55 * GIB, True: 0.2 * GIB}
"""For kernels, and for what the allocator cannot use; by whether blocks are checkpointed."""
FUSED_WORKSPACE = 1.4 * GIB
"""The same with fused layers, and their kernels laid out anew."""
MERGED_BYTES = 6
"""Per parameter of a weight that a LoRA changes: fused layers hold it exact, merged, and the
merged one's gradient."""
FUSED_SPEED = 2.0

LORA_BYTES = 16
"""Per trained parameter: its value, gradient and AdamW's two moments, in float32."""

CHECKPOINTING_SPEED = 0.75


@dataclass(frozen=True)
class Plan:
    """How one optimisation step is carried out.

    batch_size: pictures a step. micro_batch: of them, so many on the device at a time.
    checkpointing: whether blocks are computed again in the backward. park: whether autoencoder and
    text encoders wait on the CPU. autocast: activations' dtype, None for the model's own.
    graph: whether to try a CUDA graph. fused: whether to try fused layers, which are faster and
    keep less for the backward, but hold weights of their own.
    peak: predicted bytes above the resident model.
    """

    batch_size: int
    micro_batch: int
    checkpointing: bool
    park: bool
    autocast: torch.dtype | None
    graph: bool
    fused: bool = False
    peak: float = 0.0

    @property
    def speed(self) -> float:
        """Pictures a second, relative to an endless batch: small batches waste launches."""
        return (
            self.micro_batch
            / (self.micro_batch + 1)
            * (CHECKPOINTING_SPEED if self.checkpointing else 1.0)
            * (FUSED_SPEED if self.fused else 1.0)
        )

    def describe(self) -> str:
        parts = [f"{self.micro_batch} of {self.batch_size} pictures at a time"]
        parts += ["checkpointed"] if self.checkpointing else []
        parts += ["with fused layers"] if self.fused else []
        parts += ["idle modules parked"] if self.park else []
        return f"{', '.join(parts)}; about {self.peak / GIB:.1f} GiB above the model"


@dataclass(frozen=True)
class Planner:
    """Knows all plans for a model and settings, fastest first. free: bytes, None for no limit."""

    plans: Sequence[Plan]
    free: float | None
    parkable: int = 0

    @classmethod
    def of(cls, model: DiffusionModel, config: TrainConfig, *, free: float | None) -> Planner:
        trained = [encoder for encoder, _ in trained_text_encoders(model, config)]
        parking = Parking(model, working=trained)
        plans = sorted(
            _plans(model, config, can_park=parking.saves > 0 and model.device.type != "cpu"),
            key=lambda plan: (-plan.speed, plan.park),
        )
        return cls(plans, free, parking.saves)

    def first(self) -> Plan:
        """Return the fastest plan that fits; the smallest where none seems to."""
        return next((plan for plan in self.plans if self._fits(plan)), self.smallest)

    @property
    def smallest(self) -> Plan:
        return min(self.plans, key=self.need)

    def after(self, plan: Plan) -> Plan:
        """Return the fastest plan that needs less than one that did not fit.

        Raises OutOfMemory, with numbers, where there is none.
        """
        smaller = (other for other in self.plans if self.need(other) < self.need(plan))
        found = next(smaller, None)
        if found is None:
            free = "" if self.free is None else f", of {self.free / GIB:.1f} GiB that were free"
            raise OutOfMemory(
                f"The training does not fit the device's memory: even its smallest plan needs "
                f"about {max(plan.peak, 0) / GIB:.1f} GiB beside the model{free}. Close other "
                "programs that use the device, or choose a lower rank or resolution."
            )
        return found

    def without_graphs(self) -> Planner:
        """Return the same plans for steps whose shapes change."""
        return replace(self, plans=[replace(plan, graph=False) for plan in self.plans])

    def need(self, plan: Plan) -> float:
        """Return the bytes that a plan takes of the free memory."""
        return plan.peak - (self.parkable if plan.park else 0)

    def _fits(self, plan: Plan) -> bool:
        return self.free is None or self.need(plan) <= self.free * (1 - MARGIN)


@contextmanager
def memory_for(work: str, advice: str = "choose a lower resolution") -> Iterator[None]:
    """Turn what is raised when a device's memory runs out into OutOfMemory, with a sentence."""
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        traceback.clear_frames(error.__traceback__)  # they hold tensors as long as ours is shown
        raise OutOfMemory(
            f"The device has not enough free memory to {work}. Close other programs that use it, "
            f"or {advice}."
        ) from error


def free_memory(device: torch.device) -> float | None:
    """Return the bytes that training may take, None where nobody counts them."""
    if device.type != "cuda":
        return None
    free, total = torch.cuda.mem_get_info(device)
    used = torch.cuda.memory_allocated(device)
    unused = torch.cuda.memory_reserved(device) - used
    return float(min(free + unused, _allowed_share(device) * total - used))


def _allowed_share(device: torch.device) -> float:
    """Return the share of a device that PyTorch may take; old versions, 2.3 still, do not tell."""
    tell: Any = getattr(torch.cuda, "get_per_process_memory_fraction", None)
    return 1.0 if tell is None else float(tell(device))


def predicted_peak(
    model: DiffusionModel,
    config: TrainConfig,
    *,
    micro_batch: int,
    checkpointing: bool,
    fused: bool = False,
) -> float:
    """Return the bytes that training takes above the resident model at its peak."""
    kind = trained_layers(model, config)
    autocast, own = autocast_of(model), _input_weight(model.denoiser)
    side = (model.resolution if config.resolution is None else config.resolution) // 8
    width = len(own) / FULL_WIDTH
    precision = 1 if autocast or own.element_size() == 2 else 2
    plain = ACTIVATIONS[model.family, kind, checkpointing]
    per_pixel = FUSED_ACTIVATIONS[model.family] if fused else plain
    workspace = FUSED_WORKSPACE if fused else WORKSPACE[checkpointing]
    # Autocast keeps its copy of every weight for the backward, checkpointed blocks one at a time;
    # of convolutions' kernels fused layers have one anyway.
    copies = autocast not in (None, own.dtype) and not checkpointing
    copied = (p.numel() for p in model.denoiser.parameters() if not (fused and p.ndim == 4))
    encoders = trained_text_encoders(model, config)
    return (
        per_pixel * width * precision * side * side * micro_batch
        + (2 * sum(copied) if copies else 0)
        + LORA_BYTES * trained_parameters(model, kind, config.rank)
        + (MERGED_BYTES * _changed_parameters(model, kind) if fused else 0)
        + workspace * width
        + LORA_BYTES * sum(_lora_size(*encoder, config.rank) for encoder in encoders)
        + activation_bytes(encoders, pictures=micro_batch, half=precision == 1)
    )


def trained_parameters(model: DiffusionModel, kind: TargetModules, rank: int) -> int:
    """Count the parameters of the denoiser's LoRA."""
    return _lora_size(model.denoiser, model.lora_targets(kind), rank)


def _lora_size(part: nn.Module, targets: Mapping[str, str], rank: int) -> int:
    shapes = [_weight(part.get_submodule(path)).shape for path in targets.values()]
    return sum(rank * (prod(shape[1:]) + shape[0]) for shape in shapes)


def _changed_parameters(model: DiffusionModel, kind: TargetModules) -> int:
    paths = model.lora_targets(kind).values()
    return sum(_weight(model.denoiser.get_submodule(path)).numel() for path in paths)


def trained_layers(model: DiffusionModel, config: TrainConfig) -> TargetModules:
    """Return the configured layers, or the checkpoint's own for "auto"."""
    return (
        model.suggested_target_modules if config.target_modules == "auto" else config.target_modules
    )


def autocast_of(model: DiffusionModel) -> torch.dtype | None:
    """Choose the dtype of activations: in float16 gradients would vanish without loss scaling."""
    half = next(model.denoiser.parameters()).dtype in (torch.float16, torch.bfloat16)
    if not half:
        return None
    return torch.bfloat16 if computes_bfloat16(model.device) else torch.float16


def computes_bfloat16(device: torch.device) -> bool:
    """Tell whether a device computes in bfloat16 itself.

    torch counts cards that only emulate it, slowly: NVIDIA's before compute capability 8.0.
    """
    if device.type != "cuda" or torch.version.hip is not None:
        return True
    return torch.cuda.get_device_capability(device) >= (8, 0)


def mixed_precision(model: DiffusionModel) -> Literal["no", "fp16", "bf16"]:
    """Name the precision of activations as sd-scripts does."""
    autocast = autocast_of(model)
    return "no" if autocast is None else "fp16" if autocast == torch.float16 else "bf16"


def _plans(model: DiffusionModel, config: TrainConfig, *, can_park: bool) -> Iterator[Plan]:
    for plan in _resident_plans(model, config):
        if can_park:
            yield replace(plan, park=True)
        if not (can_park and config.low_memory):
            yield plan


def _resident_plans(model: DiffusionModel, config: TrainConfig) -> Iterator[Plan]:
    chosen = config.gradient_checkpointing
    choices = [True] if chosen == "on" or config.low_memory else [False, True]
    # Fused layers give the prompts no gradient, and a graph cannot tokenize captions.
    text = config.text_encoder_lora
    attention = not text and trained_layers(model, config) == "attention"
    fusible = autocast_of(model) is not None and attention
    fused_too = [False, True] if fusible and can_be_fused(model.denoiser) else [False]
    for checkpointing in choices if chosen != "off" else [False]:
        for micro_batch in [1] if config.low_memory else _halvings(config.train_batch_size):
            for fused in fused_too if not checkpointing else [False]:
                yield Plan(
                    batch_size=config.train_batch_size * config.gradient_accumulation_steps,
                    micro_batch=micro_batch,
                    checkpointing=checkpointing,
                    park=False,
                    autocast=autocast_of(model),
                    graph=model.device.type == "cuda" and not checkpointing and not text,
                    fused=fused,
                    peak=predicted_peak(
                        model,
                        config,
                        micro_batch=micro_batch,
                        checkpointing=checkpointing,
                        fused=fused,
                    ),
                )


def _halvings(size: int) -> list[int]:
    sizes = [size]
    while sizes[-1] > 1:
        sizes.append((sizes[-1] + 1) // 2)
    return sizes


def _weight(module: nn.Module) -> torch.Tensor:
    weight = module.weight
    assert isinstance(weight, torch.Tensor)
    return weight


def _input_weight(denoiser: nn.Module) -> torch.Tensor:
    """Return the first layer's weight, whose rows are the width of the first block."""
    first = next(module for module in denoiser.modules() if isinstance(module, nn.Conv2d))
    return first.weight
