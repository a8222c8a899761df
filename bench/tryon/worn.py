"""Put trained people into pictures of others in dyed clothes, and measure what was kept.

    python -m bench.tryon.worn --people PHOTOS/london_ccby --out RUN

Everybody is trained on the first of their photos and compared with the second; what is made is kept
in --out, so a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from bench.second_embedder import second_embedder
from bench.templates.measure import FaceEmbedder, Facts
from bench.tryon.garments import PAINTS, dyed
from bench.tryon.measure import psnr
from bench.tryon.report import worn_table
from bench.tryon.sheet import sheet
from facechain_ext.base.errors import FaceChainError, NoPortraitFound
from facechain_ext.base.events import PortraitsFinished
from facechain_ext.base.records import Embedding, Photo, Pixels
from facechain_ext.config import PrepareConfig, TrainConfig, TryOnConfig
from facechain_ext.config.flags import add_config_flags, config_from
from facechain_ext.imaging.files import (
    decode,
    encode_jpeg,
    encode_png,
    list_photos,
    read_photo,
    resize,
    write_atomic,
)
from facechain_ext.imaging.masks import erode
from facechain_ext.nets import FaceNets
from facechain_ext.standalone.diffusers_host import DiffusersHost
from facechain_ext.studio.outfit import Outfit
from facechain_ext.studio.studio import Studio
from facechain_ext.studio.uploads import read_uploads
from facechain_ext.tryon.garment import read_garment

logger = logging.getLogger("bench.tryon.worn")

_TILE, _ACROSS = 200, 4
_EDGE = 8
"""Pixels from a garment's edge that the blend may reach."""

_APART = (2, 4, 5, 7, 9)
"""From whom the clothes come: these after each person."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, put in, measure, report; pictures and a sheet of them are kept in --out."""
    args = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    folders = sorted(folder for folder in args.people.iterdir() if folder.is_dir())
    studio = Studio(DiffusersHost(args.out / "data"), FaceNets())
    for folder in folders[: args.trained]:
        _train(studio, folder, args.train_steps)
    embedders: dict[str, FaceEmbedder] = {"sface": studio.nets.embedder}
    if (second := second_embedder()) is not None:
        embedders["dlib"] = second
    known = {
        label: {f.name: _embedding(list_photos(f)[-1], one, studio.nets) for f in folders}
        for label, one in embedders.items()
    }
    config = config_from(args, TryOnConfig, way="worn", seed=1)
    for name, picture, path in _pairs(args, folders, studio.nets):
        if not path.exists():
            facts, made = _worn(studio, picture, name, config, embedders, known)
            write_atomic(path.with_suffix(".png"), encode_png(np.hstack([picture.pixels, made])))
            write_atomic(path, json.dumps(facts, indent=1).encode())
            logger.info("%s: %s", name, facts)
    write_atomic(args.out / "sheet.jpg", encode_jpeg(_sheet(args.out)))
    made_of = sorted((args.out / "pairs").glob("*.json"))
    print(worn_table([json.loads(path.read_text("utf-8")) for path in made_of]))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.tryon.worn", description=__doc__)
    parser.add_argument("--people", type=Path, required=True, help="a folder of folders of photos")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--trained", type=int, default=4, help="how many people are trained")
    parser.add_argument("--train-steps", type=int, help="default: the product's own")
    parser.add_argument("--side", type=int, default=640, help="longer side of the pictures")
    add_config_flags(parser, TryOnConfig)
    return parser


def _train(studio: Studio, folder: Path, steps: int | None) -> None:
    known = {person.manifest.name: person for person in studio.library.people()}
    if folder.name in known and known[folder.name].latest_run is not None:
        return
    logger.info("training %s", folder.name)
    prepare = PrepareConfig(size=256)
    photos = read_uploads(list_photos(folder)[:1], prepare)
    train = TrainConfig(max_train_steps=steps, train_batch_size=2)
    for _ in studio.train_person(folder.name, photos, prepare, train):
        pass


def _embedding(path: Path, embedder: FaceEmbedder, nets: FaceNets) -> Embedding:
    pixels = read_photo(path).pixels
    return embedder.embed(pixels, nets.detector.detect(pixels)[0])


def _pairs(
    args: argparse.Namespace, folders: Sequence[Path], nets: FaceNets
) -> Iterator[tuple[str, Photo, Path]]:
    """Yield each trained person's name, somebody else in dyed clothes, and where facts go."""
    paints, number = [*PAINTS], 0
    (args.out / "pairs").mkdir(parents=True, exist_ok=True)
    for place, folder in enumerate(folders[: args.trained]):
        for away in _APART:
            other = folders[(place + away) % len(folders)]
            pixels = read_photo(list_photos(other)[0]).pixels
            share = min(1.0, args.side / max(pixels.shape[:2]))
            size = (round(share * pixels.shape[1]), round(share * pixels.shape[0]))
            photo = Photo(other.name, resize(pixels, size))
            picture = dyed(photo, paints[number % len(paints)], nets)
            yield folder.name, picture, args.out / "pairs" / f"{number:02d}.json"
            number += 1


def _worn(
    studio: Studio,
    picture: Photo,
    name: str,
    config: TryOnConfig,
    embedders: dict[str, FaceEmbedder],
    known: dict[str, dict[str, Embedding]],
) -> tuple[Facts, Pixels]:
    """Make one picture and measure it; what the product refuses is told with its sentence."""
    begun, finished = time.perf_counter(), None
    try:
        garment = read_garment(picture, None, studio.nets)
        for event in studio.try_on.make(Outfit(picture, person=name), config):
            finished = event if isinstance(event, PortraitsFinished) else finished
    except NoPortraitFound as error:
        logger.warning("%s: %s", picture.name, error)
    except FaceChainError as error:
        return {"name": picture.name, "refused": str(error)}, np.zeros_like(picture.pixels)
    assert finished is not None
    made = (*finished.ranked, *finished.rejected)[0].pixels
    cloth = erode((garment.mask > 0.5).astype(np.float32), _EDGE)
    face = studio.nets.detector.detect(made)[0]
    likeness = {}
    for label, embedder in embedders.items():
        alike = {n: float(embedder.embed(made, face) @ e) for n, e in known[label].items()}
        nearest = max(alike, key=lambda one: alike[one])
        likeness[label] = {"similarity": alike[name], "nearest": nearest == name}
    return {
        "name": f"{name} as {picture.name}",
        "psnr": psnr(picture.pixels, made, cloth),
        "changed": int(((made != picture.pixels).any(axis=2) & (cloth > 0.5)).sum()),
        "ranked": bool(finished.ranked),
        "seconds": time.perf_counter() - begun,
        **likeness,
    }, made


def _sheet(out: Path) -> Pixels:
    """Lay pairs of picture and outcome out, four beside each other."""
    tiles = [
        resize(decode(path.read_bytes(), name=path.name), (2 * _TILE, _TILE))
        for path in sorted((out / "pairs").glob("*.png"))
    ]
    return sheet(tiles, _ACROSS)


if __name__ == "__main__":
    main()
