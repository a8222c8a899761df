"""Read the portraits and their labels that the mini checkpoint is trained on."""

import io
import json
import tarfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

SIZE = 192
HELD_OUT_EVERY = 18
LABELS = "labels.jsonl"
EXTRA_LABELS = "extra_labels.jsonl"
BLURRED_BELOW = 150.0

Label = dict[str, object]
Reader = Callable[[str], bytes]


@dataclass(frozen=True)
class Portraits:
    """Hold N portraits in label order.

    `images` is uint8 RGB (N, 192, 192, 3), `held_out` bool (N,), `weights` float64 (N,) with
    sum 1 and 0 for every held-back portrait.
    """

    images: np.ndarray
    labels: list[Label]
    held_out: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        """Count the portraits."""
        return len(self.labels)


def load(source: str | Path, extra: str | Path | None = None) -> Portraits:
    """Load the portraits of a folder or tar file that holds pictures and labels.jsonl.

    `extra` names a second label file whose fields are merged in by file name; without it
    extra_labels.jsonl inside or beside the source is used where it exists.
    Raises FileNotFoundError for a missing source, ValueError for a picture of another size.
    """
    source = Path(source)
    if source.is_dir():
        return _assemble(lambda name: (source / name).read_bytes(), source, extra)
    with tarfile.open(source) as tar:
        return _assemble(_tar_reader(tar), source, extra)


def merge(labels: Iterable[Label], extra: Iterable[Label]) -> list[Label]:
    """Add the fields of `extra` to the labels with the same "file"; unknown files are ignored."""
    by_file = {label["file"]: label for label in extra}
    return [{**label, **by_file.get(label["file"], {})} for label in labels]


def held_out(count: int) -> np.ndarray:
    """Mark every 18th of `count` portraits, the first included: bool (count,)."""
    return np.asarray(np.arange(count) % HELD_OUT_EVERY == 0)


def draw_weight(label: Mapping[str, object]) -> float:
    """Weigh one portrait in the draw: women, colour and sharp pictures are too few in the set."""
    weight = 2.5 if label.get("gender") == "female" else 1.0
    weight *= 1.6 if label.get("style") == "color" else 1.0
    return weight * (0.5 if _is_blurred(label) else 1.0)


def _is_blurred(label: Mapping[str, object]) -> bool:
    sharp = label.get("sharp")
    return isinstance(sharp, int | float) and sharp < BLURRED_BELOW


def _assemble(read: Reader, source: Path, extra: str | Path | None) -> Portraits:
    labels = _parse(read(LABELS))
    labels = merge(labels, _parse(_extra_bytes(source, extra)))
    images = np.stack([_decode(read(str(label["file"])), str(label["file"])) for label in labels])
    held = held_out(len(labels))
    weights = np.array([draw_weight(label) for label in labels]) * ~held
    return Portraits(images, labels, held, weights / max(weights.sum(), 1e-9))


def _extra_bytes(source: Path, extra: str | Path | None) -> bytes:
    if extra is not None:
        return Path(extra).read_bytes()
    places = (source / EXTRA_LABELS, source.with_name(EXTRA_LABELS))
    found = next((place for place in places if place.is_file()), None)
    return found.read_bytes() if found else b""


def _tar_reader(tar: tarfile.TarFile) -> Reader:
    members = {Path(member.name).name: member for member in tar.getmembers() if member.isfile()}

    def read(name: str) -> bytes:
        if name not in members:
            raise FileNotFoundError(f"{name!r} is not in {tar.name!r}")
        stream = tar.extractfile(members[name])
        assert stream is not None
        return stream.read()

    return read


def _parse(lines: bytes) -> list[Label]:
    return [json.loads(line) for line in lines.decode().splitlines() if line.strip()]


def _decode(data: bytes, name: str) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as picture:
        image = np.asarray(picture.convert("RGB"))
    if image.shape != (SIZE, SIZE, 3):
        raise ValueError(f"{name!r} is {image.shape}, expected ({SIZE}, {SIZE}, 3)")
    return image


def find_faces(images: np.ndarray, detector: str | Path) -> np.ndarray:
    """Find the largest face of each portrait with YuNet: float32 (N, 15).

    A row is x, y, w, h, five points as x, y (right eye = left in the picture, left eye, nose,
    right and left mouth corner) in pixels, and the score. Where no face is found the median of
    the others stands in with score 0. `images` is uint8 RGB (N, H, W, 3).
    """
    height, width = images.shape[1:3]
    net = cv2.FaceDetectorYN.create(str(detector), "", (width, height), 0.6, 0.3, 50)
    rows = np.stack([_largest_face(net, image) for image in images])
    found = rows[:, 14] > 0
    if found.any():
        rows[~found, :14] = np.median(rows[found, :14], axis=0)
    return rows


def _largest_face(net: cv2.FaceDetectorYN, image: np.ndarray) -> np.ndarray:
    _, faces = net.detect(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if faces is None:
        return np.zeros(15, np.float32)
    largest = int(np.argmax(faces[:, 2] * faces[:, 3]))
    return np.asarray(faces[largest], np.float32)
