"""One training on disk: its settings, what it has shown, and where it can go on.

Layout of `runs/<run>/`: config.json, events.jsonl, samples/ (pictures of every snapshot) and
checkpoints/ (snapshots; while the run is unfinished also the cached latents and the newest state).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar, get_args

import torch

from facechain_ext.base.errors import Busy, InvalidInput, LibraryTooNew, damage
from facechain_ext.base.events import Event
from facechain_ext.base.host import CheckpointRef, Family, PredictionType
from facechain_ext.base.records import Attributes
from facechain_ext.config import TrainConfig
from facechain_ext.dataset.latent_file import load_latents, save_latents
from facechain_ext.dataset.latents import LatentCache
from facechain_ext.imaging.files import write_atomic
from facechain_ext.library.locking import claim
from facechain_ext.library.manifest import attributes_from
from facechain_ext.library.run_events import EventLog
from facechain_ext.library.settling import forget_states, run_claim
from facechain_ext.lora.training_facts import Buckets
from facechain_ext.training.state import TrainingState, load_state, save_state

SCHEMA_VERSION = 2
RECORD = "config.json"

T = TypeVar("T")


@dataclass(frozen=True)
class RunRecord:
    """What a training began with; config as it is carried out, started in UTC.

    mixed_precision: of activations, as sd-scripts calls it. buckets: of a look's pictures,
    whose name is in person's place then.
    """

    person: str
    trigger_word: str
    photo_count: int
    prompt: str
    negative_prompt: str
    checkpoint: CheckpointRef
    family: Family
    prediction_type: PredictionType
    started: datetime
    config: TrainConfig
    attributes: Attributes | None = None
    mixed_precision: str = "no"
    buckets: Buckets | None = None

    def to_json(self) -> str:
        facts = {"schema": SCHEMA_VERSION, **asdict(self)}
        facts["checkpoint"]["path"] = str(self.checkpoint.path)
        facts["started"] = self.started.isoformat()
        return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> RunRecord:
        """Read a record; raises LibraryTooNew for a later schema, InvalidInput for damage."""
        try:
            facts = json.loads(text)
            schema = facts.pop("schema")
            if schema > SCHEMA_VERSION:
                raise LibraryTooNew("This training was begun by a newer version of FaceChain.")
            if schema < 2:
                _name_automatic(facts["config"])
            checkpoint, attributes = facts["checkpoint"], facts.get("attributes")
            buckets = facts.get("buckets")
            read = {
                "attributes": None if attributes is None else attributes_from(attributes),
                "checkpoint": CheckpointRef(**{**checkpoint, "path": Path(checkpoint["path"])}),
                "started": datetime.fromisoformat(facts["started"]),
                "config": TrainConfig(**facts["config"]),
                "buckets": None if buckets is None else Buckets.from_facts(buckets),
            }
            record = cls(**{**facts, **read})
            _require_known(record)
            return record
        except (ValueError, KeyError, TypeError, AttributeError, InvalidInput) as error:
            raise InvalidInput(
                f"The settings of a training are damaged: {damage(error)}."
            ) from error


def _require_known(record: RunRecord) -> None:
    texts = [record.person, record.trigger_word, record.prompt, record.negative_prompt]
    texts += [record.checkpoint.name, record.checkpoint.sha256]
    if not all(isinstance(text, str) for text in texts) or not isinstance(record.photo_count, int):
        raise TypeError("a text or number is something else")
    if record.family not in get_args(Family) or (
        record.prediction_type not in get_args(PredictionType)
    ):
        raise ValueError(f"unknown: {record.family!r}, {record.prediction_type!r}")


def _name_automatic(config: dict[str, object]) -> None:
    """Turn the 0 that once stood for automatic into what does now."""
    for name in ("learning_rate", "resolution"):
        config[name] = config.get(name) or None


@dataclass(frozen=True)
class Resumable:
    """A training that was stopped and can go on: the run's name, its steps done and asked for,
    the name and place of the checkpoint that it needs."""

    run: str
    step: int
    total: int
    config: TrainConfig
    checkpoint: str
    checkpoint_path: Path

    @classmethod
    def of(cls, run: RunFolder | None) -> Resumable | None:
        """Read it off a run that was stopped; None where it cannot go on after all."""
        if run is None or run.newest_step is None:
            return None
        record = run.record
        return cls(
            run=run.name,
            step=run.newest_step,
            total=record.config.total_steps,
            config=record.config,
            checkpoint=record.checkpoint.name,
            checkpoint_path=record.checkpoint.path,
        )


@dataclass(frozen=True)
class RunHistory:
    """A training as it was shown: settings, then steps, snapshots and samples in their order."""

    run: str
    record: RunRecord
    finished: bool
    events: tuple[Event, ...]


@dataclass(frozen=True)
class RunFolder:
    """Reads and writes one training's folder."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def log(self) -> EventLog:
        return EventLog(self.folder)

    @property
    def begun(self) -> bool:
        return (self.folder / RECORD).is_file()

    @property
    def record(self) -> RunRecord:
        """Read what the training began with; raises InvalidInput naming the file, LibraryTooNew."""
        path = self.folder / RECORD
        try:
            return RunRecord.from_json(path.read_text(encoding="utf-8"))
        except (InvalidInput, OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"{path} cannot be read: {error}") from error

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep others from going on with this training and its folder from being moved.

        Raises Busy where another program is at it.
        """
        claimed = claim(run_claim(self.folder))
        if claimed is None:
            raise Busy("This training is going on already, in another program or page.")
        try:
            yield
        finally:
            claimed.release()

    def snapshots(self) -> dict[int, Path]:
        """Return the saved snapshots by their step, in order."""
        found = sorted(self.checkpoints.glob("step-*.safetensors"))
        steps = {path.stem.rpartition("-")[2]: path for path in found}
        return {int(step): path for step, path in steps.items() if step.isdigit()}

    @property
    def newest_step(self) -> int | None:
        """The step of the newest saved state; None where the training cannot go on."""
        states = self._states() if self._latents.is_file() else []
        return int(states[-1].stem.rpartition("-")[2]) if states else None

    def begin(self, record: RunRecord, data: LatentCache) -> None:
        """Write what every later start needs."""
        save_latents(self._latents, data)
        write_atomic(self.folder / RECORD, record.to_json().encode("utf-8"))

    def undo(self) -> None:
        """Remove the folder of a training that could not begin."""
        shutil.rmtree(self.folder)

    def load_data(self, device: torch.device) -> LatentCache:
        """Read the cached latents that the training began with."""
        return load_latents(self._latents, device)

    def keep(self, state: TrainingState) -> None:
        """Save a state; those before it go when it is complete."""
        path = self.checkpoints / f"state-{state.step:06d}.safetensors"
        save_state(path, state)
        for other in self._states():
            if other != path:
                other.unlink()

    def rewind(self) -> TrainingState:
        """Load the newest state, and forget what was shown or half written after it.

        Raises InvalidInput where there is none any more.
        """
        if self.newest_step is None:
            raise InvalidInput("This training was finished or given up meanwhile.")
        state = load_state(self._states()[-1])
        for left_over in self.folder.rglob(".*.tmp"):
            left_over.unlink()
        self.log.rewind(state.step, [snapshot.step for snapshot in state.snapshots])
        return state

    def forget_states(self) -> None:
        """Remove what only a training that goes on needs."""
        forget_states(self.folder)

    def recorded(self, events: Generator[Event, None, T]) -> Generator[Event, None, T]:
        """Write events down as they pass."""
        returned: list[T] = []

        def whole() -> Generator[Event, None, None]:
            returned.append((yield from events))

        with closing(whole()) as passing:
            for event in passing:
                self.log.add(event)
                yield event
        return returned[0]

    @property
    def _latents(self) -> Path:
        return self.checkpoints / "latents.safetensors"

    def _states(self) -> list[Path]:
        found = sorted(self.checkpoints.glob("state-*.safetensors"))
        return [path for path in found if path.stem.rpartition("-")[2].isdigit()]


def newest_stopped(begun: Sequence[RunFolder], ended: Collection[str]) -> RunFolder | None:
    """Return the newest run that is not among the ended ones and can go on; begun: oldest first."""
    stopped = (run for run in reversed(begun) if run.name not in ended)
    return next((run for run in stopped if run.newest_step is not None), None)
