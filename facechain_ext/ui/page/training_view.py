"""A training as it is drawn: progress, curves, samples by snapshot, the outcome."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from html import escape

from facechain_ext.base.events import Preview, TrainingFinished
from facechain_ext.jobs.queue import Job, JobState
from facechain_ext.library.people import Person, Run
from facechain_ext.library.runs import RunHistory
from facechain_ext.training.select import TIE
from facechain_ext.ui.page import chart, markup
from facechain_ext.ui.page.progress import Progress
from facechain_ext.ui.page.training_log import TrainingLog
from facechain_ext.ui.page.wording import STATES, count, duration, likeness, listed, run_time

STAGES = {
    "prepare": "Looking at the photos",
    "cache": "Encoding the photos",
    "train": "Training",
}
SAMPLE_SIDE = 192
TIE_RULE = f"The latest of those within {TIE:.2f} of the best: samples tell no finer."


@dataclass(frozen=True)
class Measure:
    """What samples are judged by. called: in a sentence. hint: what its number says."""

    called: str
    hint: str


LIKENESS = Measure("Likeness", "The number is the likeness to the photos.")


def progress(job: Job, log: TrainingLog, measure: Measure = LIKENESS) -> str:
    """Draw how far a job is, and its error or outcome below."""
    state = job.state
    facts = _facts(state, log)
    bar = Progress(job.title, STATES[state], _share(state, log), _label(state, log), facts)
    stopped = state is JobState.CANCELED
    error = markup.message(str(job.error or ""), "note" if stopped else "error")
    return bar.draw() + error + (outcome(log.finished, measure) if log.finished else "")


def _share(state: JobState, log: TrainingLog) -> float | None:
    if state is JobState.SUCCEEDED:
        return 1.0
    if state is JobState.QUEUED:
        return 0.0
    if log.last is not None:
        return log.last.step / log.last.total
    if log.stage is not None and log.stage.name == "prepare" and log.stage.total:
        return None if not log.photos else 0.0
    return None if not state.over else 0.0


def _label(state: JobState, log: TrainingLog) -> str:
    if state is JobState.QUEUED:
        return "Begins when the work before it is done."
    if log.last is not None:
        return f"Step {log.last.step} of {log.last.total}"
    if log.stage is None:
        return "Starting"
    name = STAGES.get(log.stage.name, log.stage.name.capitalize())
    done = f" ({len(log.photos)} of {log.stage.total})" if log.stage.name == "prepare" else ""
    return name + done


def _facts(state: JobState, log: TrainingLog) -> str:
    if log.finished is not None:
        return f"took {duration(sum(log.finished.seconds.values()))}"
    if state.over or log.last is None or log.last.step == log.last.total:
        return ""
    speed = f"{log.last.images_per_second:.1f} pictures/s"
    return f"{speed} · about {duration(log.last.eta_seconds)} left"


def past(person: Person, history: RunHistory, done: Run | None, log: TrainingLog) -> str:
    """Draw a training of an earlier day as it ended."""
    title = f"Training of {run_time(history.run)}"
    state = STATES[JobState.SUCCEEDED if done else JobState.CANCELED]
    steps = f"{log.last.step if log.last else 0} of {history.record.config.total_steps}"
    share = 1.0 if done else _share(JobState.CANCELED, log)
    bar = Progress(title, state, share, f"Step {steps}", f"on {history.record.checkpoint.name}")
    if done is None:
        return bar.draw()
    trigger = person.as_trained(done).trigger_word
    return bar.draw() + _ready(done.prompt_name, 1.0, trigger, done.similarity, done.steps)


def outcome(finished: TrainingFinished, measure: Measure = LIKENESS) -> str:
    """Tell where the LoRA is and how to use it anywhere."""
    lora = finished.lora
    name, trigger = lora.alias or lora.name, lora.trigger_word
    return _ready(name, lora.weight, trigger, finished.similarity, finished.steps, measure)


def _ready(
    name: str,
    weight: float,
    trigger: str,
    similarity: float | None,
    steps: tuple[int, ...],
    measure: Measure = LIKENESS,
) -> str:
    similar = "" if similarity is None else f" {measure.called} {similarity:.2f},"
    tag = f"<lora:{name}:{weight:g}>"
    return (
        '<div class="fc-outcome"><p><strong>The LoRA is ready.</strong>'
        f"{similar} from step {listed([*map(str, steps)])}.</p>"
        f"<p>In any prompt: <code>{escape(trigger)}</code> <code>{escape(tag)}</code></p></div>"
    )


def curves(log: TrainingLog, measure: Measure = LIKENESS) -> str:
    """Draw loss and likeness side by side; nothing before the first step."""
    if not log.losses:
        return ""
    return f'<div class="fc-charts">{_loss(log)}{_likeness(log, measure)}</div>'


def _loss(log: TrainingLog) -> str:
    first, (step, last) = log.losses[0][1], log.losses[-1]
    return chart.draw(
        chart.Curve(
            title="Loss",
            points=log.losses,
            last_step=log.total_steps,
            value=f"{last:.4f}",
            summary=f"Loss, from {first:.4f} at first to {last:.4f} after {step} steps.",
        )
    )


def _likeness(log: TrainingLog, measure: Measure) -> str:
    points = [(preview.step, preview.similarity) for preview in log.previews]
    told = ", ".join(f"{y:.2f} after {x}" for x, y in points) or "not measured yet"
    return chart.draw(
        chart.Curve(
            title=f"{measure.called} of the samples",
            points=points,
            last_step=log.total_steps,
            value=f"{points[-1][1]:.2f}" if points else "–",
            summary=f"{measure.called} by steps: {told}.",
            dots=True,
            kept=log.kept_steps,
            floor=0.0,
        )
    )


def samples(log: TrainingLog, measure: Measure = LIKENESS) -> str:
    """Draw the sample pictures, newest snapshot first."""
    if not log.previews:
        return ""
    beaten = _beaten_within_the_tie(log)
    rows = "".join(
        _snapshot(p, kept=p.step in log.kept_steps, why=TIE_RULE if beaten else "")
        for p in reversed(log.previews)
    )
    return (
        f'<h4>Samples</h4><p class="fc-hint">{count(len(log.previews), "snapshot")}, the same '
        f"seeds every time. {escape(measure.hint)}</p>{rows}"
    )


def _beaten_within_the_tie(log: TrainingLog) -> bool:
    """Whether one snapshot was kept, and another one scored a little higher."""
    kept = [p.similarity for p in log.previews if p.step in log.kept_steps]
    best = max(p.similarity for p in log.previews)
    return len(kept) == 1 and kept[0] < best <= kept[0] + TIE


def _snapshot(preview: Preview, *, kept: bool, why: str) -> str:
    said = f'<span class="fc-hint">{why}</span>' if why else ""
    badge = f'<span class="fc-badge fc-good">kept</span>{said}' if kept else ""
    return (
        f'<section class="fc-snapshot{" fc-kept" if kept else ""}"><header>Step {preview.step}'
        f"<span>{preview.similarity:.2f}</span>{badge}</header>"
        f'<div class="fc-strip">{_pictures(preview)}</div></section>'
    )


@lru_cache(maxsize=128)
def _pictures(preview: Preview) -> str:
    """Encode a snapshot's pictures once; a preview is its own key."""
    return "".join(
        f"<figure>{markup.picture(pixels, f'sample after {preview.step} steps', SAMPLE_SIDE)}"
        f"<figcaption>{likeness(similarity)}</figcaption></figure>"
        for pixels, similarity in zip(preview.images, preview.similarities, strict=True)
    )
