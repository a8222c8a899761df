"""The people library on disk: one folder per person, atomic writes, real deletion.

Layout of `<root>/<slug>/`: person.json (manifest), photos/ (uploads, upright, without EXIF),
instances/ (NN.png, NN.txt caption, NN.npz measurements), runs/<run>/ (one training each).
"""

from __future__ import annotations

import glob
import io
import json
import re
import shutil
import unicodedata
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from facechain_ext.base.errors import InvalidInput, LibraryTooNew, PersonNotFound
from facechain_ext.base.records import Attributes, Face, Gender, Instance, Photo
from facechain_ext.imaging.decode import decode
from facechain_ext.imaging.encode import encode_jpeg, encode_png
from facechain_ext.imaging.files import write_atomic

SCHEMA_VERSION = 1
MANIFEST = "person.json"
LORA_SUFFIXES = (".safetensors", ".json", ".preview.png")
RESERVED_ON_WINDOWS = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)")


def slugify(name: str) -> str:
    """Turn a person's name into a folder name: lower-case ASCII letters, digits and hyphens.

    Raises InvalidInput when nothing is left of it or Windows reserves the word.
    """
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_name.lower()).strip("-")[:60].rstrip("-")
    if not slug or RESERVED_ON_WINDOWS.fullmatch(slug):
        raise InvalidInput(
            f"{name!r} cannot name a person: use at least one Latin letter or digit "
            "and none of Windows' reserved words."
        )
    return slug


@dataclass(frozen=True)
class Run:
    """One finished training: its folder, the LoRA it left and what was measured."""

    name: str
    lora: str
    lora_sha256: str
    checkpoint: str
    similarity: float | None
    steps: tuple[int, ...]


@dataclass(frozen=True)
class Manifest:
    """What person.json holds."""

    name: str
    trigger_word: str
    created: str
    attributes: Attributes = Attributes()
    runs: tuple[Run, ...] = ()
    schema: int = SCHEMA_VERSION

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read a manifest; raises LibraryTooNew for a later schema, InvalidInput for damage."""
        try:
            data = json.loads(text)
            if data["schema"] > SCHEMA_VERSION:
                raise LibraryTooNew(
                    f"{data['name']} was saved by a newer version of FaceChain (format "
                    f"{data['schema']}, this one knows {SCHEMA_VERSION}). Nothing was changed."
                )
            runs = tuple(Run(**{**run, "steps": tuple(run["steps"])}) for run in data["runs"])
            known = {**data, "runs": runs, "attributes": _attributes(data["attributes"])}
            return cls(**known)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidInput(f"A person's manifest is damaged: {error!r}.") from error


def _attributes(data: dict[str, Any]) -> Attributes:
    gender = data["gender"]
    return Attributes(**{**data, "gender": None if gender is None else Gender(gender)})


@dataclass(frozen=True)
class Person:
    """A person of the library: where the files lie and what the manifest says."""

    folder: Path
    manifest: Manifest

    @property
    def slug(self) -> str:
        return self.folder.name

    @property
    def latest_run(self) -> Run | None:
        return self.manifest.runs[-1] if self.manifest.runs else None

    def save(self, **changes: Any) -> Person:
        """Write the manifest with these fields changed."""
        manifest = replace(self.manifest, **changes)
        write_atomic(self.folder / MANIFEST, manifest.to_json().encode("utf-8"))
        return Person(self.folder, manifest)

    @property
    def run_folders(self) -> list[Path]:
        """Return the folders of all trainings, finished or not, oldest first."""
        return sorted(path for path in (self.folder / "runs").glob("*") if path.is_dir())

    def new_run(self) -> Path:
        """Make an empty folder for one training, named by the UTC time."""
        stamp = datetime.now(timezone.utc).strftime("%Y%m%d-%H%M%S")
        for suffix in ("", *(f"-{n}" for n in range(2, 100))):
            folder = self.folder / "runs" / (stamp + suffix)
            if not folder.exists():
                folder.mkdir(parents=True)
                return folder
        raise InvalidInput(f"More than 99 runs of {self.manifest.name} began in one second.")

    def save_photos(self, photos: Sequence[Photo]) -> None:
        """Keep the uploads, decoded and upright, so that nothing of their EXIF is left."""
        folder = _fresh(self.folder / "photos")
        for number, photo in enumerate(photos):
            write_atomic(folder / f"{number:03d}.jpg", encode_jpeg(photo.pixels, quality=95))

    def save_instances(self, instances: Sequence[Instance]) -> None:
        folder = _fresh(self.folder / "instances")
        for number, instance in enumerate(instances):
            stem = f"{number:03d}"
            write_atomic(folder / f"{stem}.npz", _measurements(instance))
            write_atomic(folder / f"{stem}.txt", (instance.caption + "\n").encode("utf-8"))
            write_atomic(folder / f"{stem}.png", encode_png(instance.pixels, {}))

    def captions(self) -> list[Path]:
        """Return the caption files, one per crop, that the user may edit."""
        return sorted((self.folder / "instances").glob("*.txt"))

    def set_captions(self, captions: Mapping[str, str]) -> None:
        """Change the captions of crops, by the stem of their files.

        Raises InvalidInput, before anything is changed, for a crop that is not there.
        """
        known = {path.stem: path for path in self.captions()}
        if unknown := sorted(set(captions) - set(known)):
            raise InvalidInput(
                f"{self.manifest.name} has no crop {unknown[0]!r}; there are "
                f"{', '.join(known) or 'none'}."
            )
        for stem, caption in captions.items():
            write_atomic(known[stem], (" ".join(caption.split()) + "\n").encode("utf-8"))

    def load_instances(self) -> list[Instance]:
        """Read the aligned crops back, with captions as they now stand in their text files."""
        return [_load_instance(path) for path in sorted((self.folder / "instances").glob("*.png"))]


def _fresh(folder: Path) -> Path:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


def _measurements(instance: Instance) -> bytes:
    """Pack all of an instance but its picture and caption; masks go to 8 bits."""
    facts = {
        "name": instance.name,
        "quality": instance.quality,
        "box": instance.face.box,
        "score": instance.face.score,
        "attributes": asdict(instance.attributes),
    }
    masks = np.stack([instance.valid, instance.person, instance.face_mask])
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        facts=np.frombuffer(json.dumps(facts).encode("utf-8"), dtype=np.uint8),
        masks=np.round(masks * 255).astype(np.uint8),
        landmarks=instance.landmarks,
        five_points=instance.face.landmarks,
        embedding=instance.embedding,
    )
    return buffer.getvalue()


def _load_instance(path: Path) -> Instance:
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as data:
        facts = json.loads(data["facts"].tobytes().decode("utf-8"))
        valid, person, face_mask = data["masks"].astype(np.float32) / 255
        landmarks, points, embedding = data["landmarks"], data["five_points"], data["embedding"]
    return Instance(
        name=facts["name"],
        pixels=decode(path.read_bytes(), name=path.name),
        valid=valid,
        person=person,
        face_mask=face_mask,
        face=Face(tuple(facts["box"]), points, facts["score"]),
        landmarks=landmarks,
        embedding=embedding,
        quality=facts["quality"],
        attributes=_attributes(facts["attributes"]),
        caption=path.with_suffix(".txt").read_text(encoding="utf-8").strip(),
    )


@dataclass(frozen=True)
class PeopleLibrary:
    """All people under one root folder; lora_dir and output_dir are where their results go."""

    root: Path
    lora_dir: Path
    output_dir: Path

    def people(self) -> list[Person]:
        """Everybody, by folder name; folders without a manifest are left out."""
        return [self._read(path.parent) for path in sorted(self.root.glob(f"*/{MANIFEST}"))]

    def get(self, name: str) -> Person:
        """Find a person by name or slug; raises PersonNotFound naming who is there."""
        folder = self.root / slugify(name)
        if not (folder / MANIFEST).is_file():
            others = ", ".join(path.parent.name for path in sorted(self.root.glob(f"*/{MANIFEST}")))
            raise PersonNotFound(
                f"Nobody is called {name!r} here. Known: {others or 'nobody yet'}."
            )
        return self._read(folder)

    def create_or_get(self, name: str, trigger_word: str) -> Person:
        """Add a person, or take the existing one with this trigger word from now on."""
        folder = self.root / slugify(name)
        if (folder / MANIFEST).is_file():
            return self._read(folder).save(trigger_word=trigger_word)
        folder.mkdir(parents=True, exist_ok=True)
        created = datetime.now(timezone.utc).isoformat(timespec="seconds")
        return Person(folder, Manifest(name, trigger_word, created)).save()

    def rename(self, name: str, new_name: str) -> Person:
        """Change a person's name and folder; finished LoRAs keep their file names."""
        person, target = self.get(name), self.root / slugify(new_name)
        if target != person.folder:
            if target.exists():
                raise InvalidInput(f"{new_name!r} is taken: {target.name} exists already.")
            outputs = self.portraits_folder(name)
            person.folder.replace(target)
            if outputs.is_dir() and not (self.output_dir / target.name).exists():
                outputs.replace(self.output_dir / target.name)
        return Person(target, person.manifest).save(name=new_name)

    def export(self, name: str, archive: Path) -> Path:
        """Write everything about a person, finished LoRAs included, to one zip file."""
        person = self.get(name)
        if archive.exists():
            raise InvalidInput(f"{archive} exists already; choose another file name.")
        partial = archive.with_name(archive.name + ".part")
        portraits = self.portraits_folder(name)
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as zipped:
            for path in _files(person.folder):
                zipped.write(path, Path(person.slug) / path.relative_to(person.folder))
            for path in _files(portraits):
                zipped.write(path, Path(person.slug, "portraits") / path.relative_to(portraits))
            for path in self.lora_files(person):
                zipped.write(path, Path(person.slug) / "lora" / path.name)
        return partial.replace(archive)

    def delete(self, name: str) -> list[Path]:
        """Remove photos, crops, runs, LoRAs and portraits of a person; return what was removed."""
        person = self.get(name)
        loras = self.lora_files(person)
        for path in loras:
            path.unlink()
        folders = [f for f in (self.output_dir / person.slug, person.folder) if f.exists()]
        for folder in folders:
            shutil.rmtree(folder)
        return [*loras, *folders]

    def files(self, name: str) -> list[Path]:
        """Return every file that deleting the person would remove."""
        person = self.get(name)
        folders = person.folder, self.portraits_folder(name)
        return [*chain.from_iterable(map(_files, folders)), *self.lora_files(person)]

    def portraits_folder(self, name: str) -> Path:
        """Return where this person's portraits go unless told otherwise."""
        return self.output_dir / slugify(name)

    def lora_files(self, person: Person) -> list[Path]:
        """Return the LoRA files and sidecars that this person's runs left and that still exist."""
        found = map(self.lora_file, person.manifest.runs)
        paths = (path.with_name(path.stem + suffix) for path in found for suffix in LORA_SUFFIXES)
        return [path for path in paths if path.is_file()]

    def lora_file(self, run: Run) -> Path:
        """Return where a run's LoRA is: in the LoRA folder, or below it if it was put there."""
        path = self.lora_dir / Path(run.lora).name
        if path.is_file():
            return path
        return next(self.lora_dir.rglob(glob.escape(path.name)), path)

    def _read(self, folder: Path) -> Person:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
        return Person(folder, Manifest.from_json(text))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
