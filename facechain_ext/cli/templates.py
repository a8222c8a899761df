"""The command that paints people into a picture that exists."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.events import PortraitsFinished
from facechain_ext.base.records import Portrait
from facechain_ext.cli import flag_names
from facechain_ext.cli.commands import carried_out, new_studio
from facechain_ext.cli.paths import path, require_writable
from facechain_ext.config import TemplateConfig
from facechain_ext.config.flags import add_config_flags, config_from
from facechain_ext.imaging.still import read_still
from facechain_ext.jobs.template_work import MakeTemplate
from facechain_ext.portrait.casting import Cast, read_cast
from facechain_ext.portrait.numbered import NumberedFace

Result = dict[str, Any]


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
    add_config_flags(parser, TemplateConfig, flag_names.DRAWING)


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
    work = MakeTemplate.of(args.picture, settled, config, args.out)
    finished = carried_out(studio, work, PortraitsFinished)
    return {
        "faces": _faces(faces, settled),
        "pictures": [
            saved(portrait, file)
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


def saved(portrait: Portrait, file: Path) -> Result:
    """Tell of a picture; similarity: of the least alike person."""
    return {"similarity": portrait.score.similarity, "seed": portrait.seed, "file": str(file)}
