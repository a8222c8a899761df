"""Everything a training is between two steps: kept in memory for a pause, on disk for a resume."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from facechain_ext.base.errors import InvalidInput, damage
from facechain_ext.imaging.files import write_atomic
from facechain_ext.lora.state import LoraState
from facechain_ext.training.select import Snapshot

PARTS = ("lora", "optimizer", "batches")


@dataclass(frozen=True, eq=False)
class TrainingState:
    """A run after `step` steps; put into a fresh trainer, it goes on as if never broken off.

    All tensors are on the CPU. loss: what `Smoothed` goes on from. snapshots: those taken so far.
    """

    step: int
    lora: Mapping[str, Tensor]
    optimizer: Mapping[str, Tensor]
    batches: Mapping[str, Tensor]
    loss: tuple[float, float]
    snapshots: tuple[Snapshot, ...] = ()


def save_state(path: Path, state: TrainingState) -> None:
    """Write a state to one .safetensors file, at once or not at all.

    Snapshots are noted by file name: they lie in the same folder.
    """
    tensors = {
        f"{part}/{key}": tensor.contiguous()
        for part in PARTS
        for key, tensor in getattr(state, part).items()
    }
    facts = {
        "step": state.step,
        "loss": state.loss,
        "snapshots": [[s.step, s.path.name, s.similarity] for s in state.snapshots],
    }
    path.parent.mkdir(exist_ok=True)
    write_atomic(path, safetensors.torch.save(tensors, {"facechain.state": json.dumps(facts)}))


def load_state(path: Path) -> TrainingState:
    """Read a state back, bit for bit; raises InvalidInput for a file that is none."""
    parts: dict[str, dict[str, Tensor]] = {part: {} for part in PARTS}
    try:
        with safe_open(str(path), framework="pt") as file:
            facts = json.loads(file.metadata()["facechain.state"])
            for key in file.keys():  # noqa: SIM118
                part, _, name = key.partition("/")
                parts[part][name] = file.get_tensor(key).clone()
        return _from_facts(facts, parts, path.parent)
    except (SafetensorError, OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(
            f"{path.name} holds no training that can go on: {damage(error)}."
        ) from error


def _from_facts(
    facts: Mapping[str, Any], parts: Mapping[str, Mapping[str, Tensor]], folder: Path
) -> TrainingState:
    total, weight = facts["loss"]
    return TrainingState(
        step=facts["step"],
        lora=LoraState(parts["lora"], name="the training so far"),
        optimizer=parts["optimizer"],
        batches=parts["batches"],
        loss=(total, weight),
        snapshots=tuple(
            Snapshot(step, folder / name, similarity)
            for step, name, similarity in facts["snapshots"]
        ),
    )
