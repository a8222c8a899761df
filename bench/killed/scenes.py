"""What is done to a library: a few people to begin with, and every action that changes it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import torch

from bench.killed.state import library_of
from facechain_ext.base.host import CheckpointRef
from facechain_ext.base.records import Attributes, Face, Gender, Instance, Photo
from facechain_ext.config import TrainConfig
from facechain_ext.imaging.encode import encode_png
from facechain_ext.library.people import Person
from facechain_ext.library.runs import RunFolder, RunRecord
from facechain_ext.lora.checkpoint import save_lora
from facechain_ext.nets import FaceNets
from facechain_ext.standalone.diffusers_host import DiffusersHost
from facechain_ext.studio.publishing import Publisher, chosen_snapshot
from facechain_ext.studio.studio import Studio

Action = Callable[[Path], object]

TRAIN = TrainConfig(
    max_train_steps=2,
    train_batch_size=1,
    rank=2,
    target_modules="attention",
    resolution=64,
    crops_per_photo=1,
    snapshot_every=1,
    samples_per_snapshot=0,
    state_every=1,
)


def crop(seed: int) -> Instance:
    """Draw a crop of nobody."""
    rng = np.random.default_rng(seed)
    embedding = rng.standard_normal(128).astype(np.float32)
    points = np.float32(16) + rng.random((478, 2)).astype(np.float32) * 32
    return Instance(
        name=f"{seed}.jpg",
        pixels=rng.integers(0, 256, (64, 64, 3), dtype=np.uint8),
        valid=np.ones((64, 64), np.float32),
        person=np.ones((64, 64), np.float32),
        face_mask=np.ones((64, 64), np.float32),
        face=Face((8.0, 8.0, 56.0, 56.0), points[:5], 0.9),
        landmarks=points,
        embedding=embedding / np.linalg.norm(embedding),
        quality=0.7,
        attributes=Attributes(Gender.WOMAN, 34.0),
        caption="fcsks, photo of a woman",
    )


def keep(data_dir: Path, name: str, seeds: range, trigger_word: str = "fcsks") -> Person:
    """Take somebody in, as enrolling does when the photos are judged."""
    library = library_of(data_dir)
    with library.draft(name, trigger_word) as draft:
        draft.save_photos(Photo(f"{n}.jpg", crop(n).pixels) for n in seeds)
        draft.save_instances([crop(n) for n in seeds])
        return library.adopt(draft.save(attributes=Attributes(Gender.WOMAN, 34.0)))


def train_a_little(person: Person) -> RunFolder:
    """Make the folder of a training that is about to publish: a record, snapshots, a state."""
    run = RunFolder(person.new_run())
    run.checkpoints.mkdir()
    checkpoint = CheckpointRef("mini", run.folder / "mini.safetensors", "0" * 64)
    record = RunRecord(
        person=person.manifest.name,
        trigger_word=person.manifest.trigger_word,
        photo_count=1,
        prompt="",
        negative_prompt="",
        checkpoint=checkpoint,
        family="sd1",
        prediction_type="epsilon",
        started=datetime.now(timezone.utc),
        config=TRAIN,
    )
    (run.folder / "config.json").write_text(record.to_json(), encoding="utf-8")
    for step in (1, 2):
        layer = "lora_unet_mid_block_attentions_0_proj_in"
        state = {
            f"{layer}.lora_down.weight": torch.full((2, 4), float(step)),
            f"{layer}.lora_up.weight": torch.ones(4, 2),
            f"{layer}.alpha": torch.tensor(2.0),
        }
        save_lora(run.checkpoints / f"step-{step:06d}.safetensors", state, {})
    return run


def publish(data_dir: Path, *, step: int | None = None, by_hand: bool = False) -> None:
    """Publish Ana's training, as its end does, or one of its snapshots by hand."""
    library = library_of(data_dir)
    person = library.get("Ana")
    run = RunFolder(person.run_folders[-1])
    chosen = chosen_snapshot(run, step)
    publisher = Publisher(DiffusersHost(data_dir, device="cpu"), library)
    publisher.publish(person, run, run.record, chosen, crop(1).pixels, by_hand=by_hand)


def lay_out(data_dir: Path) -> None:
    """Begin with Ana, trained, with a portrait and a second training to publish; and with Bob."""
    for name, seeds in (("Bob", range(3, 4)), ("Ana", range(2))):
        train_a_little(keep(data_dir, name, seeds))
    publish(data_dir)
    library = library_of(data_dir)
    folder = library.portraits_folder("Ana")
    folder.mkdir(parents=True)
    (folder / "01-7.png").write_bytes(encode_png(crop(9).pixels))
    train_a_little(library.get("Ana"))
    out = data_dir / "exports"
    out.mkdir()
    library.export("Bob", out / "bob.zip")


def export(data_dir: Path) -> None:
    library_of(data_dir).export("Ana", data_dir / "exports" / "ana.zip")


def take_in(data_dir: Path) -> None:
    library_of(data_dir).import_(data_dir / "exports" / "bob.zip", "Боб")


CHEAP: Mapping[str, Action] = {
    "enrol": lambda data_dir: keep(data_dir, "Ana", range(5, 8), "other"),
    "enrol anew": lambda data_dir: keep(data_dir, "Анна", range(5, 6)),
    "publish": lambda data_dir: publish(data_dir),
    "publish a snapshot": lambda data_dir: publish(data_dir, step=1, by_hand=True),
    "rename": lambda data_dir: library_of(data_dir).rename("Ana", "Éva"),
    "delete": lambda data_dir: library_of(data_dir).delete("Ana"),
    "delete a photo": lambda data_dir: library_of(data_dir).get("Ana").delete_photo("000"),
    "export": export,
    "import": take_in,
}
"""Actions that take milliseconds."""


@dataclass(frozen=True)
class Trainer:
    """Trains Ana with the checkpoint that ships, loaded once."""

    loaded: DiffusersHost

    @classmethod
    def load(cls, data_dir: Path) -> Trainer:
        host = DiffusersHost(data_dir, device="cpu")
        with host.borrow_model(for_training=True):
            return cls(host)

    def train(self, data_dir: Path) -> None:
        host = DiffusersHost(data_dir, device="cpu")
        host.__dict__.update(
            {key: value for key, value in vars(self.loaded).items() if key in ("_model", "_info")}
        )
        for _ in Studio(host, FaceNets()).train("Ana", TRAIN):
            pass


def copy(scene: Path, to: Path) -> Path:
    if to.exists():
        shutil.rmtree(to)
    return Path(shutil.copytree(scene, to))
