"""The command that paints people into a picture that exists."""

from __future__ import annotations

import argparse
from typing import Any

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.events import PortraitsFinished
from facechain_ext.base.records import Portrait
from facechain_ext.cli import console
from facechain_ext.cli.commands import new_studio, queue_of
from facechain_ext.cli.interrupt import stopping
from facechain_ext.cli.paths import path, require_writable
from facechain_ext.config import TemplateConfig
from facechain_ext.config.flags import add_config_flags, config_from
from facechain_ext.imaging.still import read_still
from facechain_ext.jobs.template_work import MakeTemplate
from facechain_ext.portrait.casting import Cast, read_cast
from facechain_ext.portrait.numbered import NumberedFace

Result = dict[str, Any]
FLAGS = {"count": "-n/--count", "negative_prompt": "--negative", "sampler_name": "--sampler"}


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("picture", type=path, metavar="PICTURE", help="the template")
    parser.add_argument(
        "--people",
        metavar="1=ANA,2=BEN",
        help="who comes on which face, numbered from the left (default: whoever fits)",
    )
    parser.add_argument("--out", type=path, help="folder for the pictures")
    parser.add_argument(
        "--look", action="store_true", help="only tell the faces and who is proposed for them"
    )
    add_config_flags(parser, TemplateConfig, FLAGS)


def _cast(args: argparse.Namespace) -> Cast:
    """Read who is named; raises InvalidInput where --people is there and names nobody."""
    if args.people is None:
        return {}
    cast = read_cast(args.people)
    if not cast:
        raise InvalidInput("--people names nobody: write 1=ANA,2=BEN, or leave it out.")
    return cast


def template(args: argparse.Namespace) -> Result:
    """Paint, and save; what can be found out before is found out before."""
    config, cast = config_from(args, TemplateConfig), _cast(args)
    studio, photo = new_studio(args), read_still(args.picture)
    if args.look:
        seen = studio.templates.look(photo)
        return {"faces": _faces(seen, cast or studio.templates.propose(seen))}
    faces, settled = studio.templates.checked(photo, cast, config)
    require_writable(args.out or studio.host.paths.output_dir)
    work, finished = MakeTemplate.of(args.picture, settled, config, args.out), None
    with stopping(studio.host):
        for event in console.shown(queue_of(studio, "template").run_here(work)):
            finished = event if isinstance(event, PortraitsFinished) else finished
    assert finished is not None
    return {
        "faces": _faces(faces, settled),
        "pictures": [
            _saved(portrait, str(file))
            for portrait, file in zip(finished.ranked, finished.saved, strict=True)
        ],
        "rejected": len(finished.rejected),
        "notes": list(finished.notes),
        "seconds": finished.seconds,
    }


def _faces(faces: list[NumberedFace], cast: Cast) -> list[Result]:
    return [
        {
            "face": face.number,
            "person": cast.get(face.number),
            "box": [round(value) for value in face.face.box],
            "gender": face.attributes.gender.value if face.attributes.gender else None,
            "age": None if face.attributes.age is None else round(face.attributes.age),
        }
        for face in faces
    ]


def _saved(portrait: Portrait, file: str) -> Result:
    """similarity: of the least alike person."""
    return {"similarity": portrait.score.similarity, "seed": portrait.seed, "file": file}
