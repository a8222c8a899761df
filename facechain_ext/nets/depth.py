"""Depth by a net of the user's own: a DPT, MiDaS or Depth Anything as an ONNX file or a folder.

Files as they are published: one input (B, 3, H, W), one output (B, H, W) or (B, 1, H, W).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.controls import Depth
from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Pixels
from facechain_ext.installing.optional import ONNXRUNTIME
from facechain_ext.nets.depth_folder import CONFIG, open_folder

FOLDER = "depth"
"""Below the models folder."""
PREPROCESSOR = "preprocessor_config.json"
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_HALVES = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_DPT_SIDE, _USUAL_SIDE = 384, 518
_METRES = re.compile("metric|zoe|depth[-_]?pro")
"""In the names of nets that tell how far things are, not how near."""

Grid = NDArray[np.float32]
Net = Callable[[Grid], Any]
"""Takes (1, 3, H, W), returns one value a pixel."""


@dataclass(frozen=True)
class Taking:
    """What a net wants to be shown: the side of a square in pixels, mean and spread by channel."""

    side: int
    mean: tuple[float, ...]
    spread: tuple[float, ...]

    def blob(self, pixels: Pixels) -> Grid:
        square = cv2.resize(pixels, (self.side, self.side), interpolation=cv2.INTER_AREA)
        values = (square.astype(np.float32) / 255 - self.mean) / self.spread
        return np.ascontiguousarray(values.transpose(2, 0, 1)[None], np.float32)


def find_depth_net(folder: Path) -> Path | None:
    """Return the first ONNX file or folder of transformers in a folder, by name; None for none."""
    found = [*folder.rglob("*.onnx"), *(path.parent for path in folder.rglob(CONFIG))]
    return min(found, default=None)


def read_depth(path: Path, pixels: Pixels) -> Depth:
    """Read how near everything in a picture is; raises InvalidInput for what is no such net."""
    net, side = open_folder(path) if path.is_dir() else _open_file(path)
    taking = _taking(path, side)
    try:
        values = np.asarray(net(taking.blob(pixels)), np.float32).squeeze()
    except Exception as error:  # whatever the runtime says of a net that is none for depth
        raise InvalidInput(f"{path.name} could not tell depth ({_first_line(error)}).") from error
    if values.ndim != 2 or not np.isfinite(values).all():
        raise InvalidInput(f"{path.name} is no net for depth: it does not tell a number a pixel.")
    near = -values if _METRES.search(path.name.lower()) else values
    return Depth(_drawn(near, pixels), path.name)


def _drawn(near: Grid, pixels: Pixels) -> NDArray[np.uint8]:
    low, high = float(near.min()), float(near.max())
    grey = (near - low) / max(high - low, 1e-6) * 255
    size = (pixels.shape[1], pixels.shape[0])
    large = cv2.resize(grey, size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(large.round(), 0, 255), np.uint8)


def _open_file(path: Path) -> tuple[Net, int | None]:
    if not ONNXRUNTIME.installed:
        raise InvalidInput(ONNXRUNTIME.lacked_by(f"The depth net {path.name} takes"))
    import onnxruntime

    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # whatever the runtime says of the file
        raise InvalidInput(f"{path.name} is no ONNX file ({_first_line(error)}).") from error
    taken, *others = session.get_inputs()
    channels = taken.shape[1] if len(taken.shape) == 4 else 0
    if others or (isinstance(channels, int) and channels != 3):
        raise InvalidInput(f"{path.name} is no net for depth: it does not take one picture.")
    kind = np.float16 if "float16" in taken.type else np.float32
    side = taken.shape[3]

    def run(blob: Grid) -> Any:
        return session.run(None, {taken.name: blob.astype(kind)})[0]

    return run, side if isinstance(side, int) and side > 0 else None


def _taking(path: Path, side: int | None) -> Taking:
    """Follow what lies beside the net, else what nets of its name want."""
    told = _told_beside(path)
    is_dpt = "dpt" in path.name.lower()
    mean, spread = _HALVES if is_dpt else _IMAGENET
    usual = _DPT_SIDE if is_dpt else _USUAL_SIDE
    return Taking(
        side or _side(told.get("size")) or usual,
        tuple(told.get("image_mean", mean)),
        tuple(told.get("image_std", spread)),
    )


def _told_beside(path: Path) -> dict[str, Any]:
    """Read the processor's settings, which lie beside a net or its folder called onnx."""
    place = path if path.is_dir() else path.parent
    place = place.parent if place.name == "onnx" else place
    file = place / PREPROCESSOR
    if not file.is_file():
        return {}
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidInput(f"{file} is not JSON.") from error
    return told if isinstance(told, dict) else {}


def _side(size: Any) -> int | None:
    side = size.get("height", size.get("shortest_edge")) if isinstance(size, dict) else size
    return side if isinstance(side, int) and side > 0 else None


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"
