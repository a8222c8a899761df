"""Calls about jobs, and the results of trainings and portraits.

What takes long is begun under an id of the client's own, so that asking again after a lost answer
never begins it twice. What is left out of settings is as the server's user set it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any

from facechain_ext.client.call import Call, Photo, at
from facechain_ext.client.reading import answer_of
from facechain_ext.client.records import (
    CheckResult,
    Curves,
    Job,
    JobPage,
    Portraits,
    Queue,
    SampleList,
    Training,
    Video,
)
from facechain_ext.config import (
    PortraitConfig,
    PrepareConfig,
    TalkConfig,
    TemplateConfig,
    TrainConfig,
    TrainStyleConfig,
    TryOnConfig,
)

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class JobOptions:
    """How a job is begun.

    client_id: of one's own, "" for a new one. priority: among one's own jobs.
    webhook: {"url": ..., "secret": ...}. wait: seconds to wait for it to be over, 120 at most.
    """

    client_id: str = ""
    priority: int = 0
    webhook: Mapping[str, Any] | None = None
    wait: int = 0


USUAL = JobOptions()


def check(
    photos: Sequence[Photo],
    prepare: PrepareConfig | Settings | None = None,
    options: JobOptions = USUAL,
) -> Call[Job]:
    """Judge photos, and keep none."""
    return _begin("check", {"prepare": prepare}, options, photos)


def enrol(
    person: str,
    photos: Sequence[Photo],
    prepare: PrepareConfig | Settings | None = None,
    options: JobOptions = USUAL,
    *,
    add: bool = False,
) -> Call[Job]:
    """Judge photos and keep those that can be trained on; person: slug, name or a new name; add:
    beside those that are there, not in their place."""
    given = {"person": person, "prepare": prepare, "add": add or None}
    return _begin("enrol", given, options, photos)


def train(
    person: str,
    photos: Sequence[Photo] = (),
    train: TrainConfig | Settings | None = None,
    prepare: PrepareConfig | Settings | None = None,
    options: JobOptions = USUAL,
) -> Call[Job]:
    """Train a face LoRA on new photos, or on those that are kept."""
    given = {"person": person, "train": train, "prepare": prepare}
    return _begin("train", given, options, photos)


def resume(person: str, options: JobOptions = USUAL) -> Call[Job]:
    """Go on with a person's newest stopped training."""
    return _begin("resume", {"person": person}, options)


def make_portraits(
    person: str,
    portrait: PortraitConfig | Settings | None = None,
    options: JobOptions = USUAL,
) -> Call[Job]:
    """Make ranked portraits."""
    return _begin("portraits", {"person": person, "portrait": portrait}, options)


def make_template(
    picture: Photo,
    cast: Mapping[int, str],
    template: TemplateConfig | Settings | None = None,
    options: JobOptions = USUAL,
) -> Call[Job]:
    """Paint people into a picture; cast: slugs or names by the faces' numbers, from the left."""
    whole = {str(number): name for number, name in cast.items()}
    return _begin("template", {"cast": whole, "template": template}, options, [picture])


def make_templates(
    templates: Sequence[str],
    cast: Mapping[int, str] | None = None,
    who: Sequence[str] = (),
    template: TemplateConfig | Settings | None = None,
    pictures: Sequence[Photo] = (),
    options: JobOptions = USUAL,
) -> Call[Job]:
    """Paint people into templates of the server, by name, and into pictures, as one job.

    cast: who comes on which face of each; or who: each on the face that fits best.
    """
    whole = {str(number): name for number, name in (cast or {}).items()}
    given = {"templates": list(templates) or None, "cast": whole or None, "template": template}
    return _begin("template", {**given, "who": list(who) or None}, options, pictures)


def draw_template(
    words: str,
    who: Sequence[str],
    template: TemplateConfig | Settings | None = None,
    options: JobOptions = USUAL,
) -> Call[Job]:
    """Draw a picture of words, and paint people into it."""
    given = {"words": words, "who": list(who), "template": template}
    return _begin("template", given, options)


def talk(
    person: str = "",
    portrait: Photo | None = None,
    talk: TalkConfig | Settings | None = None,
    options: JobOptions = USUAL,
    audio: Photo | None = None,
) -> Call[Job]:
    """Let a portrait speak: the one given, or the person's newest; audio: in place of a text."""
    given = {"person": person or None, "talk": talk}
    return _begin("talk", given, options, [] if portrait is None else [portrait], audio)


def try_on(
    garment: Photo,
    photo: Photo | None = None,
    person: str = "",
    try_on: TryOnConfig | Settings | None = None,
    options: JobOptions = USUAL,
) -> Call[Job]:
    """Put a garment on a photo, or on a person of the library in the way `worn`."""
    given = {"person": person or None, "try_on": try_on}
    return _begin("try-on", given, options, [garment] if photo is None else [garment, photo])


def keep_look(
    name: str,
    pictures: Sequence[Photo],
    captions: Mapping[str, str] | None = None,
    style: TrainStyleConfig | Settings | None = None,
    options: JobOptions = USUAL,
) -> Call[Job]:
    """Keep pictures of a look, to be trained on later; captions: by the names of their files."""
    given = {"name": name, "captions": captions, "style": style}
    return _begin("keep_look", given, options, pictures)


def train_style(
    name: str,
    pictures: Sequence[Photo] = (),
    captions: Mapping[str, str] | None = None,
    style: TrainStyleConfig | Settings | None = None,
    options: JobOptions = USUAL,
) -> Call[Job]:
    """Train a style on new pictures of a look, or on those that are kept."""
    given = {"name": name, "captions": captions, "style": style}
    return _begin("train_style", given, options, pictures)


def resume_style(name: str, options: JobOptions = USUAL) -> Call[Job]:
    """Go on with the training of a style that was stopped."""
    return _begin("train_style", {"name": name, "resume": True}, options)


def _begin(
    kind: str,
    given: Mapping[str, Any],
    options: JobOptions,
    photos: Sequence[Photo] = (),
    audio: Photo | None = None,
) -> Call[Job]:
    settings = {key: _facts(value) for key, value in given.items() if value is not None}
    chosen = {"priority": options.priority, "webhook": options.webhook}
    return Call(
        "PUT",
        at("jobs", options.client_id or uuid.uuid4().hex),
        answer_of(Job),
        body={"kind": kind, **settings, **{key: value for key, value in chosen.items() if value}},
        photos=tuple(photos),
        audio=audio,
        wait=options.wait,
    )


def _facts(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def jobs(
    state: str = "any",
    kind: str = "any",
    person: str = "",
    before: str = "",
    limit: int = 50,
) -> Call[JobPage]:
    """List jobs, newest first; state: of them, or "active"; before: `next` of the page before."""
    query = {"state": state, "kind": kind, "person": person, "before": before, "limit": limit}
    return Call("GET", "jobs", answer_of(JobPage), query)


def job(job_id: str, wait: int = 0) -> Call[Job]:
    """Look at a job, by its id or one's own; wait: seconds for it to be over."""
    return Call("GET", at("jobs", job_id), answer_of(Job), wait=wait)


def cancel(job_id: str) -> Call[Job]:
    """Cancel a job: one that waits at once, one at work at its next step."""
    return Call("POST", at("jobs", job_id, "cancel"), answer_of(Job))


def queue() -> Call[Queue]:
    """Ask who is at work, and who waits."""
    return Call("GET", "queue", answer_of(Queue))


def verdicts(job_id: str) -> Call[CheckResult]:
    """Get what a job has found of the photos that came with it."""
    return Call("GET", at("checks", job_id), answer_of(CheckResult))


def trainings(slug: str) -> Call[JobPage]:
    """List a person's trainings, newest first."""
    return Call("GET", at("people", slug, "trainings"), answer_of(JobPage))


def training(job_id: str) -> Call[Training]:
    """Look at a training and what came of it."""
    return Call("GET", at("trainings", job_id), answer_of(Training))


def curves(job_id: str) -> Call[Curves]:
    """Get a training's curves of loss and likeness."""
    return Call("GET", at("trainings", job_id, "curves"), answer_of(Curves))


def samples(job_id: str) -> Call[SampleList]:
    """List a training's samples."""
    return Call("GET", at("trainings", job_id, "samples"), answer_of(SampleList))


def sample(job_id: str, name: str) -> Call[bytes]:
    """Get a sample, as a PNG."""
    return Call("GET", at("trainings", job_id, "samples", name), bytes)


def lora(job_id: str, path: Path) -> Call[Path]:
    """Write a training's LoRA to a file here."""
    return Call("GET", at("trainings", job_id, "lora"), lambda _: path, into=path)


def portrait_jobs(slug: str) -> Call[JobPage]:
    """List the jobs that made a person's portraits, newest first."""
    return Call("GET", at("people", slug, "portraits"), answer_of(JobPage))


def portraits(job_id: str) -> Call[Portraits]:
    """Look at portraits with their likeness and infotext."""
    return Call("GET", at("portraits", job_id), answer_of(Portraits))


def picture(job_id: str, name: str) -> Call[bytes]:
    """Get a portrait by its name or its rank ("1" is the best), as a PNG with its infotext."""
    return Call("GET", at("portraits", job_id, "pictures", name), bytes)


def save_picture(job_id: str, name: str, path: Path) -> Call[Path]:
    """Write a portrait to a file here."""
    return Call("GET", at("portraits", job_id, "pictures", name), lambda _: path, into=path)


def video(job_id: str) -> Call[Video]:
    """Look at a portrait that speaks."""
    return Call("GET", at("videos", job_id), answer_of(Video))


def save_video(job_id: str, path: Path) -> Call[Path]:
    """Write the video to a file here."""
    return Call("GET", at("videos", job_id, "file"), lambda _: path, into=path)
