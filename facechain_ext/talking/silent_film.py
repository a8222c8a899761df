"""A video without sound by OpenCV alone: VP8 in WebM, where the package av is not installed."""

from __future__ import annotations

import errno
from pathlib import Path

import cv2

from facechain_ext.base.errors import FaceChainError
from facechain_ext.base.records import Pixels
from facechain_ext.talking.speech import Speech


class SilentFilm:
    """One video."""

    def __init__(self, path: Path, speech: Speech, fps: int) -> None:
        self._path, self._fps = path, fps
        self._writer: cv2.VideoWriter | None = None

    def add(self, pixels: Pixels) -> None:
        if self._writer is None:
            size = (pixels.shape[1], pixels.shape[0])
            code = cv2.VideoWriter.fourcc(*"VP80")
            self._writer = cv2.VideoWriter(str(self._path), code, self._fps, size)
            if not self._writer.isOpened():
                raise FaceChainError(
                    "This OpenCV cannot write videos: install the package av for them "
                    "(facechain models install av --yes)."
                )
        self._writer.write(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))

    def finish(self) -> None:
        self.close()
        # OpenCV does not tell when the disk is full.
        if not self._path.is_file() or self._path.stat().st_size == 0:
            raise OSError(errno.EIO, "nothing was written")

    def close(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.release()
