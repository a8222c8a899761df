"""Put a trained LoRA where the host finds it, listed in the library first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.events import Preview
from facechain_ext.base.host import Host
from facechain_ext.base.records import DEFAULT_LORA_WEIGHT, LoraFile, Pixels
from facechain_ext.imaging.files import write_atomic
from facechain_ext.library.people import PeopleLibrary, Person, Run
from facechain_ext.library.person import remove_folder
from facechain_ext.library.places import OUTBOX
from facechain_ext.library.runs import RunFolder, RunRecord
from facechain_ext.library.settling import RUN_ENTRY, deliver
from facechain_ext.lora.checkpoint import read_lora, save_lora, write_sidecars
from facechain_ext.lora.metadata import LoraRecord
from facechain_ext.studio.lora_names import free_alias, free_stem
from facechain_ext.training.select import Chosen, Snapshot, choose


@dataclass(frozen=True)
class Publisher:
    """Publishes the LoRAs of a library's people through the host."""

    host: Host
    library: PeopleLibrary

    def publish(
        self,
        person: Person,
        run: RunFolder,
        record: RunRecord,
        chosen: Chosen,
        preview: Pixels | None,
        *,
        name: str = "",
        by_hand: bool = False,
    ) -> LoraFile:
        """Write a LoRA with its card and preview, list it and move it into the LoRA folder.

        name: what prompts call it, the person's unless given. by_hand: it does not end the run.
        After a crash either nothing of it is there or all is when the library is opened next.
        Raises PersonNotFound for who was deleted meanwhile, InvalidInput where it has no room.
        """
        # For ever: hours of training are not lost to somebody's long export.
        with self.library.changing(patience=None), person.changing() as now:
            if not run.folder.is_dir():
                raise now.gone()
            entry = self._entry(now, run, record, chosen, name, by_hand)
            part = now.folder / (OUTBOX + ".part")
            inside = Path("lora", self.host.paths.lora_folder, entry.lora)
            try:
                with told_where_no_room():
                    remove_folder(part)
                    captions = tuple(map(now.caption, now.captions()))
                    lora = self._write(part / inside, entry, record, chosen, preview, captions)
                    entry = replace(entry, lora_sha256=lora.sha256)
                    text = json.dumps(asdict(entry), ensure_ascii=False)
                    write_atomic(part / RUN_ENTRY, text.encode("utf-8"))
                    part.replace(now.folder / OUTBOX)
            finally:
                remove_folder(part)
            deliver(self.library, now)
        path = self.host.paths.lora_dir / self.host.paths.lora_folder / entry.lora
        lora = replace(lora, path=path, alias=entry.alias)
        self.host.publish_lora(lora)
        return lora

    def _entry(
        self,
        person: Person,
        run: RunFolder,
        record: RunRecord,
        chosen: Chosen,
        name: str,
        by_hand: bool,
    ) -> Run:
        private, lora_dir = record.config.private_lora, self.host.paths.lora_dir
        wish = run.name if private else f"{person.slug}-{run.name}"
        stem = free_stem(f"{wish}-step{chosen.steps[-1]}" if by_hand else wish, lora_dir)
        called = name if private else name or person.manifest.name
        return Run(
            name=run.name,
            lora=f"{stem}.safetensors",
            lora_sha256="",
            checkpoint=record.checkpoint.name,
            similarity=chosen.similarity,
            steps=chosen.steps,
            trigger_word=record.trigger_word,
            attributes=record.attributes,
            alias=free_alias(called, lora_dir) if called else "",
            by_hand=by_hand,
        )

    def _write(
        self,
        path: Path,
        run: Run,
        record: RunRecord,
        chosen: Chosen,
        preview: Pixels | None,
        captions: tuple[str, ...],
    ) -> LoraFile:
        private = record.config.private_lora
        path.parent.mkdir(parents=True)
        told = lora_record(
            replace(record, person="") if private else record,
            chosen,
            name=Path(run.lora).stem,
            alias=run.alias,
            captions=captions,
        )
        precision = record.config.save_precision
        lora = save_lora(path, chosen.state, told.metadata(), precision=precision)
        photos = "1 photo" if record.photo_count == 1 else f"{record.photo_count} photos"
        notes = f"Trained on {record.checkpoint.name} from {photos}."
        write_sidecars(lora, notes=notes, preview=None if private else preview)
        return lora


def chosen_snapshot(run: RunFolder, step: int | None) -> Chosen:
    """Read a run's snapshot; without a step the one that the training would keep.

    Raises InvalidInput where there is none of that step.
    """
    events = run.log.read()
    liked = {event.step: event.similarity for event in events if isinstance(event, Preview)}
    found = [Snapshot(n, path, liked.get(n)) for n, path in run.snapshots().items()]
    if step is not None:
        found = [snapshot for snapshot in found if snapshot.step == step]
    if not found:
        there = ", ".join(map(str, run.snapshots())) or "none"
        raise InvalidInput(f"{run.name} has no snapshot of step {step}; there are: {there}.")
    (best,) = choose(found, "best")
    return Chosen(read_lora(best.path)[0], (best.step,), best.similarity)


def lora_record(
    record: RunRecord,
    chosen: Chosen,
    *,
    name: str,
    alias: str,
    captions: tuple[str, ...],
    weight: float = DEFAULT_LORA_WEIGHT,
) -> LoraRecord:
    """Return what a LoRA's file says of the run that it comes from."""
    return LoraRecord(
        name=name,
        person=record.person,
        trigger_word=record.trigger_word,
        photo_count=record.photo_count,
        config=record.config,
        steps=chosen.steps,
        similarity=chosen.similarity,
        checkpoint=record.checkpoint.path,
        checkpoint_sha256=record.checkpoint.sha256,
        family=record.family,
        prediction_type=record.prediction_type,
        started=record.started,
        finished=datetime.now(timezone.utc),
        weight=weight,
        alias=alias,
        captions=captions,
        mixed_precision=record.mixed_precision,
        buckets=record.buckets,
    )


@contextmanager
def told_where_no_room() -> Iterator[None]:
    """Turn what a disk raises while a LoRA is written into InvalidInput."""
    try:
        yield
    except OSError as error:
        raise InvalidInput(
            f"The LoRA could not be written: {error.strerror}. Make room and go on with the "
            "training."
        ) from error
