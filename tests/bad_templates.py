"""Templates that cannot be painted into, by what is wrong; tried at every door."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from PIL import Image
from skimage.data import astronaut


@dataclass(frozen=True)
class Bad:
    """A picture's file, who is to come on it, and what the one sentence says."""

    suffix: str
    content: bytes
    told: str
    cast: Mapping[int, str] = field(default_factory=lambda: {1: "Ana"})


def _her(side: int) -> Any:
    return cv2.resize(astronaut()[:300, 60:360], (side, side), interpolation=cv2.INTER_AREA)


def _file(pixels: Any, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(stream, kind, **options)
    return stream.getvalue()


def _crowd() -> bytes:
    return _file(np.concatenate([np.concatenate([_her(100)] * 10, 1)] * 6))


def _small() -> bytes:
    canvas = np.full((400, 400, 3), 120, np.uint8)
    canvas[150:210, 150:210] = _her(60)  # her face is 20 pixels of it
    return _file(canvas)


def _moving(kind: str) -> bytes:
    frames = [Image.fromarray(_her(side)).resize((200, 200)) for side in (200, 190)]
    return _file(frames[0], kind, save_all=True, append_images=frames[1:])


def _printed() -> bytes:
    return _file(Image.fromarray(_her(200)).convert("CMYK"), "JPEG")


BAD: Mapping[str, Bad] = {
    "no face": Bad(".png", _file(np.full((99, 99, 3), 9, np.uint8)), "No face was found"),
    "60 faces": Bad(".png", _crowd(), "60 faces; a template may have 20"),
    "a face of 20 pixels": Bad(".png", _small(), "pixels wide; from 40 on"),
    "a person twice": Bad(
        ".png", _file(np.hstack([_her(300)] * 2)), "Ana is given two faces", {1: "Ana", 2: "Ana"}
    ),
    "more people than faces": Bad(
        ".png", _file(_her(300)), "2 people are named, but", {1: "Ana", 2: "Ben"}
    ),
    "an animation": Bad(".webp", _moving("WEBP"), "is an animation"),
    "pages": Bad(".tiff", _moving("TIFF"), "has several pages"),
    "colours of print": Bad(".jpg", _printed(), "CMYK"),
    "no picture": Bad(".png", b"no picture", "bad.png"),
}
