"""Whether a person's LoRA was trained for the checkpoint that would draw now."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from facechain_ext.base.errors import FaceChainError
from facechain_ext.base.host import CheckpointRef, Family
from facechain_ext.diffusion.checkpoint import inspect
from facechain_ext.library.people import Person, Run
from facechain_ext.library.runs import RunFolder, RunRecord
from facechain_ext.lora.family import TITLES

_SIDES: Mapping[Family, int] = {"sd1": 512, "sd2": 768, "sdxl": 1024}
_MINI_SIDE = 192


def mismatch(person: Person, run: Run, current: CheckpointRef) -> str:
    """Say that a run's LoRA belongs to another checkpoint; nothing where it does not."""
    record = _record(person, run)
    trained = record.checkpoint if record else CheckpointRef(run.checkpoint, Path())
    if trained.is_same(current):
        return ""
    told = f"The LoRA of {person.manifest.name} was trained on {run.checkpoint}"
    family = family_of(current)
    if record is not None and family is not None and family != record.family:
        return (
            f"{told}, which is {TITLES[record.family]}; {current.name} is {TITLES[family]}, on "
            "which it has no effect. Load that checkpoint, or train on this one."
        )
    return f"{told}; on {current.name} the likeness may be less."


def _record(person: Person, run: Run) -> RunRecord | None:
    """Read what the run began with; None where its folder is gone or damaged."""
    folder = RunFolder(person.folder / "runs" / run.name)
    try:
        return folder.record if folder.begun else None
    except FaceChainError:
        return None


def knows_faces_alone(checkpoint: CheckpointRef) -> bool:
    """Tell whether a checkpoint is the mini, which has never seen more than head and shoulders."""
    try:
        return inspect(checkpoint.path).is_mini
    except FaceChainError:
        return False


def native_side(checkpoint: CheckpointRef) -> int:
    """Return the side in pixels of the pictures that a checkpoint draws best."""
    if knows_faces_alone(checkpoint):
        return _MINI_SIDE
    return _SIDES.get(family_of(checkpoint) or "sd1", _SIDES["sd1"])


def family_of(checkpoint: CheckpointRef) -> Family | None:
    """Return a checkpoint's family; None where it cannot be told."""
    return _family(checkpoint.path, _changed(checkpoint.path))


@lru_cache(maxsize=64)
def _family(path: Path, changed: int) -> Family | None:
    """Read a checkpoint's family off its header; None where it cannot be told."""
    try:
        return inspect(path).family
    except FaceChainError:
        return None


def _changed(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0
