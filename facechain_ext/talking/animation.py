"""Moving pictures without sound, GIF or WebP, by Pillow: short and small, for all are kept."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from facechain_ext.base.errors import FaceChainError
from facechain_ext.base.records import Pixels
from facechain_ext.imaging.provenance import Source, ai_packet
from facechain_ext.imaging.thumbnail import shrunk
from facechain_ext.talking.speech import Speech

SOURCE: Source = "compositeWithTrainedAlgorithmicMedia"
LONGEST_ANIMATION = 15
"""Seconds."""
_LONG_SIDE = 480


class Animation:
    """One moving picture, no larger than 480 pixels."""

    def __init__(self, path: Path, speech: Speech, fps: int) -> None:
        self._path, self._milliseconds = path, round(1000 / fps)
        self._frames: list[Image.Image] = []

    def add(self, pixels: Pixels) -> None:
        frame = Image.fromarray(shrunk(pixels, _LONG_SIDE))
        self._frames.append(frame.quantize(128) if self._path.suffix == ".gif" else frame)

    def finish(self) -> None:
        if not self._frames:
            raise FaceChainError("There is not a single picture to make an animation of.")
        first, *others = self._frames
        packet = ai_packet(SOURCE).encode("utf-8")
        marker = {"comment": "AI-generated"} if self._path.suffix == ".gif" else {"xmp": packet}
        first.save(
            self._path, save_all=True, append_images=others, duration=self._milliseconds, loop=0,
            **marker,
        )  # fmt: skip

    def close(self) -> None:
        self._frames = []
