"""What the People panel does, without a page: everything long goes through the jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from facechain_ext.base.errors import Busy, FaceChainError, InvalidInput, PersonNotFound
from facechain_ext.base.events import Event, Stage
from facechain_ext.config import PrepareConfig, TrainConfig
from facechain_ext.imaging import xmp
from facechain_ext.jobs.queue import Job, JobState
from facechain_ext.jobs.works import Enrol, Resume, Train
from facechain_ext.library.names import checked, identity
from facechain_ext.library.people import Damaged, Person
from facechain_ext.ui.page import copies
from facechain_ext.ui.page.services import Services
from facechain_ext.ui.page.training_log import TrainingLog
from facechain_ext.ui.page.wording import count, listed
from facechain_ext.ui.people.verdicts import MOST_PHOTOS

KINDS = (Enrol.kind, Train.kind, Resume.kind)
NEW = "+ New person"
"""The choice in the list of people that stands for nobody yet."""


@dataclass(frozen=True)
class Caption:
    """A crop of the library: its file's stem, its picture and the words that go with it."""

    stem: str
    picture: Path
    text: str


@dataclass(frozen=True)
class PeopleDesk:
    """Looks after people on behalf of one or more open pages.

    enrolled: by person, the uploads that are in the library already, so that edited captions are
    not overwritten by the next training. on_the_way: by job, those that may come to be.
    """

    services: Services
    enrolled: dict[str, tuple[Path, ...]] = field(default_factory=dict)
    on_the_way: dict[str, tuple[Path, ...]] = field(default_factory=dict)
    before: dict[str, tuple[Event, ...]] = field(default_factory=dict)

    def names(self) -> list[str]:
        return [person.manifest.name for person in self.services.studio.library.people()]

    def loras(self) -> list[str]:
        """Return what prompts call everybody's LoRAs."""
        people = self.services.studio.library.people()
        runs = [run for person in people for run in person.manifest.runs]
        return list(
            dict.fromkeys(n for run in runs for n in (run.prompt_name, Path(run.lora).stem))
        )

    def person(self, name: str) -> Person | None:
        """Find somebody; None for nobody, and for a name that is not in the library (yet)."""
        try:
            return self.services.studio.library.get(name) if name and name != NEW else None
        except FaceChainError:
            return None

    def keep(self, name: str, paths: Sequence[Path], consent: bool, config: PrepareConfig) -> Job:
        """Queue keeping photos in the library; raises InvalidInput for what is missing."""
        self._require(name, paths, consent)
        job = self.services.jobs.submit(Enrol(name, tuple(paths), config))
        self.on_the_way[job.id] = tuple(paths)
        return job

    def train(
        self,
        name: str,
        paths: Sequence[Path],
        consent: bool,
        prepare_config: PrepareConfig,
        train_config: TrainConfig,
    ) -> Job:
        """Queue a training, on new photos where there are any; raises InvalidInput."""
        new = () if self.are_kept(name, paths) else tuple(paths)
        if new or self.person(name) is None:
            self._require(name, new, consent)
        self._refuse_second(name)
        job = self.services.jobs.submit(Train(name, new, prepare_config, train_config))
        if new:
            self.on_the_way[job.id] = new
        return job

    def can_resume(self, name: str) -> bool:
        """Tell whether a stopped training is in a state to go on."""
        try:
            return self.services.studio.resumable(name) is not None
        except FaceChainError:  # drawing the same training says what is wrong with it
            return False

    def resume(self, name: str) -> Job:
        """Queue going on with a stopped training."""
        self._refuse_second(name)
        return self.services.jobs.submit(Resume(name))

    def stop(self, name: str) -> None:
        """Cancel what is queued or running for a person."""
        for job in self.active(name):
            job.cancel()

    def job(self, name: str) -> Job | None:
        """Return what is going on for a person, else what went on last."""
        mine = [job for job in self._jobs() if _same(job.person, name)]
        return next(iter(self.active(name)), mine[-1] if mine else None)

    def active(self, name: str) -> list[Job]:
        return [job for job in self._jobs() if _same(job.person, name) and not job.state.over]

    def log(self, job: Job) -> TrainingLog:
        """Put a job's events together, after those from before it was stopped."""
        return TrainingLog.of((*self._before(job), *job.events))

    def _before(self, job: Job) -> tuple[Event, ...]:
        """Return what a training had shown when a job went on with it, and perhaps more, which
        the job's own events then replace."""
        run = job.record.work.get("run_name")
        if not run:
            return ()
        if job.id not in self.before:
            history = self.services.studio.history(job.person, run)
            self.before[job.id] = history.events if history else ()
        return self.before[job.id]

    def captions(self, name: str) -> list[Caption]:
        person = self.person(name)
        if person is None:
            return []
        return [
            Caption(path.stem, path.with_suffix(".png"), person.caption(path))
            for path in person.captions()
            if path.with_suffix(".png").is_file()  # the picture is written last
        ]

    def save_captions(self, name: str, texts: Sequence[str]) -> int:
        """Save the captions of the first crops; return how many have changed."""
        told = zip(self.captions(name), texts, strict=False)
        changed = {c.stem: text for c, text in told if text.strip() != c.text}
        if changed:
            self.services.studio.library.get(name).set_captions(changed)
        return len(changed)

    def rename(self, name: str, new_name: str) -> Person:
        self.services.jobs.require_idle(name)
        if not new_name.strip():
            raise InvalidInput("Type the new name first.")
        person = self.services.studio.library.rename(name, new_name.strip())
        if not _same(person.manifest.name, name):
            # Nothing that deleting the person would not find is left under the former name.
            self._forget_shown(name, [])
            self._note_kept()
            self.services.jobs.renamed(name, person.manifest.name)
            if uploads := self.enrolled.pop(identity(name), ()):
                self.enrolled[identity(new_name)] = uploads
        return person

    def export(self, name: str, folder: Path) -> Path:
        person = self.services.studio.library.get(name)
        return self.services.studio.library.export(name, folder / f"{person.slug}.zip")

    def what_goes(self, name: str) -> str:
        """Say what deleting would remove."""
        library = self.services.studio.library
        person = library.get(name)
        loras = [path for path in library.lora_files(person) if path.suffix == ".safetensors"]
        outputs = library.portraits_folder(name).rglob("*")
        portraits = [path for path in outputs if path.suffix[1:] in xmp.FORMATS]
        parts = [
            count(len(person.photos()), "photo"),
            count(len(person.captions()), "crop"),
            count(len(person.run_folders), "training"),
            count(len(loras), "LoRA"),
            count(len(portraits), "portrait"),
        ]
        return f"{listed(parts)} of {person.manifest.name} will be removed from disk for good."

    def delete(self, name: str) -> list[Path]:
        """Remove a person, with what pages were shown; raises Busy while work is going on."""
        self.services.jobs.require_idle(name)
        library = self.services.studio.library
        self._note_kept()
        uploads = self.enrolled.get(identity(name), ())
        # First, while there are originals to know them by: a deletion that fails can be repeated.
        self._forget_shown(name, [*library.files(name), *uploads])
        self.enrolled.pop(identity(name), None)
        return self.services.jobs.delete_person(name)

    def damaged(self) -> list[Damaged]:
        """Return those of the library who cannot be read."""
        return self.services.studio.library.damaged()

    def what_goes_of_damaged(self, folder: str) -> str:
        """Say what deleting would remove of somebody who cannot be read."""
        damaged, key = self._damaged(folder)
        files = count(len(self.services.studio.library.files(key)), "file")
        return (
            f"{damaged.error} {files} of {folder} will be removed from disk for good: photos, "
            "crops, trainings, LoRAs and portraits."
        )

    def delete_damaged(self, folder: str) -> list[Path]:
        """Remove somebody who cannot be read, as anybody else is removed."""
        return self.delete(self._damaged(folder)[1])

    def _damaged(self, folder: str) -> tuple[Damaged, str]:
        """Find who is damaged, and what the library finds them by and nobody else."""
        for damaged in self.damaged():
            for key in (damaged.name, damaged.slug) if damaged.slug == folder else ():
                if self._wrong_with(key) == str(damaged.error):
                    return damaged, key
        raise PersonNotFound(f"There is nobody damaged in {folder} any more.")

    def _wrong_with(self, key: str) -> str:
        """Return what the library says instead of finding somebody; empty where it finds them."""
        try:
            self.services.studio.library.get(key)
        except FaceChainError as error:
            return str(error)
        return ""

    def _forget_shown(self, name: str, others: Sequence[Path]) -> None:
        """Remove what pages were handed under a name, and copies of other files."""
        copies.remove(copies.copies_of([*copies.handed_out(name), *others]))

    def _note_kept(self) -> None:
        """See which uploads have come into the library meanwhile."""
        for job_id in [*self.on_the_way]:
            job = self.services.jobs.get(job_id)
            if job is not None and _keeps_photos(job):
                self.enrolled[identity(job.person)] = self.on_the_way.pop(job_id)
            elif job is None or job.state.over:
                del self.on_the_way[job_id]

    def are_kept(self, name: str, paths: Sequence[Path]) -> bool:
        """Tell whether exactly these uploads are what the library has of a person."""
        if not paths or self.person(name) is None:
            return False
        self._note_kept()
        return self.enrolled.get(identity(name)) == tuple(paths)

    def _require(self, name: str, paths: Sequence[Path], consent: bool) -> None:
        if not name or name == NEW:
            raise InvalidInput("Type a name first: the person will be found under it.")
        checked(name)
        if not paths:
            raise InvalidInput(f"Choose photos of {name} first: five to fifteen are good.")
        if len(paths) > MOST_PHOTOS:
            raise InvalidInput(f"{len(paths)} photos are more than {MOST_PHOTOS}.")
        if not consent:
            raise InvalidInput(
                "Tick the box below the photos first: nobody is trained without agreeing to it."
            )

    def _refuse_second(self, name: str) -> None:
        if self.active(name):
            raise Busy(f"{name} is being worked on already.")

    def _jobs(self) -> list[Job]:
        return [job for job in self.services.jobs.all() if job.kind in KINDS]


def _keeps_photos(job: Job) -> bool:
    """Tell whether a job has put the photos it came with into the library."""
    if job.kind == Enrol.kind:
        return job.state is JobState.SUCCEEDED
    return any(isinstance(event, Stage) and event.name == "train" for event in job.events)


def _same(one: str, other: str) -> bool:
    """Compare names as the library does."""
    return identity(one) == identity(other)
