"""`facechain --server URL`: the same commands, carried out there, with the same results."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.events import Event, Stage
from facechain_ext.cli import console, remote_people, remote_photos, remote_styles
from facechain_ext.cli.commands import last_words, verdict
from facechain_ext.cli.control_pictures import read_controls
from facechain_ext.cli.paths import photos_in, require_writable
from facechain_ext.cli.remote_jobs import begun, client_of, given, told, watched
from facechain_ext.cli.streams import agreed
from facechain_ext.cli.templates import cast_of, require_consistent, who_of
from facechain_ext.client import Client, JobOptions
from facechain_ext.client.records import Job, Portrait
from facechain_ext.config import (
    PortraitConfig,
    PrepareConfig,
    TalkConfig,
    TemplateConfig,
    TrainConfig,
)
from facechain_ext.nets.entry import megabytes

Result = dict[str, Any]


def check(args: argparse.Namespace) -> Result:
    prepare, photos = given(args, PrepareConfig), photos_in(args.photos)
    with (
        client_of(args) as client,
        begun(client, lambda options: client.check(photos, prepare, options)) as job,
    ):
        console.show(Stage("check", len(photos)))
        events: Iterable[Event] = watched(client, job)
        if args.json:
            events = console.shown(events)
        return {"photos": [verdict(photo) for photo in last_words(events)]}


def train(args: argparse.Namespace) -> Result:
    prepare, settings = given(args, PrepareConfig), given(args, TrainConfig)
    photos = photos_in(args.photos) if args.photos else []

    def begin(client: Client, options: JobOptions) -> Job:
        return client.train(args.name, photos, settings, prepare, options)

    return _trained(args, begin)


def resume(args: argparse.Namespace) -> Result:
    return _trained(args, lambda client, options: client.resume(args.name, options))


def _trained(args: argparse.Namespace, begin: Callable[[Client, JobOptions], Job]) -> Result:
    with client_of(args) as client, begun(client, lambda options: begin(client, options)) as job:
        _show(client, job)
        done = client.training(job.id)
    return {
        "person": done.job.person,
        "lora": done.lora,
        "trigger_word": done.trigger_word,
        "likeness": done.likeness,
        "from_steps": list(done.steps),
        "seconds": done.seconds,
    }


def _show(client: Client, job: Job) -> None:
    for _ in console.shown(watched(client, job)):
        pass


def portrait(args: argparse.Namespace) -> Result:
    """Make portraits there; --out: save the ranked ones here."""
    settings = {**given(args, PortraitConfig), **read_controls(args)}
    if args.out is not None:
        require_writable(args.out)
    with (
        client_of(args) as client,
        begun(client, lambda options: client.make_portraits(args.name, settings, options)) as job,
    ):
        _show(client, job)
        made = client.portraits(job.id)
        return {
            "person": made.job.person,
            "portraits": [
                {
                    "similarity": each.likeness,
                    "seed": each.seed,
                    "file": _saved(client, job, each, place, args.out),
                    "fusion_note": each.fusion_note,
                }
                for place, each in enumerate(made.portraits, 1)
            ],
            "rejected": [{"reason": p.rejection, "seed": p.seed} for p in made.rejected],
            "notes": list(made.notes),
            "seconds": made.seconds,
        }


def template(args: argparse.Namespace) -> Result:
    """Paint people into a picture there; --out: save the ranked ones here."""
    settings, cast, who = given(args, TemplateConfig), cast_of(args), who_of(args)
    if args.list:
        return _templates(args)
    if args.keep or args.remove:
        raise InvalidInput("A server's templates are added and removed there.")
    require_consistent(args, cast, who)
    if args.look or not (cast or who):
        raise InvalidInput("A server proposes nobody: say with --people 1=ANA who comes where.")
    if args.out is not None:
        require_writable(args.out)
    names = [str(each) for each in args.pictures if not each.exists() and not each.suffix]
    files = [each for each in args.pictures if str(each) not in names]
    pictures = photos_in(files) if files else []

    def begin(client: Client, options: JobOptions) -> Job:
        if args.words is not None:
            return client.draw_template(args.words, who, settings, options)
        return client.make_templates(names, cast, who, settings, pictures, options)

    with client_of(args) as client, begun(client, lambda o: begin(client, o)) as job:
        _show(client, job)
        made = client.portraits(job.id)
        return {
            "pictures": [
                {
                    "similarity": each.likeness,
                    "seed": each.seed,
                    "file": _saved(client, job, each, place, args.out),
                }
                for place, each in enumerate(made.portraits, 1)
            ],
            "rejected": len(made.rejected),
            "notes": list(made.notes),
            "seconds": made.seconds,
        }


def _templates(args: argparse.Namespace) -> Result:
    with client_of(args) as client:
        found = client.templates(" ".join(map(str, args.pictures))).templates
    return {"templates": [vars(each) for each in found]}


def talk(args: argparse.Namespace) -> Result:
    """Let a portrait speak there; the video comes here, in the format that the server writes."""
    if args.words is not None:
        args.text = args.words
    settings = given(args, TalkConfig)
    who = args.name or "", args.portrait
    require_writable(args.out.parent)
    with (
        client_of(args) as client,
        begun(client, lambda o: client.talk(*who, settings, o, args.audio)) as job,
    ):
        _show(client, job)
        made = client.video(job.id)
        out = args.out.with_suffix(Path(made.name or args.out).suffix)
        return {
            "video": str(client.save_video(job.id, out)),
            "seconds_long": round(made.length or 0.0, 2),
            "frames": made.frames,
            "sound": made.sound,
            "teeth": made.teeth,
            "notes": list(made.notes),
            "seconds": made.seconds,
        }


def _saved(client: Client, job: Job, portrait: Portrait, place: int, out: Path | None) -> str:
    """Save a picture beside those that are there; without a folder, return its address."""
    if out is None:
        return portrait.link
    out.mkdir(parents=True, exist_ok=True)
    stem = f"{place:02d}-{portrait.seed}"
    names = (f"{stem}.png" if number == 1 else f"{stem}-{number}.png" for number in count(1))
    path = out / next(name for name in names if not (out / name).exists())
    return str(client.save_picture(job.id, portrait.name, path))


def jobs_list(args: argparse.Namespace) -> Result:
    with client_of(args) as client:
        return {"jobs": [told(job) for job in reversed([*_jobs(client, "any")])]}


def jobs_cancel(args: argparse.Namespace) -> Result:
    with client_of(args) as client:
        wanted = [job.id for job in _jobs(client, "active")] if args.all else args.id
        return {"jobs": [told(client.cancel(job_id)) for job_id in wanted]}


def _jobs(client: Client, state: str) -> Iterator[Job]:
    """Yield jobs, newest first."""
    page = client.jobs(state)
    yield from page.jobs
    while page.next:
        page = client.jobs(state, before=page.next)
        yield from page.jobs


def models_list(args: argparse.Namespace) -> Result:
    kept = ("id", "role", "state", "size", "licence", "origin", "package")
    with client_of(args) as client:
        models = client.models().models
    rows = [{**vars(model), "size": megabytes(model.disk_bytes)} for model in models]
    return {"models": [{name: row[name] for name in kept} for row in rows]}


def models_download(args: argparse.Namespace) -> Result:
    with client_of(args) as client:
        entry = next((each for each in client.models().models if each.id == args.id), None)
        if entry is None:
            raise InvalidInput(f"There is no net {args.id!r} there; see facechain models list.")
        what = f"{entry.role}, {megabytes(entry.download_bytes)}, {entry.licence}"
        if not args.yes and not agreed(f"Have {args.server} fetch {what}?"):
            raise InvalidInput(f"Not fetched: {what}. Give --yes to agree to that.")
        fetched = client.download_model(entry.id, consent=True)
        return {"id": fetched.id, "state": fetched.state}


def styles_list(args: argparse.Namespace) -> Result:
    with client_of(args) as client:
        styles = client.styles().styles
    return {"styles": [{"name": s.name, "title": s.title, "prompt": s.prompt} for s in styles]}


_OWN = (
    check, train, resume, portrait, template, talk, jobs_list, jobs_cancel,
    models_list, models_download, styles_list,
)  # fmt: skip
_ALL = (*_OWN, *remote_people.COMMANDS, *remote_photos.COMMANDS, *remote_styles.COMMANDS)
COMMANDS = {command.__name__: command for command in _ALL}
"""What a server can be asked for, by the name of the function that does it here."""
