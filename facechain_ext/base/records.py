"""Records that travel between the floors: one object per thing, never parallel lists."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""An RGB picture, shape (H, W, 3), values 0..255."""

Mask = NDArray[np.float32]
"""A soft selection, shape (H, W), values 0..1."""

Points = NDArray[np.float32]
"""Points in pixels, shape (N, 2), x to the right and y down."""

Embedding = NDArray[np.float32]
"""An identity vector, shape (D,), unit norm; the dot product of two is their similarity."""


@dataclass(frozen=True, eq=False)
class Face:
    """A detected face.

    box: x1, y1, x2, y2 in pixels, may reach past the border.
    landmarks: (5, 2), in the order right eye (left in the picture), left eye, nose tip,
        right and left mouth corner.
    score: detector confidence 0..1.
    """

    box: tuple[float, float, float, float]
    landmarks: Points
    score: float

    @property
    def width(self) -> float:
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        return self.box[3] - self.box[1]

    @property
    def area(self) -> float:
        return self.width * self.height

    @property
    def center(self) -> tuple[float, float]:
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2


class Gender(str, Enum):
    WOMAN = "woman"
    MAN = "man"


@dataclass(frozen=True)
class Attributes:
    """What can be read off a face or a set of faces; None where it cannot be told.

    age: years, good to about +-8. Used for bands only.
    """

    gender: Gender | None = None
    age: float | None = None
    smiling: bool | None = None
    glasses: bool | None = None
    monochrome: bool = False


@dataclass(frozen=True, eq=False)
class Photo:
    """A decoded upload: EXIF orientation applied, every other EXIF field dropped."""

    name: str
    pixels: Pixels


class Reason(str, Enum):
    """Why a photo is not used; the closed list that users, the API and tests share."""

    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    FACE_TOO_SMALL = "face_too_small"
    FACE_CUT_OFF = "face_cut_off"
    BLURRED = "blurred"
    TURNED_AWAY = "turned_away"
    DUPLICATE = "duplicate"
    OTHER_PERSON = "other_person"


@dataclass(frozen=True)
class Verdict:
    """Whether a photo is used, why not, and a sentence that helps."""

    accepted: bool
    reason: Reason | None
    message: str

    def __post_init__(self) -> None:
        if self.accepted != (self.reason is None):
            raise ValueError(f"a verdict is accepted or has a reason, got {self}")


@dataclass(frozen=True, eq=False)
class Instance:
    """One aligned, cropped training picture and all that was measured on it.

    pixels: (S, S, 3), background already treated as the config asked.
    valid: (S, S), 1 where the crop shows the photo, 0 where it reaches past its border.
    person: (S, S), the person's matte.
    face_mask: (S, S), soft mask of the face oval.
    face: in this picture's coordinates.
    landmarks: (478, 2) face mesh in this picture's coordinates.
    quality: higher is better; used to choose the template face.
    detail: how much the upload tells of the face; tells copies of one photo apart.
    """

    name: str
    pixels: Pixels
    valid: Mask
    person: Mask
    face_mask: Mask
    face: Face
    landmarks: Points
    embedding: Embedding
    quality: float
    attributes: Attributes
    caption: str = ""
    detail: float = 0.0


@dataclass(frozen=True, eq=False)
class PreparedPhoto:
    """The outcome of preparing one upload; instance is None when it was rejected."""

    name: str
    verdict: Verdict
    instance: Instance | None = None


DEFAULT_LORA_WEIGHT = 1.0


@dataclass(frozen=True)
class LoraFile:
    """A LoRA on disk: the name that prompts use, and what its metadata says.

    alias: another name that prompts may use; empty for none.
    """

    path: Path
    trigger_word: str
    sha256: str
    weight: float = DEFAULT_LORA_WEIGHT
    alias: str = ""

    @property
    def name(self) -> str:
        return self.path.stem


class Rejection(str, Enum):
    """Why a candidate portrait is kept aside."""

    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    FACE_TOO_SMALL = "face_too_small"
    FACE_TOO_LARGE = "face_too_large"
    NOT_ALIKE = "not_alike"
    """In a template: somebody else is nearer."""
    SEAM = "seam"


@dataclass(frozen=True)
class Score:
    """Likeness of a portrait: cosine similarity -1..1, or the reason it was not ranked."""

    similarity: float | None
    rejection: Rejection | None = None

    @property
    def ranked(self) -> bool:
        return self.rejection is None and self.similarity is not None


@dataclass(frozen=True, eq=False)
class Portrait:
    """A finished picture with its score and everything needed to make it again.

    fusion_note: why the photo's face was blended in less than asked for; None when it was not.
    """

    pixels: Pixels
    score: Score
    seed: int
    infotext: str
    parameters: dict[str, object] = field(default_factory=dict)
    before_fusion: Pixels | None = None
    fusion_note: str | None = None
