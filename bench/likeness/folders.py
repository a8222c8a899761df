"""How alike the portraits in folders are, as the bench reads it; to compare where they were drawn.

    python -m bench.likeness.folders PHOTOS FOLDER...

PHOTOS: those of one person; all but the first five that can be used are compared with, so a
training is to have had these five. One line for each folder of PNG files, with its subfolders.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench.likeness.figures import reference
from bench.likeness.measure import Embeddings, embed_all, first_face
from bench.likeness.people import CROPS, HELD_BACK, load_instances, prepare_person
from facechain_ext.base.records import Embedding, Pixels
from facechain_ext.imaging.files import read_photo
from facechain_ext.nets import FaceNets


def main() -> None:
    """Print pictures, faces, mean and standard deviation of the similarity for each folder."""
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    photos, *folders = map(Path, sys.argv[1:])
    nets = FaceNets()
    own = held_back(photos, nets)
    for folder in folders:
        pictures = [read(path) for path in sorted(folder.rglob("*.png"))]
        print(f"{folder}: {told(embed(pictures, nets), own)}")


def held_back(photos: Path, nets: FaceNets) -> Embedding:
    """Return the normalised mean of the photos that no training is to have seen."""
    with TemporaryDirectory() as out:
        if not prepare_person(photos, Path(out), nets):
            sys.exit(f"{photos} has too few photos that can be used")
        instances = load_instances(Path(out), photos.name, HELD_BACK)
    own: Embedding = reference(embed([instance.pixels for instance in instances], nets))
    return own


def told(embeddings: Embeddings, own: Embedding) -> str:
    """Say how alike pictures are; one without a face counts 0."""
    alike = np.nan_to_num(embeddings @ own)
    faces = int((~np.isnan(embeddings[:, 0])).sum())
    return f"{len(alike)} pictures, {faces} with a face, {alike.mean():.3f} ± {alike.std():.3f}"


def embed(pictures: list[Pixels], nets: FaceNets) -> Embeddings:
    return embed_all(nets.embedder, pictures, [first_face(picture, nets) for picture in pictures])


def read(path: Path) -> Pixels:
    return read_photo(path, max_megapixels=CROPS.max_megapixels).pixels


if __name__ == "__main__":
    main()
