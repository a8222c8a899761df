"""What each command of the command line does: arguments in, one JSON-ready object out."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.events import (
    Event,
    PhotoPrepared,
    PortraitsFinished,
    Stage,
    TrainingFinished,
    VideoFinished,
)
from facechain_ext.base.records import Attributes, Portrait, PreparedPhoto
from facechain_ext.cli import console
from facechain_ext.cli.control_pictures import read_controls
from facechain_ext.cli.interrupt import stopping
from facechain_ext.cli.paths import data_dir, photos_in, require_writable
from facechain_ext.cli.streams import agreed as _agreed
from facechain_ext.config import PortraitConfig, PrepareConfig, TalkConfig, TrainConfig
from facechain_ext.config.flags import config_from
from facechain_ext.installing.optional import OPTIONAL, OptionalPackage
from facechain_ext.jobs.queue import Job, Jobs
from facechain_ext.jobs.talk_work import Talk
from facechain_ext.jobs.work import Work
from facechain_ext.jobs.works import MakePortraits, Resume, Train
from facechain_ext.library.people import Person, Run
from facechain_ext.nets import FaceNets
from facechain_ext.nets.catalog import CATALOG, fetch, find
from facechain_ext.standalone.demo import run_demo
from facechain_ext.standalone.diffusers_host import DiffusersHost
from facechain_ext.studio.packages import find_package, install
from facechain_ext.studio.studio import Studio
from facechain_ext.studio.uploads import read_uploads
from facechain_ext.talking.voices import VOICES
from facechain_ext.ui.page.services import Services
from facechain_ext.ui.server import serve

Ended = TypeVar("Ended", TrainingFinished, PortraitsFinished, VideoFinished)
Result = dict[str, Any]


def new_studio(args: argparse.Namespace) -> Studio:
    host = DiffusersHost(
        data_dir(args.data_dir),
        getattr(args, "checkpoint", None),
        device=getattr(args, "device", None),
    )
    return Studio(host, FaceNets())


def queue_of(studio: Studio, command: str) -> Jobs:
    return Jobs(studio, program=f"facechain {command}")


def check(args: argparse.Namespace) -> Result:
    config = config_from(args, PrepareConfig)
    uploads = read_uploads(photos_in(args.photos), config)
    events: Iterable[Event] = new_studio(args).check(uploads, config)
    console.show(Stage("check", len(uploads)))
    # As text, the result says on the same screen what the progress would.
    if args.json:
        events = console.shown(events)
    return {"photos": [verdict(photo) for photo in last_words(events)]}


def last_words(events: Iterable[Event]) -> list[PreparedPhoto]:
    """Keep the latest verdict of every photo, in the order the photos came."""
    latest: dict[int, PreparedPhoto] = {}
    for event in events:
        assert isinstance(event, PhotoPrepared)
        latest[event.done] = event.photo
    return [latest[key] for key in sorted(latest)]


def verdict(photo: PreparedPhoto) -> Result:
    verdict = photo.verdict
    return {
        "photo": photo.name,
        "verdict": "accepted" if verdict.accepted else "rejected",
        "reason": verdict.reason.value if verdict.reason else None,
        "message": verdict.message,
    }


def train(args: argparse.Namespace) -> Result:
    """Enrol the photos and train; without photos, train on the person's crops as they are."""
    prepare_config, train_config = config_from(args, PrepareConfig), config_from(args, TrainConfig)
    photos = photos_in(args.photos) if args.photos else []
    studio = new_studio(args)
    require_writable(studio.host.paths.data_dir)
    return _trained(studio, Train(args.name, tuple(photos), prepare_config, train_config))


def resume(args: argparse.Namespace) -> Result:
    """Go on, on the checkpoint that the training began with unless told otherwise."""
    stopped = new_studio(args).resumable(args.name)
    if args.checkpoint is None and stopped is not None:
        args.checkpoint = stopped.checkpoint_path
    studio = new_studio(args)
    require_writable(studio.host.paths.data_dir)
    return _trained(studio, Resume(args.name))


def carried_out(studio: Studio, work: Work, end: type[Ended]) -> Ended:
    """Do a work here, seen on the console and stopped by Ctrl-C; return the event that ends it."""
    finished = None
    with stopping(studio.host):
        for event in console.shown(queue_of(studio, work.kind).run_here(work)):
            finished = event if isinstance(event, end) else finished
    assert finished is not None
    return finished


def _trained(studio: Studio, work: Work) -> Result:
    finished = carried_out(studio, work, TrainingFinished)
    return {
        "person": work.person,
        "lora": str(finished.lora.path),
        "trigger_word": finished.lora.trigger_word,
        "likeness": finished.similarity,
        "from_steps": list(finished.steps),
        "seconds": finished.seconds,
    }


def portrait(args: argparse.Namespace) -> Result:
    """Draw portraits; what can be found out before is found out before."""
    studio, finished = new_studio(args), None
    config = config_from(args, PortraitConfig, **read_controls(args, studio.read_depth))
    if config.min_face_share > config.max_face_share:
        raise InvalidInput("min_face_share must not be more than max_face_share.")
    work = MakePortraits(args.name, config, args.out)
    work.require(studio)
    require_writable(args.out or studio.host.paths.output_dir)
    for event in console.shown(queue_of(studio, work.kind).run_here(work)):
        finished = event if isinstance(event, PortraitsFinished) else finished
    assert finished is not None
    placed = zip(finished.ranked, finished.saved, strict=True)
    return {
        "person": args.name,
        "portraits": [_saved(portrait, path) for portrait, path in placed],
        "rejected": [_rejected(portrait) for portrait in finished.rejected],
        "notes": list(finished.notes),
        "seconds": finished.seconds,
    }


def _saved(portrait: Portrait, path: Path) -> Result:
    return {
        "similarity": portrait.score.similarity,
        "seed": portrait.seed,
        "file": str(path),
        "fusion_note": portrait.fusion_note,
    }


def _rejected(portrait: Portrait) -> Result:
    reason = portrait.score.rejection
    return {"reason": reason.value if reason else None, "seed": portrait.seed}


def talk(args: argparse.Namespace) -> Result:
    """Let a portrait speak; what can be found out before is found out before."""
    if args.words is not None:
        args.text = args.words
    given = {"portrait": args.portrait, "audio": args.audio}
    files = {name: path for name, path in given.items() if path is not None}
    work = Talk(
        args.name or "",
        tuple(files.values()),
        tuple(files),
        config_from(args, TalkConfig),
        args.out,
    )
    studio = new_studio(args)
    work.require(studio)
    require_writable(args.out.parent)
    finished = carried_out(studio, work, VideoFinished)
    return {
        "video": str(finished.path),
        "seconds_long": round(finished.length, 2),
        "frames": finished.frames,
        "sound": finished.sound,
        "teeth": finished.teeth,
        "notes": list(finished.notes),
        "seconds": finished.seconds,
    }


def demo(args: argparse.Namespace) -> Result:
    require_writable(args.out)
    return run_demo(
        photos=args.photos,
        out=args.out,
        checkpoint=args.checkpoint,
        device=args.device,
        show=console.show,
    )


def ui(args: argparse.Namespace) -> Result:
    """Show the page, with the API beside it where fastapi is installed."""
    studio = new_studio(args)
    jobs = queue_of(studio, "ui")
    jobs.start()
    services = Services(studio, jobs)
    serve(
        services,
        port=args.port,
        open_browser=not args.no_browser,
        beside=partial(_api_beside, services),
    )
    return {"page": "closed"}


def _api_beside(services: Services, ending: Callable[[], bool]) -> dict[str, Any]:
    if find_spec("fastapi") is None:
        return {}
    from facechain_ext.api.app import MOUNT, make_app
    from facechain_ext.api.auth import Open
    from facechain_ext.api.services import ApiServices
    from facechain_ext.ui.live import LivePage

    studio, jobs, page = services.studio, services.jobs, LivePage(services)
    api = ApiServices(studio, jobs, Open(), local_only=True, ending=ending, page=page)
    return {MOUNT: make_app(api)}


def people_list(args: argparse.Namespace) -> Result:
    """List everybody; who cannot be read stands apart, or is the error where there is nobody else.

    Raises the error of a damaged person who is alone.
    """
    library = new_studio(args).library
    people, damaged = library.people(), library.damaged()
    if damaged and not people:
        raise damaged[0].error
    told = [{"slug": who.slug, "problem": str(who.error)} for who in damaged]
    return {
        "people": [_summary(person) for person in people],
        **({"damaged": told} if told else {}),
    }


def _summary(person: Person) -> Result:
    run = person.latest_run
    return {
        "name": person.manifest.name,
        "slug": person.slug,
        "lora": run.lora if run else None,
        "likeness": run.similarity if run else None,
    }


def people_show(args: argparse.Namespace) -> Result:
    studio = new_studio(args)
    person = studio.library.get(args.name)
    manifest = person.manifest
    return {
        "name": manifest.name,
        "trigger_word": manifest.trigger_word,
        "created": manifest.created,
        "attributes": _attributes(manifest.attributes),
        "runs": [_run(run) for run in manifest.runs],
        "schema": manifest.schema,
        "folder": str(person.folder),
        "captions": {path.stem: person.caption(path) for path in person.captions()},
        "stopped_training": _stopped(studio, manifest.name),
    }


def _attributes(attributes: Attributes) -> Result:
    gender = attributes.gender
    return {**asdict(attributes), "gender": gender.value if gender else None}


def _run(run: Run) -> Result:
    attributes = run.attributes
    return {
        **asdict(run),
        "steps": list(run.steps),
        "attributes": _attributes(attributes) if attributes else None,
        "in_a_prompt": f"<lora:{run.prompt_name}:1>",
    }


def _stopped(studio: Studio, name: str) -> Result | None:
    found = studio.resumable(name)
    if found is None:
        return None
    return {
        "run": found.run,
        "step": found.step,
        "of": found.total,
        "checkpoint": found.checkpoint,
        "go_on_with": f"facechain resume --name {shlex.quote(name)}",
    }


def people_rename(args: argparse.Namespace) -> Result:
    studio = new_studio(args)
    person = studio.library.rename(args.name, args.new_name)
    queue_of(studio, "people").renamed(args.name, person.manifest.name)
    return _summary(person)


def people_export(args: argparse.Namespace) -> Result:
    return {"archive": str(new_studio(args).library.export(args.name, args.archive))}


def people_import(args: argparse.Namespace) -> Result:
    return _summary(new_studio(args).import_person(args.archive, args.name or ""))


def people_publish(args: argparse.Namespace) -> Result:
    """Publish a snapshot of an earlier training as a LoRA of its own."""
    lora = new_studio(args).publish(args.name, args.run, args.step, args.lora_name or "")
    return {
        "lora": str(lora.path),
        "in_a_prompt": f"<lora:{lora.alias or lora.name}:1>",
        "trigger_word": lora.trigger_word,
    }


def people_delete(args: argparse.Namespace) -> Result:
    studio = new_studio(args)
    files = studio.library.files(args.name)
    if not args.yes and not _agreed(f"Delete all that is kept about {args.name}?"):
        raise InvalidInput(
            f"Nothing was deleted of {len(files)} files; give --yes to delete without a question."
        )
    return {"deleted": [str(path) for path in queue_of(studio, "people").delete_person(args.name)]}


def jobs_list(args: argparse.Namespace) -> Result:
    """List what waits, runs and has lately ended, and who carries it out."""
    jobs = queue_of(new_studio(args), "jobs")
    holder = jobs.holder()
    return {
        **({"carried_out_by": holder} if holder else {}),
        "jobs": [_job(job) for job in jobs.all()],
    }


def _job(job: Job) -> Result:
    record = job.record
    return {
        "id": record.id,
        "state": record.state.value,
        "title": record.title,
        "progress": round(record.progress, 3),
        "error": record.error or None,
    }


def jobs_cancel(args: argparse.Namespace) -> Result:
    """Cancel jobs by id, or all that wait or run."""
    jobs = queue_of(new_studio(args), "jobs")
    wanted = jobs.active() if args.all else [_found(jobs, job_id) for job_id in args.id]
    for job in reversed(wanted):
        job.cancel()
    return {"jobs": [_job(job) for job in wanted]}


def _found(jobs: Jobs, job_id: str) -> Job:
    job = jobs.get(job_id)
    if job is None:
        raise InvalidInput(f"There is no job {job_id!r}; see facechain jobs list.")
    return job


def models_list(args: argparse.Namespace) -> Result:
    models_dir = new_studio(args).host.paths.models_dir
    return {
        "models": [entry.describe(models_dir) for entry in CATALOG],
        "packages": [_package(package) for package in OPTIONAL],
        "voices": [
            {"name": name, "reads": offer.summary, "state": _readiness(offer.lacking(models_dir))}
            for name, offer in VOICES.items()
        ],
    }


def _readiness(lacking: Sequence[str]) -> str:
    return f"takes {', '.join(lacking)}" if lacking else "ready"


def _package(package: OptionalPackage) -> Result:
    return {
        "name": package.name,
        "purpose": package.purpose,
        "state": "installed" if package.installed else "not installed",
        "size": package.size,
        "licence": package.licence,
    }


def models_download(args: argparse.Namespace) -> Result:
    entry = find(args.id)
    if entry.unusable:
        raise InvalidInput(entry.unusable)
    if not args.yes and not _agreed(f"Fetch {entry.summary}?"):
        raise InvalidInput(f"Not fetched: {entry.summary}. Give --yes to agree to that.")
    path = fetch(entry, new_studio(args).host.paths.models_dir, consent=True)
    return {"id": entry.id, "file": str(path)}


def models_install(args: argparse.Namespace) -> Result:
    """Install an optional package, as the page does."""
    package = find_package(args.package)
    wanted = f"Install {package.summary}?"
    if not package.installed and not args.yes and not _agreed(wanted):
        raise InvalidInput(f"Not installed: {package.summary}. Give --yes to agree to that.")
    return {"package": package.name, "told": install(package, consent=True)}


def styles_list(args: argparse.Namespace) -> Result:
    styles = new_studio(args).styles.values()
    return {"styles": [{"name": s.name, "title": s.title, "prompt": s.prompt} for s in styles]}
