"""A person as answers tell of them: in a list, and in full."""

from __future__ import annotations

from dataclasses import dataclass

from facechain_ext.api.errors import without_paths
from facechain_ext.api.operation import Call
from facechain_ext.api.schema import told
from facechain_ext.api.visible import called, known_as
from facechain_ext.library.manifest import Run
from facechain_ext.library.people import Damaged, Person

PARTS = ("photos", "captions", "export", "trainings", "portraits")
"""What a person's addresses end in."""


@dataclass(frozen=True)
class TrainedLora:
    """A LoRA that a training left."""

    run: str = told("The training it is of.")
    name: str = told("What a prompt calls it: `<lora:NAME:1>`.")
    trigger_word: str = told("The word that it was trained with.")
    checkpoint: str = told("The checkpoint that it was trained on.")
    likeness: float | None = told("Cosine similarity of its samples to the photos, -1..1.")
    steps: tuple[int, ...] = told("The snapshots that it was made from.")


@dataclass(frozen=True)
class PersonSummary:
    """A person as lists show them."""

    slug: str = told("The id in addresses.")
    name: str = told("What they are called.")
    trigger_word: str | None = told("The word that stands for them in prompts.")
    created: str | None = told("When they were added, ISO 8601.")
    lora: str | None = told("What a prompt calls their newest LoRA.")
    likeness: float | None = told("That LoRA's likeness, -1..1.")
    problem: str | None = told("Why they cannot be used: their manifest is damaged or too new.")


@dataclass(frozen=True)
class StoppedTraining:
    """A training that can go on."""

    run: str = told("The training.")
    step: int = told("Steps that are done.")
    total: int = told("Steps that were asked for.")
    checkpoint: str = told("The checkpoint that it needs.")


@dataclass(frozen=True)
class PersonDetail:
    """All about a person but their pictures."""

    slug: str = told("The id in addresses.")
    name: str = told("What they are called.")
    trigger_word: str = told("The word that stands for them in prompts.")
    created: str = told("When they were added, ISO 8601.")
    gender: str | None = told('"woman" or "man", as the photos show; null where they do not.')
    age: float | None = told("Years, good to about eight.")
    photos: int = told("How many photos are kept.")
    crops: int = told("How many training pictures were made of them.")
    loras: tuple[TrainedLora, ...] = told("Oldest first.")
    stopped_training: StoppedTraining | None = told("The newest training that can go on.")
    links: dict[str, str] = told("Addresses of what belongs to them.")


def summary(who: Person | Damaged) -> PersonSummary:
    """Return somebody as lists show them."""
    if isinstance(who, Damaged):
        return PersonSummary(who.slug, called(who), None, None, None, None, _problem(who))
    manifest, run = who.manifest, who.latest_run
    return PersonSummary(
        slug=who.slug,
        name=manifest.name,
        trigger_word=manifest.trigger_word,
        created=manifest.created,
        lora=run.prompt_name if run else None,
        likeness=run.similarity if run else None,
        problem=None,
    )


def detail(call: Call, person: Person) -> PersonDetail:
    """Return all about a person."""
    manifest, attributes = person.manifest, person.manifest.attributes
    return PersonDetail(
        slug=person.slug,
        name=manifest.name,
        trigger_word=manifest.trigger_word,
        created=manifest.created,
        gender=attributes.gender.value if attributes.gender else None,
        age=attributes.age,
        photos=len(person.photos()),
        crops=len(person.captions()),
        loras=tuple(map(lora_facts, manifest.runs)),
        stopped_training=_stopped(call, person),
        links={
            "self": call.link("people", person.slug),
            **{name: call.link("people", person.slug, name) for name in PARTS},
        },
    )


def lora_facts(run: Run) -> TrainedLora:
    """Return a LoRA as answers tell of it."""
    return TrainedLora(
        run.name, run.prompt_name, run.trigger_word, run.checkpoint, run.similarity, run.steps
    )


def _stopped(call: Call, person: Person) -> StoppedTraining | None:
    if not person.run_folders:
        return None
    found = call.services.studio.resumable(known_as(call, person))
    if found is None:
        return None
    return StoppedTraining(found.run, found.step, found.total, found.checkpoint)


def _problem(who: Damaged) -> str:
    return without_paths(str(who.error))
