"""What the Portraits panel does, without a page."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar
from weakref import WeakKeyDictionary

from facechain_ext.base.errors import FaceChainError, InvalidInput
from facechain_ext.base.events import Candidate, Drawing, PortraitsFinished, Stage
from facechain_ext.base.records import Portrait
from facechain_ext.config import PortraitConfig
from facechain_ext.imaging.encode import encode_png
from facechain_ext.imaging.provenance import ai_marker
from facechain_ext.jobs.progress import share_of
from facechain_ext.jobs.queue import Job, JobState
from facechain_ext.jobs.works import MakePortraits
from facechain_ext.portrait.infotext import source_of
from facechain_ext.ui.page import markup
from facechain_ext.ui.page.copies import folder_for
from facechain_ext.ui.page.progress import Progress
from facechain_ext.ui.page.services import Services
from facechain_ext.ui.page.wording import STATES, count, duration

PREVIEW_SIDE = 512

FACE = "face "
"""How the stage of a template's face begins."""

STAGES = {
    "fit the garment": "Cutting the garment out and fitting it",
    "paint the edge": "Painting the edge of the garment",
    "draw the background": "Drawing the background",
    "draw the scene": "Drawing the scene",
}
"""Stages of templates and try-ons, in words."""

Shown = tuple[str, str]
"""A file that gradio may serve, and its caption."""


@dataclass(frozen=True)
class Results:
    """What a job has left: the ranked pictures in order, those set aside, and their infotexts.

    whose: whose portraits these are.
    """

    whose: str
    ranked: list[Shown]
    infotexts: list[str]
    aside: list[Shown]
    aside_infotexts: list[str]
    notes: tuple[str, ...]
    folder: Path | None
    seconds: float


@dataclass(frozen=True)
class PortraitDesk:
    """Makes portraits on behalf of one or more open pages.

    noun: what is made. how: what to do for the first of them. needs_somebody: who is trained.
    """

    kind: ClassVar[str] = MakePortraits.kind
    noun: ClassVar[str] = "portraits"
    how: ClassVar[str] = "Choose a style and press Make portraits."
    needs_somebody: ClassVar[bool] = True
    services: Services
    _results: WeakKeyDictionary[PortraitsFinished, Results] = field(
        default_factory=WeakKeyDictionary
    )

    def names(self) -> list[str]:
        """Everybody who has a LoRA."""
        return [person.manifest.name for person in self.services.studio.library.trained()]

    def generate(self, name: str | None, config: PortraitConfig) -> Job:
        """Queue portraits; raises InvalidInput at once for what cannot be drawn."""
        if not name:
            raise InvalidInput("Choose a person; somebody has to be trained first.")
        return self.services.jobs.submit(MakePortraits(name, config))

    def folder(self, name: str) -> Path:
        return self.services.studio.library.portraits_folder(name)

    def _kept_in(self, name: str) -> Path | None:
        """Return the folder, None where nobody is called so any more."""
        try:
            return self.folder(name)
        except FaceChainError:
            return None

    def stop(self) -> None:
        """Cancel the running portraits and those that wait."""
        for job in self._active():
            job.cancel()

    def job(self) -> Job | None:
        return self.services.jobs.latest(self.kind)

    def is_busy_with(self, name: str) -> bool:
        return any(job.person == name for job in self._active())

    def _active(self) -> list[Job]:
        return [job for job in self.services.jobs.active() if job.kind == self.kind]

    def mismatch(self, name: str | None) -> str:
        """Say that somebody's LoRA was trained on another checkpoint than would draw now."""
        try:
            return self.services.studio.mismatch(name) if name else ""
        except FaceChainError:  # no checkpoint, say: the People page tells, and so does a try
            return ""

    def shown_job(self) -> Job | None:
        """Return the job whose pictures are to be seen: the newest one that is over.

        None where that has left no pictures: those of one before it are not its own.
        """
        made = [j for j in self.services.jobs.all() if j.kind == self.kind]
        ended = [job for job in made if _has_ended(job)]
        return ended[-1] if ended and _finished(ended[-1]) else None

    def results(self, job: Job) -> Results:
        """Return the pictures of a job as files to show, made once."""
        finished = _finished(job)
        assert finished is not None
        shown = self._results.get(finished)
        if shown is None or shown.whose != job.person:  # who may have another name since
            shown = self._results[finished] = self._show(job.person, finished)
        return shown

    def _show(self, name: str, finished: PortraitsFinished) -> Results:
        ranked, others = finished.ranked, (*finished.spare, *finished.rejected)
        saved = finished.saved or (None,) * len(ranked)
        files = [_shown(name, p, path, finished) for p, path in zip(ranked, saved, strict=True)]
        captions = [f"{place}. {_score(p)}" for place, p in enumerate(ranked, 1)]
        return Results(
            whose=name,
            ranked=list(zip(files, captions, strict=True)),
            infotexts=[portrait.infotext for portrait in ranked],
            aside=[(_temporary(name, p, finished), _reason(p, finished)) for p in others],
            aside_infotexts=[portrait.infotext for portrait in others],
            notes=(*_why_aside(finished), *finished.notes, *_fusion_notes(ranked)),
            folder=self._kept_in(name),
            seconds=sum(finished.seconds.values()),
        )


def progress(job: Job) -> str:
    """Draw how far portraits are."""
    return Progress(job.title, STATES[job.state], _share(job), _label(job)).draw() + _preview(job)


def _preview(job: Job) -> str:
    """Draw what is being drawn, inside the page: no file of it can be asked for."""
    step = job.passing
    if job.state is not JobState.RUNNING or not isinstance(step, Drawing) or step.pixels is None:
        return ""
    told = f"What is being drawn, after step {step.step} of {step.steps}"
    return f'<div class="fc-drawing">{markup.picture(step.pixels, told, PREVIEW_SIDE)}</div>'


def _share(job: Job) -> float | None:
    if job.state is JobState.SUCCEEDED:
        return 1.0
    drawn = [event for event in job.events if isinstance(event, Candidate)]
    done = max(share_of(event) or 0.0 for event in (*drawn[-1:], job.passing))
    return done or (None if job.state.at_work else 0.0)


def _label(job: Job) -> str:
    finished = _finished(job)
    if finished is not None:
        kept, aside = len(finished.ranked), len(finished.spare) + len(finished.rejected)
        if job.state is not JobState.SUCCEEDED:
            return f"{count(aside, 'picture')} drawn and set aside"
        took = duration(sum(finished.seconds.values()))
        return f"{count(kept, 'portrait')} kept, {aside} set aside, in {took}"
    if job.state is JobState.QUEUED:
        return "Begins when the work before it is done."
    stages = [event for event in job.events if isinstance(event, Stage)]
    drawn = [event for event in job.events if isinstance(event, Candidate)]
    if stages and stages[-1].name.startswith(FACE):
        return _face_label(job, stages[-1].name.replace(FACE, FACE.capitalize(), 1), drawn)
    if stages and stages[-1].name in STAGES:
        return STAGES[stages[-1].name]
    if stages and stages[-1].name != "generate":
        return "Blending in the face, judging and ranking"
    if isinstance(step := job.passing, Drawing):
        return f"Picture {step.picture} of {step.pictures}, step {step.step} of {step.steps}"
    return f"Picture {drawn[-1].done} of {drawn[-1].total} drawn" if drawn else "Preparing to draw"


def _face_label(job: Job, face: str, drawn: Sequence[Candidate]) -> str:
    """Tell how far the face of a template is that is being painted."""
    if isinstance(step := job.passing, Drawing):
        return f"{face}, step {step.step} of {step.steps}"
    return f"{face}, {drawn[-1].done} of at most {drawn[-1].total} painted" if drawn else face


def _has_ended(job: Job) -> bool:
    return job.state.over and (job.state is not JobState.CANCELED or bool(job.events))


def _finished(job: Job) -> PortraitsFinished | None:
    ends = [event for event in job.events if isinstance(event, PortraitsFinished)]
    return ends[-1] if ends else None


def _score(portrait: Portrait) -> str:
    similarity = portrait.score.similarity
    return f"likeness {similarity:.2f}" if similarity is not None else "no likeness"


def _reason(portrait: Portrait, finished: PortraitsFinished) -> str:
    rejection = portrait.score.rejection
    if rejection is None and finished.stopped:
        return f"{_score(portrait)}, {finished.stopped}"
    if rejection is None:
        return f"{_score(portrait)}, beyond the number asked for"
    return rejection.value.replace("_", " ")


def _why_aside(finished: PortraitsFinished) -> list[str]:
    """Say that a run ended too early, where it did."""
    if not finished.stopped:
        return []
    return [f"All that was drawn is set aside: the run {finished.stopped}."]


def _fusion_notes(portraits: Sequence[Portrait]) -> list[str]:
    noted = [(place, p.fusion_note) for place, p in enumerate(portraits, 1) if p.fusion_note]
    return [f"Picture {place}: {note}" for place, note in noted]


def _shown(name: str, portrait: Portrait, saved: Path | None, finished: PortraitsFinished) -> str:
    """Return a copy that gradio may serve: of the file as it was saved, while that is there."""
    if saved is None or not saved.is_file():
        return _temporary(name, portrait, finished)
    return str(shutil.copyfile(saved, folder_for(name) / saved.name))


def _temporary(name: str, portrait: Portrait, finished: PortraitsFinished) -> str:
    """Write a picture that is not kept to gradio's folder, with its infotext."""
    reason = re.sub("[^a-z]+", "-", _reason(portrait, finished).lower())
    path = folder_for(name) / f"{reason}-{portrait.seed}.png"
    text = {
        "parameters": portrait.infotext,
        **ai_marker(source_of(portrait.infotext)),
    }
    path.write_bytes(encode_png(portrait.pixels, text))
    return str(path)
