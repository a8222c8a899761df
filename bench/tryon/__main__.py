"""Put garments on people who were photographed in others, and measure what comes out.

    python -m bench.tryon --people PHOTOS/london_ccby --out RUN

Each person gets the dyed shirt of another and one that is drawn flat; no checkpoint is needed.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from bench.tryon.garments import PAINTS, dyed, flat
from bench.tryon.measure import Facts, measure
from bench.tryon.report import to_markdown
from bench.tryon.sheet import sheet
from facechain_ext.base.errors import FaceChainError
from facechain_ext.base.records import Mask, Photo, Pixels
from facechain_ext.imaging.files import encode_jpeg, list_photos, read_photo, resize, write_atomic
from facechain_ext.nets import FaceNets
from facechain_ext.tryon.dress import dress
from facechain_ext.tryon.figure import read_figure
from facechain_ext.tryon.garment import read_garment

logger = logging.getLogger("bench.tryon")

_TILE, _ACROSS = 200, 3
_AWAY = 5
"""From whom the shirt comes: the fifth after each person."""

Pair = tuple[Photo, Photo, Mask | None]


def main(arguments: Sequence[str] | None = None) -> None:
    """Dress, measure, report; the pictures and a sheet of them are kept in --out."""
    parser = argparse.ArgumentParser(prog="python -m bench.tryon", description=__doc__)
    parser.add_argument("--people", type=Path, required=True, help="a folder of folders of photos")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--side", type=int, default=1350, help="longer side of the photos")
    args = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    nets, done, rows = FaceNets(), [], []
    args.out.mkdir(parents=True, exist_ok=True)
    for photo, picture, alpha in pairs(args.people, args.side, nets):
        facts, worn = _dressed(photo, picture, alpha, nets)
        done.append(facts)
        rows.append(_row((photo.pixels, picture.pixels, worn)))
        logger.info("%s", facts)
    write_atomic(args.out / "sheet.jpg", encode_jpeg(sheet(rows, _ACROSS)))
    print(to_markdown(done))


def pairs(people: Path, side: int, nets: FaceNets) -> Iterator[Pair]:
    """Yield each person's photo with a garment's picture, worn ones first."""
    folders = sorted(folder for folder in people.iterdir() if folder.is_dir())
    photos = [_photo(list_photos(folder)[0], folder.name, side) for folder in folders]
    paints = [*PAINTS]
    for number, photo in enumerate(photos):
        worn = photos[(number + _AWAY) % len(photos)]
        yield photo, dyed(worn, paints[number % len(paints)], nets), None
    for number, photo in enumerate(photos):
        yield photo, *flat(number)


def _photo(path: Path, name: str, side: int) -> Photo:
    pixels = read_photo(path).pixels
    share = min(1.0, side / max(pixels.shape[:2]))
    width, height = (round(share * length) for length in pixels.shape[1::-1])
    return Photo(name, resize(pixels, (width, height)))


def _dressed(
    photo: Photo, picture: Photo, alpha: Mask | None, nets: FaceNets
) -> tuple[Facts, Pixels]:
    name, begun = f"{picture.name}, put on {photo.name}", time.perf_counter()
    try:
        figure = read_figure(photo, nets)
        garment = read_garment(picture, alpha, nets)
        dressed = dress(figure, garment)
    except FaceChainError as error:
        return {"name": name, "refused": str(error)}, np.zeros_like(photo.pixels)
    seconds = time.perf_counter() - begun
    facts = measure(figure, garment, dressed, nets)
    return {"name": name, **facts, "seconds": seconds}, dressed.pixels


def _row(pictures: Sequence[Pixels]) -> Pixels:
    return np.concatenate([resize(pixels, (_TILE, _TILE)) for pixels in pictures], axis=1)


if __name__ == "__main__":
    main()
