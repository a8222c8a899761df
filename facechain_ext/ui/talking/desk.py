"""What the Talk panel does, without a page."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.events import Filming, Stage, VideoFinished
from facechain_ext.config import TalkConfig
from facechain_ext.jobs.progress import share_of
from facechain_ext.jobs.queue import Job, JobState
from facechain_ext.jobs.talk_work import Talk
from facechain_ext.talking.voices import VOICES, find_voice
from facechain_ext.ui.page import markup
from facechain_ext.ui.page.copies import folder_for
from facechain_ext.ui.page.progress import Progress
from facechain_ext.ui.page.services import Services
from facechain_ext.ui.page.wording import STATES, duration

_STAGES = {"speech": "Making the speech", "face": "Looking at the face", "film": "Filming"}


@dataclass(frozen=True)
class TalkDesk:
    """Lets portraits speak on behalf of one or more open pages."""

    services: Services
    _copies: dict[str, str] = field(default_factory=dict)

    def names(self) -> list[str]:
        """Everybody in the library."""
        return [person.manifest.name for person in self.services.studio.library.people()]

    def talk(
        self, name: str | None, portrait: Path | None, audio: Path | None, config: TalkConfig
    ) -> Job:
        """Queue a video; raises InvalidInput at once for what cannot be.

        A recording goes before a text that is there as well.
        """
        if audio is not None and config.text.strip():
            raise InvalidInput("There are a text and a recording: clear one of them.")
        if self.services.offline and audio is None and find_voice(config.voice).online:
            raise InvalidInput("FaceChain was started with --facechain-offline: nothing is sent.")
        given = {"portrait": portrait, "audio": audio}
        files = {kind: path for kind, path in given.items() if path is not None}
        out = self.services.studio.talking.folder(name or "")
        work = Talk(name or "", tuple(files.values()), tuple(files), config, out, unnamed=True)
        return self.services.jobs.submit(work)

    def stop(self) -> None:
        """Cancel the running video and those that wait."""
        for job in self.services.jobs.active():
            if job.kind == Talk.kind:
                job.cancel()

    def job(self) -> Job | None:
        return self.services.jobs.latest(Talk.kind)

    def video(self, job: Job | None) -> str | None:
        """Return a copy that gradio may serve of the video that a job has made."""
        finished = _finished(job) if job else None
        if job is None or finished is None or not finished.path.is_file():
            return None
        if job.id not in self._copies:
            copy = folder_for(job.person) / finished.path.name
            self._copies[job.id] = str(shutil.copyfile(finished.path, copy))
        return self._copies[job.id]


def progress(desk: TalkDesk) -> str:
    """Draw the running or latest video with what went wrong, or say what is to be done."""
    job = desk.job()
    if job is None:
        return markup.empty("No video yet", "Choose who speaks, say what, and press Talk.")
    drawn = Progress(job.title, STATES[job.state], _share(job), _label(job)).draw()
    tone: markup.Tone = "note" if job.state is JobState.CANCELED else "error"
    finished = _finished(job)
    notes = finished.notes if finished else ()
    told = "".join(markup.message(note, "note") for note in notes)
    return drawn + markup.message(str(job.error or ""), tone) + told


def voices(desk: TalkDesk) -> str:
    """Draw what voices take that are not ready; nothing where all are."""
    models_dir = desk.services.studio.host.paths.models_dir
    told = [
        f"{name} takes {', '.join(lacking)}"
        for name, offer in VOICES.items()
        if not offer.online and (lacking := offer.lacking(models_dir))
    ]
    return markup.message(f"Not ready: {'; '.join(told)}. See Models." if told else "", "note")


def _share(job: Job) -> float | None:
    if job.state is JobState.SUCCEEDED:
        return 1.0
    filmed = [event for event in job.events if isinstance(event, Filming)]
    share = share_of(filmed[-1]) if filmed else None
    return share or (None if job.state.at_work else 0.0)


def _label(job: Job) -> str:
    finished = _finished(job)
    if finished is not None:
        took = duration(sum(finished.seconds.values()))
        return f"{finished.length:.0f} s of video, made in {took}: {finished.path}"
    if job.state is JobState.QUEUED:
        return "Begins when the work before it is done."
    stages = [event.name for event in job.events if isinstance(event, Stage)]
    filmed = [event for event in job.events if isinstance(event, Filming)]
    if filmed:
        return f"Frame {filmed[-1].done} of {filmed[-1].total}"
    return _STAGES.get(stages[-1], "") if stages else ""


def _finished(job: Job) -> VideoFinished | None:
    ends = [event for event in job.events if isinstance(event, VideoFinished)]
    return ends[-1] if ends else None
