"""The checkpoints that are known, and Forge's note of what to load."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from modules import shared

checkpoints_list: dict[str, CheckpointInfo] = {}
model_data = SimpleNamespace(forge_loading_parameters={}, sd_model=None)


class CheckpointInfo:
    def __init__(self, filename: str) -> None:
        self.filename = filename
        self.name = self.title = Path(filename).name
        self.name_for_extra = Path(filename).stem
        self.sha256: str | None = None

    def register(self) -> None:
        checkpoints_list[self.title] = self


def list_models() -> None:
    """Read the checkpoint folder again: there is one file in it."""
    files = [info.filename for info in checkpoints_list.values()][:1]
    checkpoints_list.clear()
    for filename in files:
        CheckpointInfo(filename).register()


def select_checkpoint() -> Any:
    chosen = checkpoints_list.get(shared.opts.sd_model_checkpoint)
    return chosen or next(iter(checkpoints_list.values()), None)
