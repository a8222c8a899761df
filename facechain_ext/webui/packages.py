"""The packages that install.py may have failed to install, looked for without importing them."""

from __future__ import annotations

from importlib.util import find_spec

from facechain_ext.webui.which import is_forge

NEEDED = ("peft", "cv2", "safetensors")
NEEDED_IN_FORGE = ("diffusers",)


def require_packages() -> None:
    """Raise ModuleNotFoundError that names the first one missing."""
    for name in (*NEEDED, *(NEEDED_IN_FORGE if is_forge() else ())):
        if find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
