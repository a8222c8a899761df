"""A person as the page draws them: the card, the running or latest training."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from facechain_ext.base.errors import FaceChainError
from facechain_ext.base.events import Preview
from facechain_ext.config import TrainConfig
from facechain_ext.library.people import Person
from facechain_ext.library.runs import RunFolder, RunHistory
from facechain_ext.ui.page import markup, training_view
from facechain_ext.ui.page.training_log import TrainingLog
from facechain_ext.ui.page.wording import count, duration, run_time
from facechain_ext.ui.people.desk import NEW, PeopleDesk

FACE_SIDE = 128
LATEST = "The latest"


@dataclass(frozen=True)
class Drawn:
    """A training's three pieces of HTML."""

    progress: str
    curves: str = ""
    samples: str = ""


@dataclass(frozen=True)
class PeopleView:
    """Draws from the desk; histories are read from disk once as long as they do not change."""

    desk: PeopleDesk
    _histories: dict[Path, tuple[object, RunHistory | None]] = field(default_factory=dict)

    def card(self, name: str) -> str:
        person = self.desk.person(name)
        if person is None:
            return ""
        run, crops = person.latest_run, self.desk.captions(name)
        face = markup.picture_file(crops[0].picture, "", FACE_SIDE) if crops else ""
        if run is None:
            learned = "Not trained yet."
        else:
            likeness = "" if run.similarity is None else f", likeness {run.similarity:.2f}"
            learned = f"LoRA {run.lora} on {run.checkpoint}{likeness}."
        trainings = {each.name for each in person.manifest.runs}
        facts = f"{count(len(crops), 'photo')} kept · {count(len(trainings), 'training')}"
        return (
            f'<div class="fc-card">{face}<div><h3>{escape(person.manifest.name)}</h3>'
            f"<p>trigger word <code>{escape(person.manifest.trigger_word)}</code> · {facts}</p>"
            f"<p>{escape(learned)} {self._forecast(name) if crops else ''}</p></div></div>"
        )

    def _forecast(self, name: str) -> str:
        """Say how long a training with the usual settings would be."""
        services = self.desk.services
        try:
            expected = services.studio.forecast(name, services.defaults(TrainConfig))
        except FaceChainError:  # the page says elsewhere that there is no checkpoint
            return ""
        long = "" if expected.seconds is None else f", about {duration(expected.seconds)}"
        return f"A training takes {count(expected.steps, 'step')}{long}."

    def training(self, name: str, choice: str) -> Drawn:
        """Draw the chosen earlier training; otherwise what is going on, or went on last."""
        try:
            return self._training(name, choice)
        except FaceChainError as error:
            return Drawn(markup.message(str(error)))

    def _training(self, name: str, choice: str) -> Drawn:
        person = self.desk.person(name)
        if person is not None and choice in (runs := self.runs(person)):
            return self._past(person, runs[choice])
        job = self.desk.job(name)
        if job is not None:
            log = self.desk.log(job)
            return Drawn(
                training_view.progress(job, log),
                training_view.curves(log),
                training_view.samples(log),
            )
        if person is not None and person.run_folders:
            return self._past(person, None)
        return Drawn(_nothing_yet(person))

    def runs(self, person: Person) -> dict[str, str]:
        """Return the trainings of a person by what they are called on the page, newest first."""
        likeness = {run.name: run.similarity for run in person.manifest.runs if not run.by_hand}
        named = {}
        for folder in reversed(person.run_folders):
            told = likeness.get(folder.name)
            suffix = "" if told is None else f", likeness {told:.2f}"
            named[f"{run_time(folder.name)}{suffix}"] = folder.name
        return named

    def with_snapshots(self, person: Person) -> dict[str, str]:
        """Return those of `runs` that have snapshots to publish."""
        return {
            told: run for told, run in self.runs(person).items() if _folder(person, run).snapshots()
        }

    def snapshots(self, person: Person, run: str) -> dict[str, int]:
        """Return a training's snapshots by what they are called on the page, in their order."""
        alike, kept = self._likeness(person, run), self._kept(person, run)
        named = {}
        for step in _folder(person, run).snapshots():
            told = f", likeness {alike[step]:.2f}" if step in alike else ""
            named[f"Step {step}{told}{', kept' if step in kept else ''}"] = step
        return named

    def favourite(self, person: Person, run: str) -> str | None:
        """Return the snapshot that the training kept, else the most alike, else the last."""
        alike, kept = self._likeness(person, run), self._kept(person, run)
        by_worth = lambda told: (told[1] in kept, alike.get(told[1], -1), told[1])  # noqa: E731
        return max(self.snapshots(person, run).items(), key=by_worth, default=(None, 0))[0]

    def _likeness(self, person: Person, run: str) -> dict[int, float]:
        try:
            history = self._history(person, run)
        except FaceChainError:  # drawing the same training says what is wrong with it
            return {}
        events = history.events if history else ()
        return {event.step: event.similarity for event in events if isinstance(event, Preview)}

    def _kept(self, person: Person, run: str) -> tuple[int, ...]:
        mine = [each for each in person.manifest.runs if each.name == run and not each.by_hand]
        return mine[0].steps if mine else ()

    def _past(self, person: Person, run: str | None) -> Drawn:
        history = self._history(person, run)
        if history is None:
            return Drawn(_nothing_yet(person))
        log = TrainingLog.of(history.events)
        ended = [r for r in person.manifest.runs if r.name == history.run and not r.by_hand]
        done = next(iter(ended), None)
        log.kept_steps = done.steps if done else ()
        head = training_view.past(person, history, done, log)
        return Drawn(head, training_view.curves(log), training_view.samples(log))

    def _history(self, person: Person, run: str | None) -> RunHistory | None:
        folder = person.folder / "runs" / (run or person.run_folders[-1].name)
        events = folder / "events.jsonl"
        state = (events.stat().st_mtime_ns if events.is_file() else 0, person.manifest)
        if self._histories.get(folder, (None,))[0] != state:
            history = self.desk.services.studio.history(person.manifest.name, run)
            self._histories[folder] = (state, history)
        return self._histories[folder][1]


def _folder(person: Person, run: str) -> RunFolder:
    return RunFolder(person.folder / "runs" / run)


def _nothing_yet(person: Person | None) -> str:
    if person is None:
        return markup.empty(
            "Nobody chosen",
            "Add a person with five to fifteen photos, or choose one. Training, its curves and "
            "its sample pictures appear here.",
        )
    return markup.empty(
        f"{person.manifest.name} has not been trained", "Press Train; everything shows up here."
    )


def title_of(name: str, typed: str) -> str:
    """Return who the page is about: the chosen person, or the new one's name."""
    return typed.strip() if name in ("", NEW) else name
