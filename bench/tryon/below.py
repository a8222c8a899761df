"""Put trousers, shorts and skirts on people who stand, and measure what comes out.

    python -m bench.tryon.below --people PHOTOS --garments PICTURES --out RUN

Each photo gets the next picture in turn, and parts of pictures that are named with @FROM-TO in
--crop (shares of a height): jeans@0-0.5 for shorts, gown@0.4-1 for the skirt of a dress.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.tryon.measure import Facts, apart
from bench.tryon.report import below_table
from bench.tryon.sheet import sheet
from facechain_ext.base.errors import FaceChainError
from facechain_ext.base.records import Photo, Pixels
from facechain_ext.imaging.files import encode_jpeg, list_photos, read_photo, resize, write_atomic
from facechain_ext.imaging.masks import dilate, erode
from facechain_ext.nets import FaceNets
from facechain_ext.tryon.dress import Dressed, dress
from facechain_ext.tryon.figure import Figure, read_figure
from facechain_ext.tryon.garment import Garment, exact_outline, of_strips, read_garment

logger = logging.getLogger("bench.tryon.below")

_TILE, _ACROSS = 480, 4
_INSIDE, _NEAR = 0.06, 0.15
"""How far from its edge a garment's inside begins, and from the body it may stand off, in face
heights."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Dress, measure, report; a sheet of the pictures is kept in --out."""
    parser = argparse.ArgumentParser(prog="python -m bench.tryon.below", description=__doc__)
    for name in ("people", "garments", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--crop", nargs="*", default=[], help="NAME@FROM-TO")
    args = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    nets, done, tiles = FaceNets(), [], []
    args.out.mkdir(parents=True, exist_ok=True)
    garments = [read_photo(path) for path in list_photos(args.garments)]
    asked = _asked(garments, args.crop)
    for number, path in enumerate(list_photos(args.people)):
        picture, crop = asked[number % len(asked)]
        facts, pixels = _dressed(read_photo(path), picture, crop, nets)
        logger.info("%s", facts)
        done.append(facts)
        tiles.append(_tile(pixels))
    write_atomic(args.out / "sheet.jpg", encode_jpeg(sheet(tiles, _ACROSS)))
    print(below_table(done))


def _asked(garments: Sequence[Photo], crops: Sequence[str]) -> list[tuple[Photo, str]]:
    """Return every picture whole, and again for each crop; a skirt's alone without the rest."""
    named = [crop.partition("@")[::2] for crop in crops]
    skirts = [name for name, part in named if not part.startswith("0-")]
    whole = [(photo, "") for photo in garments if not photo.name.startswith(tuple(skirts))]
    parts = [(photo, part) for name, part in named for photo in garments if name in photo.name]
    return whole + parts


def _dressed(photo: Photo, picture: Photo, crop: str, nets: FaceNets) -> tuple[Facts, Pixels]:
    name, begun = f"{picture.name} {crop}, put on {photo.name}", time.perf_counter()
    try:
        figure = read_figure(photo, nets)
        garment = _cropped(read_garment(picture, None, nets), crop)
        dressed = dress(figure, garment)
    except FaceChainError as error:
        return {"name": name, "refused": str(error)}, photo.pixels
    seconds = time.perf_counter() - begun
    facts = measure_below(figure, garment, dressed)
    return {"name": name, **facts, "seconds": seconds}, dressed.pixels


def _cropped(garment: Garment, crop: str) -> Garment:
    """Make shorts of trousers, or a skirt of a dress."""
    if not crop:
        return garment
    mask = exact_outline(garment.mask, garment.pixels)
    rows = np.flatnonzero((mask > 0.5).any(axis=1))
    first, last = (round(rows[0] + float(share) * len(rows)) for share in crop.split("-"))
    mask[:first], mask[last:] = 0, 0
    return of_strips(Photo(garment.name, garment.pixels), mask)


def measure_below(figure: Figure, garment: Garment, dressed: Dressed) -> Facts:
    """Return the figures of one picture."""
    margin = max(2, round(_INSIDE * figure.unit))
    changed = (dressed.pixels != figure.pixels).any(axis=2)
    shown = dressed.alpha > 0.5
    near = dilate((figure.matte > 0.5).astype(np.float32), max(2, round(_NEAR * figure.unit)))
    worn, given = erode(dressed.alpha, margin), erode(garment.mask, margin)
    return {
        "lab": apart(dressed.pixels, worn, garment.pixels, given),
        "outside": float((shown & (figure.matte < 0.5)).sum() / max(shown.sum(), 1)),
        "far": float((shown & (near == 0)).sum() / max(shown.sum(), 1)),
        "elsewhere": int((changed & (dressed.alpha == 0)).sum()),
        "face": int((changed & (figure.parts.face_skin > 0.5)).sum()),
        "notes": list(dressed.notes),
    }


def _tile(pixels: Pixels) -> Pixels:
    scale = _TILE / len(pixels)
    small = resize(pixels, (min(_TILE, round(pixels.shape[1] * scale)), _TILE))
    tile: Pixels = np.full((_TILE, _TILE, 3), 255, np.uint8)
    tile[:, : small.shape[1]] = small
    return tile


if __name__ == "__main__":
    main()
