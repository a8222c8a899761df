"""What the server answers, as frozen dataclasses; docs/rest-api.md tells of every field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from facechain_ext.base.errors import FaceChainError
from facechain_ext.client.errors import error_named

OVER = ("succeeded", "failed", "canceled")


@dataclass(frozen=True)
class Health:
    status: str


@dataclass(frozen=True)
class Version:
    version: str
    api: int


@dataclass(frozen=True)
class JobError:
    """Why a job did not succeed."""

    type: str
    message: str


@dataclass(frozen=True)
class Job:
    """A job as it stood when this was answered. progress: 0..1; times: ISO 8601."""

    id: str
    client_id: str | None
    kind: str
    person: str
    title: str
    state: str
    position: int
    progress: float
    eta_seconds: float | None
    stopping: bool
    priority: int
    attempts: int
    created: str
    started: str | None
    finished: str | None
    error: JobError | None

    @property
    def over(self) -> bool:
        return self.state in OVER

    @property
    def reason(self) -> FaceChainError | None:
        """Why it failed or was canceled, as the error that was raised there."""
        return error_named(self.error.type, self.error.message) if self.error else None


@dataclass(frozen=True)
class JobPage:
    jobs: tuple[Job, ...]
    next: str | None = None


@dataclass(frozen=True)
class Queue:
    running: Job | None
    busy: bool
    waiting: int
    jobs: tuple[Job, ...]


@dataclass(frozen=True)
class JobEvent:
    """Something that happened to a job; id: None for what is told once and not kept."""

    id: int | None
    job: str | None
    time: str
    type: str
    data: dict[str, Any]

    @property
    def ends(self) -> bool:
        """Whether nothing follows it."""
        return self.type == "state" and self.data.get("state") in OVER


@dataclass(frozen=True)
class PersonSummary:
    """A person as lists show them; problem: why they cannot be used."""

    slug: str
    name: str
    trigger_word: str | None
    created: str | None
    lora: str | None
    likeness: float | None
    problem: str | None


@dataclass(frozen=True)
class PeoplePage:
    people: tuple[PersonSummary, ...]
    total: int
    next: str | None


@dataclass(frozen=True)
class TrainedLora:
    """A LoRA that a training left; name: what prompts call it."""

    run: str
    name: str
    trigger_word: str
    checkpoint: str
    likeness: float | None
    steps: tuple[int, ...]


@dataclass(frozen=True)
class StoppedTraining:
    run: str
    step: int
    total: int
    checkpoint: str


@dataclass(frozen=True)
class Person:
    slug: str
    name: str
    trigger_word: str
    created: str
    gender: str | None
    age: float | None
    photos: int
    crops: int
    loras: tuple[TrainedLora, ...]
    stopped_training: StoppedTraining | None


@dataclass(frozen=True)
class Deleted:
    deleted: tuple[str, ...]


@dataclass(frozen=True)
class Captions:
    """By the stem of the crop."""

    captions: dict[str, str]


@dataclass(frozen=True)
class PhotoEntry:
    """A photo that was added; stem: its id and its caption's, None where it was not kept."""

    stem: str | None
    name: str
    accepted: bool
    reason: str | None
    message: str


@dataclass(frozen=True)
class PhotoList:
    photos: tuple[PhotoEntry, ...]


@dataclass(frozen=True)
class PhotoVerdict:
    photo: str
    accepted: bool
    reason: str | None
    message: str


@dataclass(frozen=True)
class CheckResult:
    job: Job
    accepted: int
    photos: tuple[PhotoVerdict, ...]


@dataclass(frozen=True)
class Training:
    """A training and what came of it; lora: what prompts call it, None until then."""

    job: Job
    lora: str | None
    trigger_word: str | None
    sha256: str | None
    likeness: float | None
    steps: tuple[int, ...]
    seconds: dict[str, float]


@dataclass(frozen=True)
class Curve:
    steps: tuple[int, ...]
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Curves:
    total: int | None
    loss: Curve
    learning_rate: Curve
    likeness: Curve


@dataclass(frozen=True)
class SamplePicture:
    name: str
    likeness: float | None


@dataclass(frozen=True)
class Sample:
    step: int
    likeness: float
    pictures: tuple[SamplePicture, ...]


@dataclass(frozen=True)
class SampleList:
    samples: tuple[Sample, ...]


@dataclass(frozen=True)
class Portrait:
    """A picture that was drawn; likeness: -1..1; rejection: why it was set aside."""

    name: str
    link: str
    likeness: float | None
    rejection: str | None
    seed: int
    infotext: str
    fusion_note: str | None


@dataclass(frozen=True)
class Portraits:
    """Ranked ones, best first, good ones beyond the count, and those set aside."""

    job: Job
    portraits: tuple[Portrait, ...]
    spare: tuple[Portrait, ...]
    rejected: tuple[Portrait, ...]
    notes: tuple[str, ...]
    stopped: str | None
    seconds: dict[str, float]


@dataclass(frozen=True)
class Video:
    """A portrait that speaks; name, link: None until it is there, or when it was deleted."""

    job: Job
    name: str | None
    link: str | None
    length: float | None
    frames: int | None
    sound: bool | None
    teeth: str | None
    notes: tuple[str, ...]
    seconds: dict[str, float]


@dataclass(frozen=True)
class Style:
    name: str
    title: str
    category: str
    prompt: str
    negative_prompt: str
    genders: tuple[str, ...]


@dataclass(frozen=True)
class StyleList:
    styles: tuple[Style, ...]


@dataclass(frozen=True)
class Template:
    name: str
    title: str
    tags: tuple[str, ...]
    faces: int | None
    own: bool


@dataclass(frozen=True)
class TemplateList:
    templates: tuple[Template, ...]


@dataclass(frozen=True)
class Checkpoint:
    name: str
    sha256: str
    current: bool


@dataclass(frozen=True)
class CheckpointList:
    checkpoints: tuple[Checkpoint, ...]


@dataclass(frozen=True)
class Lora:
    name: str
    folder: str
    bytes: int


@dataclass(frozen=True)
class LoraList:
    loras: tuple[Lora, ...]


@dataclass(frozen=True)
class Model:
    """A pretrained net."""

    id: str
    role: str
    state: str
    licence: str
    origin: str
    package: str
    download_bytes: int
    disk_bytes: int


@dataclass(frozen=True)
class ModelList:
    models: tuple[Model, ...]
