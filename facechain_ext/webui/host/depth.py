"""Depth by a net of the user's, or by a preprocessor of the webui's ControlNet."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from facechain_ext.base.controls import Depth
from facechain_ext.base.errors import InvalidInput, ModelUnavailable
from facechain_ext.base.host import Unavailable
from facechain_ext.base.records import Pixels
from facechain_ext.imaging.files import resize
from facechain_ext.nets.depth import FOLDER, find_depth_net, read_depth
from facechain_ext.webui.host.controlnet_dialects import dialect

PREPROCESSORS = {
    "depth_anything_v2": "depth_anything_v2_vitl.safetensors",
    "depth_anything": "depth_anything_vitl14.pth",
    "depth_midas": "dpt_hybrid-midas-501f0c75.pt",
}
"""Of ControlNet, the best first, and the net that each would fetch where it is not there yet."""
_NETS = "annotator.annotator_path"
"""The module of both dialects that says where those nets lie."""


def read(pixels: Pixels, models_dir: Path) -> Depth | Unavailable:
    """Read depth by what is there; nothing is fetched for it.

    Raises InvalidInput for a net of the user's that is none for depth, or where ControlNet fails.
    """
    net = find_depth_net(models_dir / FOLDER)
    if net is not None:
        return read_depth(net, pixels)
    name = _preprocessor()
    if name:
        return _preprocessed(name, pixels)
    return Unavailable(f"No net for depth lies in {models_dir / FOLDER}, nor one of ControlNet's.")


def _preprocessor() -> str:
    """Return the first whose net is there."""
    place = getattr(sys.modules.get(_NETS), "models_path", None)
    try:
        names = {name.lower(): name for name in dialect().preprocessors()} if place else {}
    except ModelUnavailable:
        return ""
    there = {path.name for path in Path(place).rglob("*")} if place else set()
    return next((n for n, file in PREPROCESSORS.items() if n in names and file in there), "")


def _preprocessed(name: str, pixels: Pixels) -> Depth:
    height, width = pixels.shape[:2]
    try:
        drawn = np.asarray(dialect().preprocess(name, pixels, min(width, height)), np.uint8)
    except Exception as error:  # whatever ControlNet or its net says
        told = f"{type(error).__name__}: {error}"
        raise InvalidInput(f"ControlNet's preprocessor {name} failed ({told}).") from error
    grey = drawn[..., 0] if drawn.ndim == 3 else drawn
    same_size = resize(np.stack([grey] * 3, axis=-1), (width, height))[..., 0]
    return Depth(same_size, f"{name} of ControlNet")
