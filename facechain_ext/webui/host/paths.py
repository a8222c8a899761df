"""Where the webui keeps things, with --data-dir, --lora-dir and our own flag in mind."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath

from modules import paths, shared

from facechain_ext.base.host import HostPaths


def host_paths() -> HostPaths:
    """Return the folders; nothing is created."""
    data = Path(paths.data_path)
    chosen = getattr(shared.cmd_opts, "facechain_data_dir", None)
    return HostPaths(
        data_dir=Path(chosen or data).expanduser().absolute(),
        lora_dir=Path(shared.cmd_opts.lora_dir).absolute(),
        output_dir=(data / "outputs" / "facechain").absolute(),
        models_dir=(Path(paths.models_path) / "facechain").absolute(),
        lora_folder=lora_folder(getattr(shared.opts, "facechain_lora_folder", "")),
    )


def lora_folder(chosen: str) -> str:
    """Return a folder inside the webui's LoRA folder; what would lead out of it counts as none."""
    path = PureWindowsPath(chosen.strip())  # for both kinds of slash
    return "" if path.anchor or ".." in path.parts else path.as_posix().removeprefix(".")
