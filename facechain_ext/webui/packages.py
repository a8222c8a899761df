"""The packages that install.py may have failed to install, looked for without importing them."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from facechain_ext.errors import PackageMissing
from facechain_ext.webui.which import is_forge

NEEDED = {"peft": "peft", "cv2": "opencv-python", "safetensors": "safetensors"}
NEEDED_IN_FORGE = {"diffusers": "diffusers"}
INSTALLER = Path(__file__).parents[2] / "install.py"


def require_packages() -> None:
    """Raise PackageMissing that names what is missing and how to get it."""
    needed = NEEDED | (NEEDED_IN_FORGE if is_forge() else {})
    missing = [package for module, package in needed.items() if find_spec(module) is None]
    if missing:
        raise PackageMissing(
            f"FaceChain needs the Python packages {', '.join(missing)}, which are not installed. "
            "Restart the webui with a connection to the internet, or run this, which changes "
            f'nothing that is installed already: "{sys.executable}" "{INSTALLER}"'
        )
