"""The checkpoint that a job keeps to, while the webui's user may load another."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modules import patches, sd_models, shared

from facechain_ext.base.errors import ModelUnavailable
from facechain_ext.webui.host.host_queue import HostQueue

logger = logging.getLogger(__name__)

Checkpoint = Any
"""The webui's CheckpointInfo."""


@contextmanager
def loaded(checkpoint: Checkpoint | None) -> Iterator[Any]:
    """Have a checkpoint loaded, the user's for None; the user's choice is loaded again afterwards.

    The settings are left alone. To be used while the queue is ours. Raises ModelUnavailable.
    """
    if checkpoint is None or _is_loaded(checkpoint):
        yield _require_model()
        return
    if not Path(checkpoint.filename).is_file():
        raise ModelUnavailable(
            f"{checkpoint.name} is gone from its folder, and what was begun on it can only go on "
            "with it."
        )
    try:
        yield _load(checkpoint)
    finally:
        _load_selected()


@contextmanager
def moving_waits(queue: HostQueue) -> Iterator[None]:
    """Let whoever moves the checkpoint wait for the queue, which is ours while this goes on.

    The webui's buttons and its API's unload-checkpoint and reload-checkpoint do not ask: they would
    take the model away in the middle of a step, or bring back what we then put where it had been.
    """

    def in_turn(move: Callable[[Any], None]) -> Callable[[Any], None]:
        def waiting(model: Any) -> None:
            with queue.turn():
                move(model)

        return waiting

    if patches.original(__name__, sd_models, "send_model_to_cpu") is not None:
        yield  # lent once more inside
        return
    to_cpu, to_device = sd_models.send_model_to_cpu, sd_models.send_model_to_device
    patches.patch(__name__, sd_models, "send_model_to_cpu", in_turn(to_cpu))
    patches.patch(__name__, sd_models, "send_model_to_device", in_turn(to_device))
    try:
        yield
    finally:
        patches.undo(__name__, sd_models, "send_model_to_cpu")
        patches.undo(__name__, sd_models, "send_model_to_device")


def wake() -> None:
    """Put a model that was unloaded to the main memory back to work."""
    model = shared.sd_model
    if model is not None and not model.lowvram and _rests(model):
        sd_models.send_model_to_device(model)


def _rests(model: Any) -> bool:
    weight = next(model.model.parameters())
    return bool(weight.device.type != sd_models.model_target_device(model).type)


def _is_loaded(checkpoint: Checkpoint) -> bool:
    model = shared.sd_model
    return model is not None and model.sd_checkpoint_info.filename == checkpoint.filename


def _require_model() -> Any:
    """Return the webui's model, which it may not have loaded yet, or not have been able to."""
    model = shared.sd_model
    if model is None:
        try:
            model = sd_models.reload_model_weights()
        except Exception as error:
            raise ModelUnavailable(f"The webui has no checkpoint loaded ({error}).") from error
    if model is None:
        raise ModelUnavailable("The webui has no checkpoint loaded.")
    return model


def _load(checkpoint: Checkpoint) -> Any:
    logger.info("Loading %s again, which the running job began with", checkpoint.name)
    try:
        with sd_models.SkipWritingToConfig():
            return sd_models.reload_model_weights(info=checkpoint)
    except Exception as error:
        raise ModelUnavailable(f"{checkpoint.name} could not be loaded again: {error}") from error


def _load_selected() -> None:
    """Load what the settings name; a failure is the webui's, and must not hide ours."""
    try:
        sd_models.reload_model_weights()
    except Exception:
        logger.exception("The webui could not load the selected checkpoint again")
