"""A person's crops on disk: NN.png the picture, NN.txt the caption, NN.npz the measurements."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.lib.npyio import NpzFile

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Attributes, Face, Instance, Pixels
from facechain_ext.imaging.decode import decode
from facechain_ext.imaging.encode import encode_png
from facechain_ext.imaging.files import write_atomic
from facechain_ext.library.manifest import attributes_from

T = TypeVar("T")

DAMAGE = (
    OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, EOFError, OverflowError,
    MemoryError, RuntimeError, zipfile.BadZipFile, zlib.error, struct.error, InvalidInput,
)  # fmt: skip
"""What reading a file raises whose bytes were cut, flipped or swapped."""

MOST_MEASURED = 2**26
"""Bytes; three masks of 2048 x 2048 are 12 MiB."""

UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def save_crops(
    folder: Path, instances: Sequence[Instance], stems: Sequence[str] | None = None
) -> None:
    """Write crops into an empty folder; pictures last, by which they are found."""
    names = [f"{n:03d}" for n in range(len(instances))] if stems is None else stems
    for stem, instance in zip(names, instances, strict=True):
        write_atomic(folder / f"{stem}.npz", _measurements(instance))
        write_atomic(folder / f"{stem}.txt", (instance.caption + "\n").encode("utf-8"))
        write_atomic(folder / f"{stem}.png", encode_png(instance.pixels, {}))


def visible(folder: Path, suffix: str) -> list[Path]:
    """Return a folder's files of a kind by name, without hidden ones such as `._000.png`."""
    return sorted(p for p in folder.glob(f"*{suffix}") if not p.name.startswith("."))


def read_caption(path: Path) -> str:
    """Read a caption as any editor saves it: UTF-8 or UTF-16 with a mark, else Windows' ANSI."""
    data = path.read_bytes()
    if data.startswith(UTF_16_MARKS):
        text = data.decode("utf-16", errors="replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252", errors="replace")
    return text.replace("\0", "").strip()


def load_crops(folder: Path) -> list[Instance]:
    """Read crops back, with captions as they now stand; raises InvalidInput naming the file."""
    return [_load(path) for path in visible(folder, ".png")]


def remove_crop(folder: Path, stem: str) -> None:
    """Remove one crop and all that belongs to it; the picture first, by which it is found."""
    for suffix in (".png", ".txt", ".npz"):
        (folder / f"{stem}{suffix}").unlink(missing_ok=True)


def attributes_in(folder: Path) -> list[Attributes]:
    """Read what was measured on each crop; a damaged one has no say."""
    found = []
    for path in visible(folder, ".npz"):
        with suppress(*DAMAGE):
            found.append(_attributes(path.read_bytes()))
    return found


def _attributes(measurements: bytes) -> Attributes:
    with _unpacked(measurements) as data:
        return attributes_from(json.loads(data["facts"].tobytes().decode("utf-8"))["attributes"])


def _load(picture: Path) -> Instance:
    measured, caption = picture.with_suffix(".npz"), picture.with_suffix(".txt")
    pixels = _read(picture, lambda path: decode(path.read_bytes(), name=path.name))
    text = _read(caption, read_caption)
    return _read(measured, lambda path: _instance(path, pixels, text))


def _read(path: Path, read: Callable[[Path], T]) -> T:
    try:
        return read(path)
    except DAMAGE as error:
        raise InvalidInput(
            f"{path} is damaged or missing. Put the file back, or add the photos again."
        ) from error


def _instance(path: Path, pixels: Pixels, caption: str) -> Instance:
    # Not from the path: numpy leaves a damaged file open, which Windows then does not delete.
    with _unpacked(path.read_bytes()) as data:
        facts = json.loads(data["facts"].tobytes().decode("utf-8"))
        masks, landmarks = data["masks"], data["landmarks"]
        points, embedding = data["five_points"], data["embedding"]
    _require(masks.shape == (3, *pixels.shape[:2]) and masks.dtype == np.uint8)
    _require(landmarks.shape == (478, 2) and points.shape == (5, 2) and embedding.shape == (128,))
    box = np.asarray(facts["box"], np.float64)
    _require(all(np.isfinite(part).all() for part in (landmarks, points, embedding, box)))
    _require(abs(float(np.linalg.norm(embedding)) - 1) < 0.01)
    valid, person, face_mask = masks.astype(np.float32) / 255
    left, top, right, bottom = box.tolist()
    return Instance(
        name=str(facts["name"]),
        pixels=pixels,
        valid=valid,
        person=person,
        face_mask=face_mask,
        face=Face((left, top, right, bottom), points, float(facts["score"])),
        landmarks=landmarks,
        embedding=embedding,
        quality=float(facts["quality"]),
        attributes=attributes_from(facts["attributes"]),
        caption=caption,
    )


def _unpacked(measurements: bytes) -> NpzFile:
    """Open measurements; raises ValueError where they would take more memory than those of the
    largest crop."""
    with zipfile.ZipFile(io.BytesIO(measurements)) as zipped:
        _require(sum(info.file_size for info in zipped.infolist()) <= MOST_MEASURED)
    data: NpzFile = np.load(io.BytesIO(measurements), allow_pickle=False)
    return data


def _require(holds: bool) -> None:
    if not holds:
        raise ValueError("not the measurements of this picture")


def _measurements(instance: Instance) -> bytes:
    """Pack all of an instance but its picture and caption; masks go to 8 bits."""
    facts = {
        "name": instance.name,
        "quality": instance.quality,
        "box": instance.face.box,
        "score": instance.face.score,
        "attributes": asdict(instance.attributes),
    }
    masks = np.stack([instance.valid, instance.person, instance.face_mask])
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        facts=np.frombuffer(json.dumps(facts).encode("utf-8"), dtype=np.uint8),
        masks=np.round(masks * 255).astype(np.uint8),
        landmarks=instance.landmarks,
        five_points=instance.face.landmarks,
        embedding=instance.embedding,
    )
    return buffer.getvalue()
