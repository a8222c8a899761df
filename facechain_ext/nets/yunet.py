"""YuNet: faces with five rough landmarks (Wu, Peng and Yu 2023).

Decoded here rather than by cv2.FaceDetectorYN, which in OpenCV 4.8 can only load from a path.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Face, Pixels
from facechain_ext.imaging.files import resize
from facechain_ext.nets.network import Network, to_blob

_STRIDES = (8, 16, 32)
_OVERLAP = 0.3


class YuNet:
    """Finds faces of about 2 to 100 % of the picture's longer side.

    Its landmarks suit faces that are upright and frontal: of a head tilted by 40 degrees it places
    the eyes as if it were tilted by 12.
    """

    def __init__(self, *, min_score: float, long_side: int) -> None:
        self._network = Network("face_detection_yunet_2023mar_fp32.onnx")
        self._min_score = min_score
        self._long_side = long_side

    def detect(self, pixels: Pixels) -> list[Face]:
        """Return every face, largest first; looks at no more than the long side it was given."""
        height, width = pixels.shape[:2]
        scale = min(1.0, self._long_side / max(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        outputs = self._network.run(to_blob(_padded(resize(pixels, size)), bgr=True))
        columns = _whole(size[0])
        rows = np.concatenate([_rows(outputs, stride, columns) for stride in _STRIDES])
        kept = self._suppress(rows[rows[:, 14] >= self._min_score])
        kept[:, :14] *= np.tile([width / size[0], height / size[1]], 7)
        return sorted(map(_face, kept), key=lambda face: -face.area)

    def _suppress(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        if not len(rows):
            return rows
        boxes = [(x1, y1, x2 - x1, y2 - y1) for x1, y1, x2, y2 in rows[:, :4].tolist()]
        chosen = cv2.dnn.NMSBoxes(boxes, rows[:, 14].tolist(), self._min_score, _OVERLAP)
        return rows[np.asarray(chosen, np.int64).reshape(-1)]


def _padded(pixels: Pixels) -> Pixels:
    """Grow to sizes the net takes, to the right and downwards."""
    height, width = pixels.shape[:2]
    return np.pad(pixels, ((0, _whole(height) - height), (0, _whole(width) - width), (0, 0)))


def _whole(length: int) -> int:
    """Return the next multiple of the coarsest stride, 64 or more.

    With 32, OpenCV 4.11 reads memory that nothing has written.
    """
    return max(64, -(-length // 32) * 32)


def _rows(
    outputs: Mapping[str, NDArray[np.float32]], stride: int, columns: int
) -> NDArray[np.float32]:
    """Decode one stride's cells to (N, 15): box corners, five points, score."""
    cls, obj, box, points = (
        outputs[f"{name}_{stride}"].reshape(-1, depth)
        for name, depth in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10))
    )
    y, x = np.divmod(np.arange(len(cls)), columns // stride)
    cell = np.stack([x, y], axis=1).astype(np.float32)
    score = np.sqrt(np.clip(cls, 0, 1) * np.clip(obj, 0, 1))
    center, half = cell + box[:, :2], np.exp(box[:, 2:]) / 2
    placed = np.concatenate([center - half, center + half, points + np.tile(cell, 5)], axis=1)
    return np.concatenate([placed * stride, score], axis=1)


def _face(row: NDArray[np.float32]) -> Face:
    x1, y1, x2, y2 = row[:4].tolist()
    return Face((x1, y1, x2, y2), row[4:14].reshape(5, 2).copy(), min(1.0, float(row[14])))
