"""The webui's face restorers (CodeFormer, GFPGAN), used only where their weights are there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from modules import shared

from facechain_ext.base.host import Unavailable
from facechain_ext.base.records import Pixels

# The webui fetches these through facexlib, next to GFPGAN's own weights.
HELPERS = ("detection_Resnet50_Final.pth", "parsing_parsenet.pth")


def why_not() -> str | None:
    """Say in a sentence what keeps faces from being restored without fetching anything."""
    chosen = getattr(shared.opts, "face_restoration_model", None)
    restorers = getattr(shared, "face_restorers", [])
    restorer = next((each for each in restorers if each.name() == chosen), None)
    if restorer is None:
        return "No face restoration model is chosen in the webui's settings."
    folders = [Path(each.model_path) for each in restorers]
    own = any(path.name not in HELPERS for path in Path(restorer.model_path).glob("*.pth"))
    if not own or not all(_in_any(name, folders) for name in HELPERS):
        return (
            f"The weights of {chosen} are not there yet; the webui fetches them when faces are "
            "restored for the first time in its Extras tab."
        )
    return None


def restore(pixels: Pixels) -> Pixels | Unavailable:
    """Restore every face in a picture with the model that the webui's settings name."""
    if reason := why_not():
        return Unavailable(reason)
    try:
        from modules import face_restoration
    except ImportError:
        return Unavailable("This webui restores no faces.")
    restored = np.asarray(face_restoration.restore_faces(pixels), np.uint8)
    if np.array_equal(restored, pixels):  # the webui only logs it when it could not
        return Unavailable("The webui found no face to restore, or its model did not load.")
    return restored


def _in_any(name: str, folders: list[Path]) -> bool:
    return any((folder / name).is_file() for folder in folders)
