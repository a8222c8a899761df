"""What a training has shown: curves and samples, read from its events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from facechain_ext.api.operation import Call
from facechain_ext.api.schema import told
from facechain_ext.jobs.event_store import StoredEvent
from facechain_ext.jobs.record import JobRecord

PNG = "image/png"


@dataclass(frozen=True)
class Curve:
    """Values over steps."""

    steps: tuple[int, ...] = told("Where the values are, rising.")
    values: tuple[float | None, ...] = told("As many; null: it was no number.")


@dataclass(frozen=True)
class Curves:
    """How a training went."""

    total: int | None = told("Steps that were asked for; null: it has not begun.")
    loss: Curve = told("The loss of each step.")
    learning_rate: Curve = told("The learning rate of each step.")
    likeness: Curve = told("Mean likeness of each snapshot's samples, -1..1.")


@dataclass(frozen=True)
class SamplePicture:
    """A sample."""

    name: str = told("Its name; events call it so, too.")
    likeness: float | None = told("Its likeness, -1..1; null: it shows no face.")
    link: str = told("Its address.")


@dataclass(frozen=True)
class Sample:
    """The samples of a snapshot."""

    step: int = told("The step that the snapshot was taken at.")
    likeness: float = told("Their mean likeness; one without a face counts as 0.")
    pictures: tuple[SamplePicture, ...] = told("One for each prompt.")


@dataclass(frozen=True)
class SampleList:
    """The samples of a training."""

    samples: tuple[Sample, ...] = told("By step.")


def curves_of(call: Call, record: JobRecord) -> Curves:
    """Return the curves of a training from its first step, over all jobs that went on with it."""
    steps: dict[int, StoredEvent] = {}
    previews: dict[int, float] = {}
    for event in _shown(call, record):
        if event.type == "step":
            steps[event.data["step"]] = event
        elif event.type == "preview":
            previews[event.data["step"]] = event.data["similarity"]
    order = sorted(steps)
    curves = {
        name: Curve(tuple(order), tuple(steps[step].data[name] for step in order))
        for name in ("loss", "learning_rate")
    }
    total = steps[order[-1]].data["total"] if order else None
    sampled = sorted(previews)
    likeness = Curve(tuple(sampled), tuple(previews[step] for step in sampled))
    return Curves(total, curves["loss"], curves["learning_rate"], likeness)


def _shown(call: Call, record: JobRecord) -> Iterator[StoredEvent]:
    """Yield the events of a training in their order; what was done again comes later."""
    books = call.services.jobs.books
    chain = [books.events.after(0, job=record.id)]
    if _goes_on(record):
        earlier = books.jobs.records(person=record.person, owner=record.owner, before=record.number)
        for each in (each for each in earlier if _subject(each) == _subject(record)):
            events = books.events.after(0, job=each.id)
            chain.append(events)
            if not _goes_on(each) and any(event.type == "step" for event in events):
                break
    for events in reversed(chain):
        yield from events


def _goes_on(record: JobRecord) -> bool:
    return record.kind == "resume" or bool(record.work.get("run_name"))


def _subject(record: JobRecord) -> str | None:
    """Tell which style is trained, nothing for the person; None for what is no training."""
    if record.kind in ("train", "resume"):
        return ""
    return str(record.work["name"]) if record.kind == "train_style" else None


def samples_of(call: Call, record: JobRecord) -> SampleList:
    """Return the samples of a job, those whose pictures are there."""
    events = call.services.jobs.books.events.after(0, job=record.id)
    samples = {e.data["step"]: _sample(call, record, e) for e in events if e.type == "preview"}
    return SampleList(tuple(samples[step] for step in sorted(samples)))


def _sample(call: Call, record: JobRecord, event: StoredEvent) -> Sample:
    folder, data = call.services.jobs.books.folder(record.id), event.data
    pictures = tuple(
        SamplePicture(name, likeness, call.link("trainings", record.id, "samples", name))
        for name, likeness in zip(data["pictures"], data["similarities"], strict=True)
        if (folder / name).is_file()
    )
    return Sample(data["step"], data["similarity"], pictures)
