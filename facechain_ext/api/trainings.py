"""Trainings: begin, go on, look at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from starlette.responses import FileResponse

from facechain_ext.api.errors import NotFound
from facechain_ext.api.operation import Call, Media, Operation
from facechain_ext.api.people import SLUG
from facechain_ext.api.person_facts import TrainedLora, lora_facts
from facechain_ext.api.schema import told
from facechain_ext.api.starts import JobOptions, submitted
from facechain_ext.api.tickets import (
    JOB,
    JobTicket,
    job_at,
    last_event,
    ticket,
    tickets,
    whose,
)
from facechain_ext.api.training_facts import PNG, Curves, SampleList, curves_of, samples_of
from facechain_ext.api.uploads import PhotoUpload
from facechain_ext.api.visible import known_as, person_at
from facechain_ext.api.waiting import PREFER, answering
from facechain_ext.config import PrepareConfig, TrainConfig
from facechain_ext.jobs.record import JobRecord
from facechain_ext.jobs.works import Resume, Train
from facechain_ext.library.names import LONGEST_NAME
from facechain_ext.studio.uploads import MOST_PHOTOS

KINDS = ("train", "resume")
SHOWN = (*KINDS, "train_style")
"""Kinds that can be looked at as trainings: of people, and of styles."""
SAFETENSORS = "application/octet-stream"


@dataclass(frozen=True, kw_only=True)
class NewTraining(JobOptions):
    """A training to begin."""

    photos: tuple[PhotoUpload, ...] = told(
        "New photos, in place of earlier ones; none: train on those that are kept.",
        default=(),
        most=MOST_PHOTOS,
    )
    prepare: PrepareConfig = told("How photos become training pictures.", default=PrepareConfig())
    train: TrainConfig = told("How it is trained.", default=TrainConfig())


@dataclass(frozen=True)
class Training:
    """A training, and what came of it."""

    job: JobTicket = told("The job.")
    lora: str | None = told("What a prompt calls the LoRA: `<lora:NAME:1>`.")
    trigger_word: str | None = told("The word that stands for the person in prompts.")
    sha256: str | None = told("The LoRA file's hash.")
    likeness: float | None = told(
        "Cosine similarity of its samples to the photos, -1..1; of a style, how near they are."
    )
    steps: tuple[int, ...] = told("The snapshots that it was made from.")
    seconds: dict[str, float] = told("How long each part took.")
    links: dict[str, str] = told("Addresses of what it shows.")


@dataclass(frozen=True)
class NewLora:
    """A snapshot of a training to make a LoRA of."""

    run: str | None = told("The training, as `loras` name it; none: the newest.", default=None)
    step: int | None = told("The snapshot; none: the most alike.", default=None)
    name: str = told(
        "What prompts call it; empty: the person's name.", default="", longest=LONGEST_NAME
    )


@dataclass(frozen=True)
class JobsOfPerson:
    """Jobs about a person."""

    jobs: tuple[JobTicket, ...] = told("Newest first.")


def start_training(call: Call) -> JobRecord:
    person = known_as(call, person_at(call))
    return submitted(call, Train(person, call.photos, call.body.prepare, call.body.train))


def resume_training(call: Call) -> JobRecord:
    """Go on with the newest training that was stopped."""
    return submitted(call, Resume(known_as(call, person_at(call))))


def publish_snapshot(call: Call) -> TrainedLora:
    """Make a LoRA of an earlier snapshot."""
    wanted: NewLora = call.body
    name = known_as(call, person_at(call))
    lora = call.services.studio.publish(name, wanted.run, wanted.step, wanted.name)
    runs = reversed(person_at(call).manifest.runs)
    return lora_facts(next(run for run in runs if Path(run.lora).name == lora.path.name))


def list_trainings(call: Call) -> JobsOfPerson:
    return jobs_of_person(call, *KINDS)


def jobs_of_person(call: Call, *kinds: str) -> JobsOfPerson:
    """Return the jobs of some kinds about the person of an address."""
    name = person_at(call).manifest.name
    records = call.services.jobs.books.jobs.records(person=name, owner=whose(call))
    return JobsOfPerson(tickets(call, [record for record in records if record.kind in kinds]))


def get_training(call: Call) -> Training:
    record = job_at(call, *SHOWN)
    empty = Training(
        ticket(call, record), None, None, None, None, (), {},
        {name: call.link("trainings", record.id, name) for name in ("curves", "samples", "lora")},
    )  # fmt: skip
    done = last_event(call, record, "trained")
    if done is None:
        return empty
    return replace(
        empty,
        lora=done["alias"] or Path(done["lora"]).stem,
        trigger_word=done["trigger_word"],
        sha256=done["sha256"],
        likeness=done["similarity"],
        steps=tuple(done["steps"]),
        seconds=done["seconds"],
    )


def get_curves(call: Call) -> Curves:
    return curves_of(call, job_at(call, *SHOWN))


def get_samples(call: Call) -> SampleList:
    return samples_of(call, job_at(call, *SHOWN))


def get_sample(call: Call) -> FileResponse:
    record = job_at(call, *SHOWN)
    name = call.path["name"]
    samples = samples_of(call, record).samples
    if not any(name == picture.name for sample in samples for picture in sample.pictures):
        raise NotFound(f"There is no picture {name[:60]!a} here.")
    return FileResponse(call.services.jobs.books.folder(record.id) / name, media_type=PNG)


def get_lora(call: Call) -> FileResponse:
    record = job_at(call, *SHOWN)
    done, folder = last_event(call, record, "trained"), call.services.studio.host.paths.lora_dir
    path = folder / str(done["lora"]) if done and done["lora"] else None
    if path is None or not path.is_file():
        raise NotFound("There is no LoRA of this training, or it was deleted.")
    return FileResponse(path, media_type=SAFETENSORS, filename=path.name)


OPERATIONS = (
    Operation(
        "POST",
        "/people/{slug}/trainings/resume",
        answering(resume_training),
        "Go on with a stopped training",
        "trainings",
        {202: JobTicket, 200: JobTicket},
        help="With the newest one of this person; their `stopped_training` tells which.",
        body=JobOptions,
        parts=SLUG,
        headers=(PREFER,),
        example={},
        errors=(409,),
    ),
    Operation(
        "POST",
        "/people/{slug}/trainings",
        answering(start_training),
        "Train a face LoRA",
        "trainings",
        {202: JobTicket, 200: JobTicket},
        help="On the photos that are kept, or on new ones. As a form, each file is a part called "
        "`photos`, and `prepare` and `train` are parts with JSON.",
        body=NewTraining,
        photos=True,
        parts=SLUG,
        headers=(PREFER,),
        most_bytes=lambda services: services.config.max_upload_mb * 2**20,
        example={"train": {"max_train_steps": 600, "rank": 16}},
        errors=(409, 507),
    ),
    Operation(
        "POST",
        "/people/{slug}/loras",
        publish_snapshot,
        "Make a LoRA of an earlier snapshot",
        "trainings",
        {201: TrainedLora},
        help="Of a training that has ended; the LoRA that it left stays.",
        body=NewLora,
        parts=SLUG,
        example={"name": "Ana young"},
        errors=(409, 422),
    ),
    Operation(
        "GET",
        "/people/{slug}/trainings",
        list_trainings,
        "List a person's trainings",
        "trainings",
        {200: JobsOfPerson},
        parts=SLUG,
        errors=(409, 422),
    ),
    Operation(
        "GET",
        "/trainings/{job}",
        get_training,
        "Look at a training",
        "trainings",
        {200: Training},
        parts=JOB,
    ),
    Operation(
        "GET",
        "/trainings/{job}/curves",
        get_curves,
        "Get the curves of loss and likeness",
        "trainings",
        {200: Curves},
        help="Of one that went on after a stop, from its first step.",
        parts=JOB,
    ),
    Operation(
        "GET",
        "/trainings/{job}/samples",
        get_samples,
        "List the samples of a training",
        "trainings",
        {200: SampleList},
        parts=JOB,
    ),
    Operation(
        "GET",
        "/trainings/{job}/samples/{name}",
        get_sample,
        "Get a sample",
        "trainings",
        {200: Media(PNG, "The picture.")},
        parts={**JOB, "name": "The picture's name, as in the list and in events."},
    ),
    Operation(
        "GET",
        "/trainings/{job}/lora",
        get_lora,
        "Get the LoRA file",
        "trainings",
        {200: Media(SAFETENSORS, "A safetensors file.")},
        parts=JOB,
    ),
)
