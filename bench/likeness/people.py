"""The bench's people: five photos to train on, the rest kept back to compare with."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Instance, Photo
from facechain_ext.config import PrepareConfig
from facechain_ext.dataset.prepare import prepare
from facechain_ext.dataset.review import review
from facechain_ext.imaging.files import read_photo
from facechain_ext.library.people import PeopleLibrary, slugify
from facechain_ext.nets import FaceNets

logger = logging.getLogger(__name__)

TRAINED, HELD_BACK = "trained", "held_back"
"""Folders of crops; no training sees those of the second."""

COUNT = 5
"""Photos that a LoRA is trained on."""

CROPS = PrepareConfig(size=256)
"""Smaller crops than the product's: enough for a checkpoint of 192 pixels, quicker to carry."""

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def prepare_person(photos: Path, out: Path, nets: FaceNets, *, count: int = COUNT) -> bool:
    """Judge one person's photos and keep the crops under out; False when too few are usable.

    count: photos that a LoRA may be trained on; the others are kept back.
    """
    name = photos.name
    if (out / HELD_BACK / slugify(name)).is_dir():
        return True
    judged = review(prepare(_read(photos), CROPS, nets))
    usable = [photo for photo in judged if photo.instance is not None]
    # Judged anew without the others, so that nothing of the kept-back photos is known.
    trained = [p.instance for p in review(usable[:count]) if p.instance is not None]
    held_back = [p.instance for p in usable[count:] if p.instance is not None]
    if len(trained) < count or not held_back:
        logger.warning("%s is left out: %d usable photos", name, len(usable))
        return False
    for part, instances in ((TRAINED, trained), (HELD_BACK, held_back)):
        person = _library(out / part).create_or_get(name, CROPS.trigger_word)
        person.save_instances(instances)
    return True


def prepared_people(out: Path) -> list[str]:
    """Return the names of the people with enough usable photos, in order."""
    return [person.manifest.name for person in _library(out / TRAINED).people()]


def load_instances(out: Path, name: str, part: str) -> list[Instance]:
    """Read back what prepare_person kept; part: TRAINED or HELD_BACK."""
    return _library(out / part).get(name).load_instances()


def word_of(instances: Sequence[Instance]) -> str:
    """Return the word that stands for the person in the captions."""
    return instances[0].caption.split(",")[0]


def _library(folder: Path) -> PeopleLibrary:
    return PeopleLibrary(folder / "people", folder / "lora", folder / "portraits")


def _read(folder: Path) -> Iterator[Photo]:
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES:
            try:
                yield read_photo(path, max_megapixels=CROPS.max_megapixels)
            except InvalidInput as error:
                logger.warning("%s is not read: %s", path.name, error)
