"""One cv2.dnn net, loaded on first use and safe to share between threads."""

from __future__ import annotations

import functools
import threading

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Pixels
from facechain_ext.nets.weights import weight_path

Blob = NDArray[np.float32]


class Network:
    """A net from the weights folder."""

    def __init__(self, weight: str) -> None:
        self._weight = weight
        self._lock = threading.Lock()

    @functools.cached_property
    def _net(self) -> cv2.dnn.Net:
        # From memory: OpenCV cannot open paths with non-ASCII letters on Windows.
        data = np.frombuffer(weight_path(self._weight).read_bytes(), np.uint8)
        return cv2.dnn.readNetFromONNX(data)

    def run(self, blob: Blob) -> dict[str, Blob]:
        """Return every output of one pass by name."""
        with self._lock:
            self._net.setInput(blob)
            names = self._net.getUnconnectedOutLayersNames()
            return dict(zip(names, self._net.forward(names), strict=True))


def to_blob(pixels: Pixels, *, scale: float = 1.0, bgr: bool = False) -> Blob:
    """Turn a picture into a float (1, 3, H, W) batch of value x scale."""
    blob: Blob = cv2.dnn.blobFromImage(pixels, scale, swapRB=bgr)
    return blob
