"""The command that paints people into pictures that exist, or that are drawn from words."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.events import PortraitsFinished
from facechain_ext.base.records import Portrait
from facechain_ext.cli import flag_names, template_gallery
from facechain_ext.cli.here import carried_out, new_studio
from facechain_ext.cli.paths import path, photos_in, require_writable
from facechain_ext.config import TemplateConfig
from facechain_ext.config.flags import add_config_flags, config_from
from facechain_ext.jobs.template_work import MakeTemplate
from facechain_ext.portrait.casting import Cast, read_cast
from facechain_ext.portrait.numbered import NumberedFace
from facechain_ext.studio.studio import Studio
from facechain_ext.studio.templates import Templates

Result = dict[str, Any]


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "pictures",
        nargs="*",
        type=path,
        metavar="PICTURE",
        help="templates: files, folders, or names that --list shows",
    )
    parser.add_argument(
        "--people",
        metavar="1=ANA,2=BEN",
        help="who comes on which face, numbered from the left (default: who came there last, or "
        "whoever fits)",
    )
    parser.add_argument(
        "--who", metavar="ANA,BEN", help="who comes in, each on the face that fits best"
    )
    parser.add_argument(
        "--words", metavar="TEXT", help="draw a picture of these words, and paint --who into it"
    )
    parser.add_argument("--out", type=path, help="folder for the pictures")
    parser.add_argument(
        "--look", action="store_true", help="only tell the faces and who is proposed for them"
    )
    template_gallery.add_flags(parser)
    add_config_flags(parser, TemplateConfig, flag_names.DRAWING)


def template(args: argparse.Namespace) -> Result:
    """Paint, and save; what can be found out before is found out before."""
    config, cast, who = config_from(args, TemplateConfig), cast_of(args), who_of(args)
    if template_gallery.is_asked(args):
        return template_gallery.carried_out(args, new_studio(args).templates)
    require_consistent(args, cast, who)
    studio = new_studio(args)
    if args.words is not None:
        work = MakeTemplate.from_words(args.words, who, config, args.out)
        work.require(studio)
        return _painted(studio, work, args.out, [])
    chosen = [_looked(studio.templates, picture, cast, who, config, args.look)
              for picture in pictures_of(args.pictures, studio.templates)]  # fmt: skip
    faces = [face for _, faces, settled in chosen for face in _faces(faces, settled)]
    if args.look:
        return {"faces": faces}
    orders = [(picture, settled) for picture, _, settled in chosen]
    return _painted(studio, MakeTemplate.of_all(orders, config, args.out), args.out, faces)


def require_consistent(args: argparse.Namespace, cast: Cast, who: Sequence[str]) -> None:
    """Raise InvalidInput for flags that say nothing together."""
    if cast and who:
        raise InvalidInput("Say who comes where with --people, or who comes in with --who.")
    if args.words is not None and (args.pictures or cast or args.look):
        raise InvalidInput(
            "--words draws the picture itself: give neither pictures nor --people nor --look, but "
            "--who ANA,BEN."
        )
    if args.words is None and not args.pictures:
        raise InvalidInput("Name a picture or a template of --list, or say --words what to draw.")


def cast_of(args: argparse.Namespace) -> Cast:
    """Read who is named; raises InvalidInput where --people is there and names nobody."""
    if args.people is None:
        return {}
    cast = read_cast(args.people)
    if not cast:
        raise InvalidInput("--people names nobody: write 1=ANA,2=BEN, or leave it out.")
    return cast


def who_of(args: argparse.Namespace) -> list[str]:
    """Read who comes in; raises InvalidInput where --who is there and names nobody."""
    names = [name.strip() for name in (args.who or "").split(",")]
    if args.who is not None and not all(names):
        raise InvalidInput("--who names nobody between two commas: write ANA,BEN.")
    return [name for name in names if name]


def pictures_of(arguments: Sequence[Path], templates: Templates) -> list[Path]:
    """Return files, those of folders and those of templates by name, each once."""
    known, found = templates.gallery.now(), list[Path]()
    for argument in arguments:
        if not argument.exists() and str(argument) in known:
            found.append(known[str(argument)].picture)
        elif not argument.exists() and argument.suffix == "" and len(argument.parts) == 1:
            templates.gallery.get(str(argument))  # which tells what is called alike
        else:
            found += photos_in([argument])
    return [*dict.fromkeys(found)]


def _looked(
    templates: Templates,
    picture: Path,
    cast: Cast,
    who: Sequence[str],
    config: TemplateConfig,
    only_look: bool,
) -> tuple[Path, list[NumberedFace], Cast]:
    photo = templates.read(picture)
    if who:
        cast = templates.seat(photo, who)
    if only_look:
        seen = templates.look(photo)
        return picture, seen, cast or templates.suggest(photo, seen)
    faces, settled = templates.checked(photo, cast, config)
    return picture, faces, settled


def _painted(studio: Studio, work: MakeTemplate, out: Path | None, faces: list[Result]) -> Result:
    require_writable(out or studio.host.paths.output_dir)
    finished = carried_out(studio, work, PortraitsFinished)
    return {
        "faces": faces,
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
