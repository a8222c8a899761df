"""The checkpoints that the webui knows, and what pictures each is made for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from modules import sd_models

from facechain_ext.base.errors import ModelUnavailable, UnsupportedCheckpoint
from facechain_ext.base.host import CheckpointRef, GenerationRequest
from facechain_ext.diffusion.checkpoint import inspect, read_config


@dataclass(frozen=True)
class Native:
    """Side in pixels and guidance scale that suit a checkpoint."""

    side: int = 512
    guidance_scale: float = 7.0


def known_checkpoints() -> list[CheckpointRef]:
    return [reference(info) for info in sd_models.checkpoints_list.values()]


def selected_checkpoint() -> CheckpointRef:
    """Return the one that is chosen in the webui; raises ModelUnavailable when there is none."""
    if not sd_models.checkpoints_list:
        raise ModelUnavailable(
            "The webui has no checkpoint. Put one into its models/Stable-diffusion folder, or turn "
            "the FaceChain mini on in the settings."
        )
    chosen = sd_models.select_checkpoint()
    if chosen is None:  # some webuis take no other for one that is gone
        raise ModelUnavailable("No checkpoint is chosen in the webui. Choose one at its top.")
    return reference(chosen)


def reference(info: Any) -> CheckpointRef:
    return CheckpointRef(info.name_for_extra, Path(info.filename).absolute(), info.sha256 or "")


def native(path: Path) -> Native:
    """Read off a checkpoint's header what it is made for; Stable Diffusion's own if unreadable."""
    try:
        info = inspect(path)
        config = read_config(info.components, "unet")
    except UnsupportedCheckpoint:
        return Native()
    usual = 5.0 if info.family == "sdxl" else 7.0
    small = config["block_out_channels"][0] < 320
    return Native(int(config["sample_size"]) * 8, 3.0 if small else usual)


def with_defaults(request: GenerationRequest, path: Path) -> GenerationRequest:
    """Fill in size and guidance where the request leaves them to the checkpoint."""
    own = native(path)
    return replace(
        request,
        width=request.width or own.side,
        height=request.height or own.side,
        guidance_scale=(
            own.guidance_scale if request.guidance_scale is None else request.guidance_scale
        ),
    )
