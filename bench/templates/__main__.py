"""Put people of a library into group pictures of strangers, and measure what comes out.

    python -m bench.templates --people PHOTOS/lfw250 --out RUN

Every person's training and every picture is kept in --out, so a run that was stopped goes on.
Once everybody is trained, several processes can share the pictures: --share 0/4, --share 1/4 ...
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import time
from collections.abc import Sequence
from pathlib import Path

from bench.second_embedder import second_embedder
from bench.templates.groups import group
from bench.templates.measure import FaceEmbedder, Facts, mean_of, measure
from bench.templates.report import to_markdown
from facechain_ext.base.errors import FaceChainError, NoPortraitFound
from facechain_ext.base.events import PortraitsFinished
from facechain_ext.base.records import Embedding, Photo
from facechain_ext.config import PrepareConfig, TemplateConfig, TrainConfig
from facechain_ext.config.flags import add_config_flags, config_from
from facechain_ext.imaging.files import encode_png, list_photos, read_photo, write_atomic
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.casting import Cast, Sitter, propose
from facechain_ext.portrait.numbered import NumberedFace
from facechain_ext.standalone.diffusers_host import DiffusersHost
from facechain_ext.studio.studio import Studio
from facechain_ext.studio.uploads import read_uploads

logger = logging.getLogger("bench.templates")

BATCH = 2
COMPARED = 3
"""Photos of everybody that a new face is compared with."""

PHOTOS = 5
"""That a person is trained on; the others are kept back to compare with."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, put together, exchange, measure, report."""
    args = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    everybody = {folder.name: list_photos(folder) for folder in sorted(args.people.iterdir())}
    chosen = args.names or sorted(everybody)[: args.trained]
    studio = Studio(DiffusersHost(args.out / "data", args.checkpoint), FaceNets())
    for name in chosen:
        _train(studio, name, everybody[name][:PHOTOS], args.train_steps)
    strangers = {name: photos for name, photos in everybody.items() if name not in chosen}
    embedders: dict[str, FaceEmbedder] = {"sface": studio.nets.embedder}
    if (second := second_embedder()) is not None:
        embedders["dlib"] = second
    known = _known(everybody, chosen, embedders, studio.nets)
    config = config_from(args, TemplateConfig, seed=1)
    for number in range(args.groups)[_share(args.share)]:
        path = args.out / "pictures" / f"{number:03d}.json"
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            photo, _ = group(number, strangers)
            facts = _exchanged(studio, photo, number, chosen, config, known, embedders, path)
            write_atomic(path, json.dumps(facts, indent=1).encode())
    done = [
        json.loads(p.read_text("utf-8")) for p in sorted((args.out / "pictures").glob("*.json"))
    ]
    print(to_markdown(done, trained=len(chosen), steps=args.train_steps, known=len(everybody)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.templates", description=__doc__)
    parser.add_argument("--people", type=Path, required=True, help="a folder of folders of photos")
    parser.add_argument("--out", type=Path, required=True, help="everything is kept here")
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--trained", type=int, default=8, help="how many people are trained")
    parser.add_argument("--names", nargs="*", help="who, instead of the first of them")
    parser.add_argument("--train-steps", type=int, help="default: the product's own")
    parser.add_argument("--groups", type=int, default=40)
    parser.add_argument("--share", default="0/1", help="of the pictures, K of N from 0 on")
    add_config_flags(parser, TemplateConfig)
    return parser


def _share(text: str) -> slice:
    first, each = map(int, text.split("/"))
    return slice(first, None, each)


def _train(studio: Studio, name: str, photos: list[Path], steps: int | None) -> None:
    known = {person.manifest.name: person for person in studio.library.people()}
    if name in known and known[name].latest_run is not None:
        return
    logger.info("training %s", name)
    prepare = PrepareConfig(size=256)
    train = TrainConfig(max_train_steps=steps, train_batch_size=BATCH)
    for _ in studio.train_person(name, read_uploads(photos, prepare), prepare, train):
        pass


def _known(
    everybody: dict[str, list[Path]],
    chosen: Sequence[str],
    embedders: dict[str, FaceEmbedder],
    nets: FaceNets,
) -> dict[str, dict[str, Embedding]]:
    """Return everybody's mean embedding by embedder: of kept-back photos, for who was trained."""
    means: dict[str, dict[str, Embedding]] = {label: {} for label in embedders}
    for name, photos in everybody.items():
        kept = photos[PHOTOS:] if name in chosen else photos
        read = [read_photo(path).pixels for path in kept[:COMPARED]]
        shown = [(pixels, faces[0]) for pixels in read if (faces := nets.detector.detect(pixels))]
        for label, embedder in embedders.items():
            means[label][name] = mean_of([embedder.embed(*pair) for pair in shown])
    return means


def _cast(studio: Studio, faces: list[NumberedFace], number: int, names: Sequence[str]) -> Cast:
    """Propose some of the people for a picture; of three faces and more one stays as it is."""
    chance = random.Random(number)
    most = max(1, len(faces) - (len(faces) > 2))
    people = [
        studio.library.get(name) for name in chance.sample(list(names), min(most, len(names)))
    ]
    return propose(
        faces,
        [Sitter(p.manifest.name, p.manifest.attributes, p.load_instances()) for p in people],
    )


def _exchanged(
    studio: Studio,
    photo: Photo,
    number: int,
    names: Sequence[str],
    config: TemplateConfig,
    known: dict[str, dict[str, Embedding]],
    embedders: dict[str, FaceEmbedder],
    path: Path,
) -> Facts:
    """Make one picture and measure it; what the product refuses is told with its sentence."""
    begun, finished = time.perf_counter(), None
    try:
        faces = studio.templates.look(photo)
        cast = _cast(studio, faces, number, names)
        for event in studio.templates.make(photo, cast, config):
            finished = event if isinstance(event, PortraitsFinished) else finished
    except NoPortraitFound as error:
        logger.warning("%s: %s", photo.name, error)
    except FaceChainError as error:
        return {"refused": str(error)}
    assert finished is not None
    whole = (*finished.ranked, *finished.rejected)[0].pixels
    seconds = time.perf_counter() - begun
    write_atomic(path.with_suffix(".png"), encode_png(whole))
    write_atomic(path.with_name(f"{path.stem}-before.png"), encode_png(photo.pixels))
    facts = measure(photo.pixels, whole, faces, cast, known, embedders, studio.nets)
    logger.info("%s: %d of %d faces in %.0f s", photo.name, len(cast), len(faces), seconds)
    return {**facts, "seconds": seconds, "all": len(faces), "ranked": bool(finished.ranked)}


if __name__ == "__main__":
    main()
