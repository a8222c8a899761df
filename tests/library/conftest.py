"""A library with one or two people in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facechain_ext.base.records import Attributes, Face, Gender, Instance, Photo
from facechain_ext.library.people import PeopleLibrary, Run


@pytest.fixture
def library(tmp_path: Path) -> PeopleLibrary:
    lora_dir = tmp_path / "models" / "Lora é"
    lora_dir.mkdir(parents=True)
    return PeopleLibrary(tmp_path / "people", lora_dir, tmp_path / "portraits")


def make_instance(seed: int = 0) -> Instance:
    rng = np.random.default_rng(seed)
    embedding = rng.standard_normal(128).astype(np.float32)
    return Instance(
        name=f"Été {seed}.jpg",
        pixels=rng.integers(0, 256, (64, 64, 3), dtype=np.uint8),
        valid=np.ones((64, 64), np.float32),
        person=rng.random((64, 64)).astype(np.float32),
        face_mask=rng.random((64, 64)).astype(np.float32),
        face=Face((1.5, 2.0, 30.0, 40.0), rng.random((5, 2)).astype(np.float32), 0.9),
        landmarks=rng.random((478, 2)).astype(np.float32),
        embedding=embedding / np.linalg.norm(embedding),
        quality=0.7,
        attributes=Attributes(Gender.WOMAN, 34.5, smiling=True),
        caption="fcsks, photo of a woman",
    )


def with_run(library: PeopleLibrary) -> list[Path]:
    """Add Ana with a photo, a crop, a run with its LoRA and a portrait; return every file."""
    person = library.create_or_get("Ana", "fcsks")
    person.save_photos([Photo("a.jpg", np.zeros((8, 8, 3), np.uint8))])
    person.save_instances([make_instance()])
    run = person.new_run()
    (run / "events.jsonl").write_text("{}\n", encoding="utf-8")
    for suffix in (".safetensors", ".json", ".preview.png"):
        (library.lora_dir / f"ana-{run.name}{suffix}").write_bytes(b"x")
    person.save(runs=(Run(run.name, f"ana-{run.name}.safetensors", "0" * 64, "mini", 0.5, (50,)),))
    portraits = library.portraits_folder("Ana")
    portraits.mkdir(parents=True)
    (portraits / "1.png").write_bytes(b"x")
    folders = (person.folder, library.lora_dir, portraits)
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]
