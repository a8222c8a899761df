"""The mini in the webui's list of checkpoints: by reference, without touching a folder of the user.

The webui has no callback for more checkpoints, so its function that fills the list is wrapped. The
mini keeps its own VAE, whatever VAE the user chose: those have other sizes, and a webui that fails
to load one stays broken until it is restarted.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

from modules import patches, sd_models, sd_vae

from facechain_ext.base.errors import FaceChainError
from facechain_ext.diffusion.checkpoint import MINI_COMPONENTS
from facechain_ext.diffusion.mini_yaml import materialise_yaml
from facechain_ext.webui.host.guarded import guarded
from facechain_ext.webui.which import mini_teacher

logger = logging.getLogger(__name__)

MINI = MINI_COMPONENTS / "facechain-mini.safetensors"


def switch(wanted: bool) -> None:
    """List the mini from now on, or no longer; the other checkpoints are read anew."""
    unlist()
    if wanted:
        enlist()
    sd_models.list_models()


def enlist() -> None:
    """Add the mini to the list, now and whenever the webui fills it again; may be repeated."""
    unlist()
    try:
        materialise_yaml(MINI.parent)
    except OSError as error:
        logger.warning("The FaceChain mini is not listed, its .yaml cannot be written: %s", error)
        return
    try:
        teacher = mini_teacher()
    except FaceChainError as error:
        logger.warning("%s", error)
        return
    if teacher is not None:
        teacher.teach()
    patches.patch(__name__, sd_models, "list_models", _list_models)
    if hasattr(sd_vae, "resolve_vae"):  # some of Forge's descendants choose while they load
        patches.patch(__name__, sd_vae, "resolve_vae", _resolve_vae)
    _add()


def unlist() -> None:
    """Leave the webui as it was; what is listed stays until the list is filled again."""
    for module, name in ((sd_models, "list_models"), (sd_vae, "resolve_vae")):
        if patches.original(__name__, module, name) is not None:
            patches.undo(__name__, module, name)
    with suppress(FaceChainError):  # nobody has taught it
        if (teacher := mini_teacher()) is not None:
            guarded(teacher.forget)()


def _list_models() -> None:
    patches.original(__name__, sd_models, "list_models")()
    guarded(_add)()


def _add() -> None:
    """Register the mini last, so that no other checkpoint loses its place as the fallback."""
    mini = sd_models.CheckpointInfo(str(MINI))
    taken = any(known.name == mini.name for known in sd_models.checkpoints_list.values())
    if not taken:  # by a copy among the user's own checkpoints
        mini.register()


def _resolve_vae(checkpoint_file: str) -> Any:
    own = guarded(_own_vae)(checkpoint_file)
    return own or patches.original(__name__, sd_vae, "resolve_vae")(checkpoint_file)


def _own_vae(checkpoint_file: str) -> Any | None:
    """Return the webui's word for the checkpoint's own VAE, for the mini alone."""
    return sd_vae.VaeResolution() if Path(checkpoint_file) == MINI else None
