"""Controls of a drawing through the webui's ControlNet, apart from what the user set in txt2img."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np

from facechain_ext.base.controls import IN_FILE_NAMES, TITLES, Control, ControlKind
from facechain_ext.base.errors import InvalidInput, ModelUnavailable
from facechain_ext.base.host import GenerationRequest
from facechain_ext.diffusion.control_choice import (
    checkpoint_width,
    first_fitting,
    is_for,
    told_families,
    told_family,
)
from facechain_ext.imaging.files import resize
from facechain_ext.webui.host.checkpoints import selected_checkpoint
from facechain_ext.webui.host.controlnet_dialects import MISSING, Dialect, dialect
from facechain_ext.webui.host.mini_control import bring_mini_control

TITLE = "controlnet"
PLAIN = "none"
"""The preprocessor that leaves a picture as it is; its first letter is large in Forge."""
OWN_FIELD = "ControlNet "
"""What ControlNet's fields in an infotext begin with: pasted, they would turn a unit on."""
ACTS = ("process", "before_process_batch", "process_before_every_sampling")
FRESH: dict[str, Callable[[], Any]] = {
    "latest_network": lambda: None,
    "input_image": lambda: None,
    "enabled_units": list,
    "detected_map": list,
    "post_processors": list,
    "noise_modifier": lambda: None,
    "ui_batch_option_state": lambda: ["All ControlNet units for all images in a batch", False],
    "current_params": dict,
}
"""What a script of either dialect keeps between its steps, as it begins."""


@contextmanager
def led(job: Any, request: GenerationRequest) -> Iterator[None]:
    """Have a job's drawing led by its request's controls, and leave no trace in the webui.

    Raises ModelUnavailable or InvalidInput for what is missing, and where ControlNet fails: the
    webui would only log that, and draw without it.
    """
    _end_what_others_left()
    if not request.controls:
        yield
        return
    names, size = dialect(), (request.width, request.height)
    units = [unit_of(control, names, size) for control in request.controls]
    failures: list[Exception] = []
    script = _own_script()
    for act in ACTS:
        if hasattr(type(script), act):
            setattr(script, act, _watched(getattr(script, act), failures))
    script.args_from, script.args_to = 0, len(units)
    job.scripts.scripts.append(script)
    job.scripts.alwayson_scripts.append(script)
    job.script_args = units
    try:
        yield
    finally:
        _end(script)
    if failures:
        told = f"{type(failures[0]).__name__}: {failures[0]}"
        raise InvalidInput(f"The webui's ControlNet failed with {units[0].model} ({told}).")


def unit_of(control: Control, names: Dialect, size: tuple[int, int]) -> Any:
    """Describe a control as a unit; raises InvalidInput where model or preprocessor is missing."""
    unit = names.unit(
        enabled=True,
        module=_plain_preprocessor(names),
        model=_model_for(control.kind, names),
        weight=control.weight,
        image=np.ascontiguousarray(resize(control.picture, size)),
        guidance_start=control.start,
        guidance_end=control.end,
        processor_res=min(size),
        threshold_a=-1,
        threshold_b=-1,
    )
    if hasattr(unit, "save_detected_map"):  # not ersatzForge's
        unit.save_detected_map = False
    return unit


def _plain_preprocessor(names: Dialect) -> str:
    found = next((name for name in names.preprocessors() if name.lower() == PLAIN), None)
    if found is None:
        raise InvalidInput(f"The webui's ControlNet lacks its preprocessor {PLAIN!r}.")
    return found


def _model_for(kind: ControlKind, names: Dialect) -> str:
    from modules import paths

    width = checkpoint_width(selected_checkpoint().path)
    if kind == "pose":
        bring_mini_control(width, Path(paths.models_path) / "ControlNet")
    files = {name: path for name, path in names.models().items() if is_for(path.name, kind)}
    found = first_fitting(files.items(), width)
    if found is not None:
        return found
    said = f"The webui has no ControlNet for {TITLES[kind]} that fits {told_family(width)}"
    if files:
        raise InvalidInput(f"{said}: {told_families(files.values())}.")
    words = " or ".join(IN_FILE_NAMES[kind])
    raise InvalidInput(
        f"{said}. Put one whose name says {words} into its models/ControlNet folder."
    )


def _own_script() -> Any:
    """Copy ControlNet's script for ourselves, without what the user set or left in it."""
    from modules import scripts

    found = next(iter(_scripts_of(scripts.scripts_txt2img)), None)
    if found is None:
        raise ModelUnavailable(MISSING)
    own = copy.copy(found)
    for name, value in FRESH.items():
        if name in vars(own):
            setattr(own, name, value())
    return own


def _scripts_of(runner: Any) -> list[Any]:
    scripts = [] if runner is None else runner.alwayson_scripts
    return [script for script in scripts if script.title().lower() == TITLE]


def _end_what_others_left() -> None:
    """Take off what ControlNet put into the model for a drawing that failed."""
    from modules import scripts

    for runner in (scripts.scripts_txt2img, scripts.scripts_img2img):
        for script in _scripts_of(runner):
            _end(script)


def _end(script: Any) -> None:
    """Undo a script's hold on the model; Forge's has none."""
    network = getattr(script, "latest_network", None)
    if network is not None:
        network.restore()
        script.latest_network = None


def _watched(act: Callable[..., Any], failures: list[Exception]) -> Callable[..., Any]:
    """Keep what a script's step raises, and its fields out of the infotext."""

    @wraps(act)
    def call(job: Any, *arguments: Any, **named: Any) -> Any:
        try:
            return act(job, *arguments, **named)
        except Exception as error:
            failures.append(error)
            raise
        finally:
            told = job.extra_generation_params
            for field in [key for key in told if key.startswith(OWN_FIELD)]:
                del told[field]

    return call
