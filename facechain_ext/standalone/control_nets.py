"""Which ControlNet a request's control is drawn with, outside a webui."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from facechain_ext.base.controls import IN_FILE_NAMES, TITLES, Control, ControlKind
from facechain_ext.base.errors import InvalidInput
from facechain_ext.diffusion.control import ActiveControl, Controls, to_condition
from facechain_ext.diffusion.control_choice import (
    MINI_POSE,
    first_fitting,
    is_for,
    told_families,
    told_family,
)
from facechain_ext.diffusion.control_files import load_control, prompt_width_of
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.imaging.files import resize
from facechain_ext.nets.weights import WEIGHTS_DIR

FOLDER = "ControlNet"
"""Below the models folder; called as the webuis call theirs."""
SHIPPED = WEIGHTS_DIR / "mini"
_PUBLISHED = "lllyasviel's control_v11 files on Hugging Face, for example"
_PICKLED = (".pth", ".pt", ".ckpt", ".bin")


def controls_for(
    model: DiffusersModel, asked: Sequence[Control], size: tuple[int, int], models_dir: Path
) -> Controls:
    """Load what the controls of a request are drawn with; size: width and height.

    Raises InvalidInput where a ControlNet is missing or fits no checkpoint of this family.
    """
    return Controls(
        [
            ActiveControl(
                load_control(control_file(control.kind, model, models_dir), model.unet),
                to_condition(resize(control.picture, size), model.device),
                control.weight,
                control.start,
                control.end,
            )
            for control in asked
        ]
    )


def control_file(kind: ControlKind, model: DiffusersModel, models_dir: Path) -> Path:
    """Find a ControlNet of a kind for this model: one that ships, or one in the models folder.

    Raises InvalidInput, saying what is missing and where it belongs.
    """
    folder = models_dir / FOLDER
    known = [path for place in (SHIPPED, folder) for path in _named(place, kind, ".safetensors")]
    found = first_fitting(zip(known, known, strict=True), prompt_width_of(model.unet))
    if found is None:
        raise InvalidInput(_missing(kind, model, folder, known))
    return found


def _named(folder: Path, kind: ControlKind, *suffixes: str) -> list[Path]:
    """List the files below a folder that their names say are for a kind."""
    files = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in suffixes]
    return [path for path in files if is_for(path.relative_to(folder).as_posix(), kind)]


def _missing(kind: ControlKind, model: DiffusersModel, folder: Path, others: Sequence[Path]) -> str:
    ours, title = told_family(prompt_width_of(model.unet)), TITLES[kind]
    if model.is_small and kind == "pose":
        return (
            f"The mini follows a pose by a ControlNet of its own, {MINI_POSE}, which is missing "
            f"from {SHIPPED}: install this extension again."
        )
    if model.is_small:
        return f"There is no ControlNet for {title} that fits the mini; choose a full checkpoint."
    if pickled := _named(folder, kind, *_PICKLED):
        return (
            f"{pickled[0].name} is pickled, can run code when it is opened and is never read; put "
            f"the same ControlNet as .safetensors into {folder}."
        )
    if others:
        told = told_families(others)
        return f"No ControlNet for {title} in {folder} fits this checkpoint, {ours}: {told}."
    return (
        f"No ControlNet for {title} is in {folder}. Put a .safetensors there for {ours} whose name "
        f"says {' or '.join(IN_FILE_NAMES[kind])} ({_PUBLISHED})."
    )
