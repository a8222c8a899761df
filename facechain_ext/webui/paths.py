"""Where the webui keeps things, with --data-dir, --lora-dir and our own flag in mind."""

from __future__ import annotations

from pathlib import Path

from modules import paths, shared

from facechain_ext.host import HostPaths


def host_paths() -> HostPaths:
    """Return the folders; nothing is created."""
    data = Path(paths.data_path)
    chosen = getattr(shared.cmd_opts, "facechain_data_dir", None)
    return HostPaths(
        data_dir=Path(chosen or data).expanduser().absolute(),
        lora_dir=Path(shared.cmd_opts.lora_dir).absolute(),
        output_dir=(data / "outputs" / "facechain").absolute(),
        models_dir=(Path(paths.models_path) / "facechain").absolute(),
    )
