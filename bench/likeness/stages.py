"""What is done for each person, stage by stage."""

# Not in __main__, which a spawned worker does not import: it could not unpickle the class.

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.likeness.draw import Settings, draw_person
from bench.likeness.kept import kept
from bench.likeness.measure import measure_drawn, measure_kept, measure_stranger
from bench.likeness.people import HELD_BACK, TRAINED, load_instances, prepare_person
from bench.likeness.workers import Worker
from facechain_ext.base.errors import InvalidInput
from facechain_ext.imaging.files import write_atomic


@dataclass(frozen=True)
class Bench:
    """Where the bench reads and writes, and with what settings; picklable for the workers."""

    out: Path
    settings: Settings

    def claim(self) -> None:
        """Note the settings in the output folder; raises InvalidInput if it was begun otherwise."""
        path, mine = self.out / "settings.json", json.dumps(asdict(self.settings), indent=1)
        if path.is_file() and path.read_text(encoding="utf-8") != mine:
            raise InvalidInput(f"{self.out} was begun with other settings; choose a new --out.")
        write_atomic(path, mine.encode())

    def folder(self, name: str) -> Path:
        return self.out / "trials" / name

    def prepare(self, worker: Worker, name: str, *, photos: dict[str, Path]) -> None:
        prepare_person(photos[name], self.out / "prepared", worker.nets)

    def draw(self, worker: Worker, name: str) -> None:
        if not (self.folder(name) / "trial.json").is_file():
            instances = load_instances(self.out / "prepared", name, TRAINED)
            draw_person(worker.model, worker.nets, instances, self.settings, self.folder(name))

    def stranger(self, name: str) -> Path:
        return self.out / "strangers" / f"{name}.npz"

    def know(self, worker: Worker, name: str) -> None:
        """Measure the photos of somebody whom the portraits could be mistaken for."""
        if not self.stranger(name).is_file():
            held_back = load_instances(self.out / "prepared", name, HELD_BACK)
            measure_stranger(
                self.stranger(name), held_back, nets=worker.nets, embedders=worker.embedders
            )

    def measure(self, worker: Worker, name: str) -> None:
        if not (self.folder(name) / "drawn.npz").is_file():
            strips = kept(self.folder(name), self.settings.train.selection).strips
            measure_drawn(
                self.folder(name), nets=worker.nets, embedders=worker.embedders, strips=strips
            )

    def fuse(self, worker: Worker, name: str) -> None:
        if (self.folder(name) / "kept.npz").is_file():
            return
        trained, held_back = (
            load_instances(self.out / "prepared", name, part) for part in (TRAINED, HELD_BACK)
        )
        measure_kept(
            self.folder(name),
            trained,
            held_back,
            nets=worker.nets,
            embedders=worker.embedders,
            config=self.settings.portrait,
            lora=kept(self.folder(name), self.settings.train.selection).lora,
        )
