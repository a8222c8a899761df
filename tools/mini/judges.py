"""Measure what a portrait shows with nets and rules the mini was not trained with.

Pictures are uint8 RGB (H, W, 3). Faces are rows of 15 numbers as YuNet gives them: box x, y, w, h,
five points (right eye, left eye, nose, right and left mouth corner), score.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

DETECTOR = "face_detection_yunet_2023mar_fp32.onnx"
EMBEDDER = "face_recognition_sface_2021dec_fp16.onnx"
GENDER = "gender-v1.onnx"
GLASSES = "glasses_model.onnx"

GENDER_MEAN = np.array([122.782, 117.001, 104.298], np.float32)
GENDER_POINTS = np.array(
    [[18.8, 18.17], [44.2, 18.17], [31.5, 32.68], [20.55, 43.69], [42.45, 43.69]], np.float32
)
"""Where the five points lie in a 64-pixel chip of dlib's alignment with 20 % padding."""
GENDER_SIDE = 32
GLASSES_SIDE = 160
GLASSES_BELOW = 3.0
"""Logit under which glasses are seen: recall 0.90, false alarms 0.05 on real portraits."""
COLOR_SPREAD = 6.0
"""Spread of chroma (8-bit Cr, Cb) that colour photos exceed and toned ones do not."""
CORNER = 28


@dataclass(frozen=True)
class Judges:
    """Hold the loaded nets; `gender` and `glasses` are OpenCV dnn nets."""

    detector: cv2.FaceDetectorYN
    embedder: cv2.FaceRecognizerSF
    gender: cv2.dnn.Net
    glasses: cv2.dnn.Net


def load_judges(folders: list[Path]) -> Judges:
    """Load the four nets from the first folder that holds each, searched recursively."""
    return Judges(
        cv2.FaceDetectorYN.create(str(_find(folders, DETECTOR)), "", (192, 192), 0.6),
        cv2.FaceRecognizerSF.create(str(_find(folders, EMBEDDER)), ""),
        cv2.dnn.readNetFromONNX(str(_find(folders, GENDER))),
        cv2.dnn.readNetFromONNX(str(_find(folders, GLASSES))),
    )


def faces(judges: Judges, picture: np.ndarray) -> list[np.ndarray]:
    """Detect faces of at least 0.6, the largest first."""
    judges.detector.setInputSize((picture.shape[1], picture.shape[0]))
    found = judges.detector.detect(_bgr(picture))[1]
    rows = [] if found is None else list(found)
    return sorted(rows, key=lambda row: -float(row[2] * row[3]))


def embedding(judges: Judges, picture: np.ndarray, face: np.ndarray) -> np.ndarray:
    """Describe whose face it is: float32 (128,) of unit norm."""
    chip = judges.embedder.alignCrop(_bgr(picture), face)
    feature = judges.embedder.feature(chip).ravel().astype(np.float32)
    unit: np.ndarray = feature / np.linalg.norm(feature)
    return unit


def gender(judges: Judges, picture: np.ndarray, face: np.ndarray) -> str:
    """Tell "female" from "male"."""
    target = (GENDER_POINTS + 0.5) * (4 * GENDER_SIDE / 64) - 0.5
    points = face[4:14].reshape(5, 2).astype(np.float32)
    matrix = cv2.estimateAffinePartial2D(points, target, method=cv2.LMEDS)[0]
    big = cv2.warpAffine(picture, matrix, (4 * GENDER_SIDE, 4 * GENDER_SIDE))
    chip = cv2.resize(big, (GENDER_SIDE, GENDER_SIDE), interpolation=cv2.INTER_AREA)
    judges.gender.setInput(((chip - GENDER_MEAN) / 256).transpose(2, 0, 1)[None])
    female, male = judges.gender.forward().ravel()[:2]
    return "female" if female > male else "male"


def wears_glasses(judges: Judges, picture: np.ndarray, face: np.ndarray) -> bool:
    """Tell whether glasses are worn, from a square crop of the face box's longer side."""
    x, y, width, height = face[:4]
    side = float(max(width, height))
    scale = GLASSES_SIDE / side
    left, top = x + width / 2 - side / 2, y + height / 2 - side / 2
    matrix = np.array([[scale, 0, -left * scale], [0, scale, -top * scale]], np.float32)
    crop = cv2.warpAffine(picture, matrix, (GLASSES_SIDE, GLASSES_SIDE))
    judges.glasses.setInput(crop.astype(np.float32)[None])
    return bool(judges.glasses.forward().ravel()[0] < GLASSES_BELOW)


def style(picture: np.ndarray) -> str:
    """Tell "color" from "bw" (toned prints included) by how much the chroma varies."""
    chroma = cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb)[..., 1:].reshape(-1, 2).astype(np.float32)
    return "color" if float(np.sqrt(chroma.var(axis=0).sum())) > COLOR_SPREAD else "bw"


def background(picture: np.ndarray, shown: str) -> str:
    """Name the background by its upper corners as the training labels do.

    `shown` is the picture's style: tones are named without hue in "bw".
    """
    corners = np.concatenate([picture[:CORNER, :CORNER], picture[:CORNER, -CORNER:]], axis=1)
    color = np.median(corners.reshape(-1, 3), axis=0)
    value = float(color.mean())
    if shown == "bw":
        return "dark" if value < 70 else "light" if value > 170 else "gray"
    hue, saturation, _ = cv2.cvtColor(color.astype(np.uint8)[None, None], cv2.COLOR_RGB2HSV)[0, 0]
    if value < 50:
        return "dark"
    if saturation > 52:
        return "blue" if 90 <= hue < 135 else "green" if 28 < hue < 90 else "brown"
    return "white" if value > 198 else "gray"


def _find(folders: list[Path], name: str) -> Path:
    for folder in folders:
        if found := next(folder.rglob(name), None):
            return found
    raise FileNotFoundError(f"{name!r} is in none of {[str(folder) for folder in folders]}")


def _bgr(picture: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(picture[..., ::-1])
