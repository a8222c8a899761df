"""A picture of the gallery, and what is written beside it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Face

NOTES = ".json"
"""What is added to a picture's name for the file beside it."""

LONGEST_TAG, MOST_TAGS = 40, 20
_MOST_BYTES, _MOST_FACES = 2**20, 100


@dataclass(frozen=True, eq=False)
class Template:
    """A picture that people can be painted into.

    name: what commands call it. sha256: of the file. faces: by number, from the left; None where
    it was not looked at yet. own: whether it is the user's.
    """

    name: str
    title: str
    picture: Path
    sha256: str
    tags: tuple[str, ...] = ()
    faces: tuple[Face, ...] | None = None
    own: bool = True

    @property
    def notes(self) -> Path:
        """The file beside the picture."""
        return notes_of(self.picture)

    def facts(self) -> dict[str, Any]:
        """Return what is written beside the picture."""
        known = None if self.faces is None else [_facts(face) for face in self.faces]
        return {
            "title": self.title,
            "tags": list(self.tags),
            "sha256": self.sha256,
            "faces": known,
        }

    def with_notes(self, facts: Mapping[str, Any]) -> Template:
        """Take in what is written beside the picture; faces of another file count no more.

        Raises TypeError, KeyError and ValueError for damage.
        """
        title, tags = str(facts.get("title") or self.title), read_tags(facts.get("tags") or ())
        faces = facts.get("faces") if facts.get("sha256") == self.sha256 else None
        known = None if faces is None else tuple(map(_face, faces))
        if known is not None and len(known) > _MOST_FACES:
            raise ValueError(f"{len(known)} faces")
        return replace(self, title=title, tags=tags, faces=known)


def notes_of(picture: Path) -> Path:
    return picture.with_name(picture.name + NOTES)


def read_notes(path: Path) -> dict[str, Any]:
    """Read what is written beside a picture; nothing where nothing is.

    Raises OSError and ValueError for what cannot be read.
    """
    if not path.is_file():
        return {}
    with path.open("rb") as stream:
        facts = json.loads(stream.read(_MOST_BYTES))
    if not isinstance(facts, dict):
        raise ValueError("no object")
    return facts


def read_tags(tags: Sequence[Any]) -> tuple[str, ...]:
    """Return tags tidied, each once; raises InvalidInput for too many or too long ones."""
    if isinstance(tags, str):
        raise ValueError("tags are a list")
    tidied = dict.fromkeys(" ".join(str(tag).casefold().split()) for tag in tags)
    kept = tuple(tag for tag in tidied if tag)
    if len(kept) > MOST_TAGS or any(len(tag) > LONGEST_TAG for tag in kept):
        raise InvalidInput(f"At most {MOST_TAGS} tags of {LONGEST_TAG} letters each.")
    return kept


def _facts(face: Face) -> dict[str, Any]:
    return {
        "box": [round(float(value), 2) for value in face.box],
        "landmarks": [[round(float(value), 2) for value in point] for point in face.landmarks],
        "score": round(float(face.score), 4),
    }


def _face(facts: Any) -> Face:
    x1, y1, x2, y2 = map(_finite, facts["box"])
    points = np.array([[_finite(value) for value in point] for point in facts["landmarks"]])
    if points.shape != (5, 2) or not (x1 < x2 and y1 < y2):
        raise ValueError("no face")
    return Face((x1, y1, x2, y2), points.astype(np.float32), _finite(facts["score"]))


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number) or abs(number) > 1e5:
        raise ValueError(f"{value!r} is no place in a picture")
    return number
