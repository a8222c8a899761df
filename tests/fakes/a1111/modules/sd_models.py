"""Checkpoints, read into LDM's real classes; another one takes over the same object's weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modules import devices, shared
from safetensors.torch import load_file

from tests.fakes.ldm import load_ldm

checkpoints_list: dict[str, CheckpointInfo] = {}
token_merging: list[float] = []
loads: list[str] = []


class CheckpointInfo:
    def __init__(self, filename: str) -> None:
        self.filename = filename
        self.name = self.title = Path(filename).name
        self.name_for_extra = Path(filename).stem
        self.sha256: str | None = None

    def register(self) -> None:
        checkpoints_list[self.title] = self


class SkipWritingToConfig:
    skip = False
    previous: bool | None = None

    def __enter__(self) -> SkipWritingToConfig:
        self.previous, SkipWritingToConfig.skip = SkipWritingToConfig.skip, True
        return self

    def __exit__(self, exc_type: Any, exc_value: Any, exc_traceback: Any) -> None:
        SkipWritingToConfig.skip = bool(self.previous)


def select_checkpoint() -> Any:
    chosen = checkpoints_list.get(shared.opts.sd_model_checkpoint)
    if chosen is None and not checkpoints_list:
        raise FileNotFoundError("No checkpoints found.")
    return chosen or next(iter(checkpoints_list.values()))


def reload_model_weights(
    sd_model: Any = None, info: Any = None, forced_reload: bool = False
) -> Any:
    checkpoint = info or select_checkpoint()
    model = sd_model or shared.sd_model
    if model is not None and model.sd_checkpoint_info.filename == checkpoint.filename:
        return model
    loads.append(checkpoint.name)
    file = Path(checkpoint.filename)
    if model is None:
        model = load_ldm(file, file.parent)
    else:
        model.load_state_dict(load_file(file), strict=False)
    if not SkipWritingToConfig.skip:
        shared.opts.sd_model_checkpoint = checkpoint.title
    model.sd_checkpoint_info, model.lowvram = checkpoint, False
    shared.sd_model = model
    return model


def send_model_to_cpu(m: Any) -> None:
    if m is not None:
        m.to(devices.cpu)
    devices.torch_gc()


def unload_model_weights(sd_model: Any = None, info: Any = None) -> Any:
    send_model_to_cpu(sd_model or shared.sd_model)  # without the queue, as in the webui
    return sd_model


def send_model_to_device(m: Any) -> None:
    m.to(devices.device)


def model_target_device(m: Any) -> Any:
    return devices.device


def check_fp8(model: Any) -> bool | None:
    return bool(getattr(shared.opts, "fp8_storage", "") == "Enable")


def apply_token_merging(sd_model: Any, token_merging_ratio: float) -> None:
    token_merging.append(token_merging_ratio)
