"""Whether packages can still be imported, tried in fresh processes."""

from __future__ import annotations

import importlib
import subprocess
from collections.abc import Iterable
from importlib.util import find_spec

from facechain_ext.installing.process import run_python

LONGEST = 5 * 60
"""Seconds that one import may take, from a disk that has not read the files yet."""

HOSTS_OWN = {
    "accelerate": "Accelerator",
    "transformers": "CLIPTextModel",
    "diffusers": "UNet2DConditionModel",
}
"""A module that webuis import, and a part of it: the first is empty until one asks for a part."""

MODULES = {"pillow": "PIL", "opencv-python": "cv2", "pillow-heif": "pillow_heif"}
"""Packages whose modules are called otherwise."""

TRY = """
import importlib, sys
getattr(importlib.import_module(sys.argv[1]), sys.argv[2], None)
"""


def import_errors(packages: Iterable[str]) -> dict[str, str]:
    """Map packages to what their import complains of, to nothing where it works.

    What is not there at all is left out.
    """
    importlib.invalidate_caches()
    modules = {name: MODULES.get(name.lower(), name.replace("-", "_")) for name in packages}
    there = {name: module for name, module in modules.items() if find_spec(module)}
    return {name: _error(module, HOSTS_OWN.get(module, "")) for name, module in there.items()}


def _error(module: str, part: str) -> str:
    """Return the last line of what an import complains of, or nothing where it works."""
    try:
        done = run_python("-c", TRY, module, part, seconds=LONGEST, HF_HUB_OFFLINE="1")
    except subprocess.TimeoutExpired:
        return f"it took more than {LONGEST // 60} minutes"
    if done.returncode == 0:
        return ""
    lines = done.stderr.strip().splitlines()
    return lines[-1].rstrip(".") if lines else f"Python ended with {done.returncode}"
