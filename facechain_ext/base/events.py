"""What long work yields, so that the caller owns progress, display and cancelling."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from facechain_ext.base.records import LoraFile, Pixels, Portrait, PreparedPhoto


@dataclass(frozen=True)
class Stage:
    """A named stage begins, e.g. "prepare", "cache", "train", "generate"."""

    name: str
    total: int | None = None


@dataclass(frozen=True, eq=False)
class PhotoPrepared:
    """One upload was judged."""

    photo: PreparedPhoto
    done: int
    total: int


@dataclass(frozen=True)
class Step:
    """One optimisation step: 1-based step, loss, pictures per second, seconds left."""

    step: int
    total: int
    loss: float
    learning_rate: float
    images_per_second: float
    eta_seconds: float


@dataclass(frozen=True, eq=False)
class Preview:
    """Sample pictures of a snapshot with their likeness (None where no face was found)."""

    step: int
    images: tuple[Pixels, ...]
    similarities: tuple[float | None, ...]

    @property
    def similarity(self) -> float:
        """Mean likeness; a picture without a face counts as 0."""
        return sum(s or 0.0 for s in self.similarities) / max(len(self.similarities), 1)


@dataclass(frozen=True)
class CheckpointSaved:
    """A snapshot is on disk."""

    step: int
    path: Path


@dataclass(frozen=True)
class TrainingFinished:
    """The chosen LoRA is on disk; steps are the snapshots it was made from."""

    lora: LoraFile
    steps: tuple[int, ...]
    similarity: float | None
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Drawing:
    """A step of drawing was taken: picture counts from 1, step from 1; the next one replaces it.

    pixels: a small picture of what is being drawn, where there is one yet.
    """

    picture: int
    pictures: int
    step: int
    steps: int
    pixels: Pixels | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Candidate:
    """One more candidate portrait was drawn; done counts from 1."""

    done: int
    total: int


@dataclass(frozen=True, eq=False)
class PortraitsFinished:
    """Ranked portraits, best first; spare ones beyond the count; rejected ones with reasons.

    notes: a sentence on everything that was asked for and could not be had.
    stopped: why the run ended too early, e.g. "stopped before it was finished"; nothing is ranked
    then, and an error follows. saved: the files of the ranked ones, where they were saved.
    """

    ranked: tuple[Portrait, ...]
    spare: tuple[Portrait, ...]
    rejected: tuple[Portrait, ...]
    seconds: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    stopped: str = ""
    saved: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Filming:
    """So many frames of a video are made; done counts from 1."""

    done: int
    total: int


@dataclass(frozen=True)
class VideoFinished:
    """A portrait that speaks is on disk.

    sound: whether the speech can be heard in it. length: seconds. teeth: from the "portrait",
    another "photo" of the person, or "painted". notes: as in PortraitsFinished.
    """

    path: Path
    sound: bool
    length: float
    frames: int
    teeth: str
    seconds: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


Event = (
    Stage
    | PhotoPrepared
    | Step
    | Preview
    | CheckpointSaved
    | TrainingFinished
    | Drawing
    | Candidate
    | PortraitsFinished
    | Filming
    | VideoFinished
)
