"""Events as they are written down: facts that JSON can hold, and pictures as files beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import singledispatchmethod
from pathlib import Path
from typing import Any

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.event_facts import WITHOUT_PICTURES, Facts
from facechain_ext.base.events import (
    Candidate,
    CheckpointSaved,
    Event,
    Filming,
    PhotoPrepared,
    PortraitsFinished,
    Preview,
    Stage,
    Step,
    TrainingFinished,
    VideoFinished,
)
from facechain_ext.base.host import HostPaths
from facechain_ext.base.records import (
    LoraFile,
    Pixels,
    Portrait,
    Rejection,
    Score,
)
from facechain_ext.imaging.encode import encode_png
from facechain_ext.imaging.files import decode, write_atomic
from facechain_ext.imaging.provenance import ai_marker
from facechain_ext.portrait.infotext import source_of

GROUPS = ("ranked", "spare", "rejected")


@dataclass(frozen=True)
class EventCodec:
    """Writes a job's events down, and reads them again; folder: of the job's pictures.

    What leads out of that folder is written relative to where the host keeps such things.
    """

    folder: Path
    paths: HostPaths

    @singledispatchmethod
    def encode(self, event: Any) -> tuple[str, Facts] | None:
        """Return an event's type and facts, its pictures saved; None for one that is not kept."""
        return None

    @encode.register
    def _(self, event: Stage) -> tuple[str, Facts]:
        return "stage", asdict(event)

    @encode.register
    def _(self, event: PhotoPrepared) -> tuple[str, Facts]:
        verdict = event.photo.verdict
        return "photo", {
            "photo": event.photo.name,
            "accepted": verdict.accepted,
            "reason": verdict.reason.value if verdict.reason else None,
            "message": verdict.message,
            "done": event.done,
            "total": event.total,
        }

    @encode.register
    def _(self, event: Step) -> tuple[str, Facts]:
        return "step", asdict(event)

    @encode.register
    def _(self, event: Preview) -> tuple[str, Facts]:
        names = [f"step-{event.step:06d}-{place}.png" for place in range(len(event.images))]
        for name, pixels in zip(names, event.images, strict=True):
            self._save(name, encode_png(pixels))
        return "preview", {
            "step": event.step,
            "pictures": names,
            "similarities": list(event.similarities),
            "similarity": event.similarity,
        }

    @encode.register
    def _(self, event: CheckpointSaved) -> tuple[str, Facts]:
        return "snapshot", {"step": event.step}

    @encode.register
    def _(self, event: TrainingFinished) -> tuple[str, Facts]:
        return "trained", {
            "lora": _below(event.lora.path, self.paths.lora_dir),
            "alias": event.lora.alias,
            "trigger_word": event.lora.trigger_word,
            "sha256": event.lora.sha256,
            "weight": event.lora.weight,
            "steps": list(event.steps),
            "similarity": event.similarity,
            "seconds": event.seconds,
        }

    @encode.register
    def _(self, event: Candidate) -> tuple[str, Facts]:
        return "candidate", asdict(event)

    @encode.register
    def _(self, event: PortraitsFinished) -> tuple[str, Facts]:
        drawn = {group: self._portraits(group, getattr(event, group)) for group in GROUPS}
        saved = [_below(path, self.paths.output_dir) for path in event.saved]
        return "portraits", {
            **drawn,
            "seconds": event.seconds,
            "notes": list(event.notes),
            "stopped": event.stopped,
            "saved": [name for name in saved if name],
        }

    @encode.register
    def _(self, event: Filming) -> tuple[str, Facts]:
        return "filming", asdict(event)

    @encode.register
    def _(self, event: VideoFinished) -> tuple[str, Facts]:
        return "video", {**asdict(event), "path": None, "saved": str(event.path)}

    def _portraits(self, group: str, portraits: Sequence[Portrait]) -> list[Facts]:
        return [
            self._portrait(f"{group}-{n:02d}-{p.seed}.png", p) for n, p in enumerate(portraits, 1)
        ]

    def _portrait(self, name: str, portrait: Portrait) -> Facts:
        """Save a picture with its infotext and the AI-generated marker; return its facts."""
        told = {"parameters": portrait.infotext, **ai_marker(source_of(portrait.infotext))}
        self._save(name, encode_png(portrait.pixels, told))
        rejection = portrait.score.rejection
        return {
            "picture": name,
            "similarity": portrait.score.similarity,
            "rejection": rejection.value if rejection else None,
            "seed": portrait.seed,
            "infotext": portrait.infotext,
            "fusion_note": portrait.fusion_note,
        }

    def _save(self, name: str, data: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomic(self.folder / name, data)

    def decode(self, kind: str, facts: Facts) -> Event | None:
        """Read an event; None for one that is not known or has lost its pictures."""
        try:
            if kind in WITHOUT_PICTURES:
                return WITHOUT_PICTURES[kind](facts)
            return _READERS[kind](self, facts) if kind in _READERS else None
        except (KeyError, ValueError, TypeError, OSError, InvalidInput):
            return None

    def _preview(self, facts: Facts) -> Event:
        pictures = tuple(map(self._picture, facts["pictures"]))
        return Preview(facts["step"], pictures, tuple(facts["similarities"]))

    def _trained(self, facts: Facts) -> Event:
        lora = LoraFile(
            self.paths.lora_dir / facts["lora"],
            facts["trigger_word"],
            facts["sha256"],
            facts["weight"],
            facts["alias"],
        )
        return TrainingFinished(lora, tuple(facts["steps"]), facts["similarity"], facts["seconds"])

    def _finished(self, facts: Facts) -> Event:
        ranked, spare, rejected = (tuple(map(self._drawn, facts[group])) for group in GROUPS)
        saved = tuple(self.paths.output_dir / name for name in facts["saved"])
        notes = tuple(facts["notes"])
        return PortraitsFinished(
            ranked, spare, rejected, facts["seconds"], notes, facts["stopped"], saved
        )

    def _drawn(self, facts: Facts) -> Portrait:
        rejection = Rejection(facts["rejection"]) if facts["rejection"] else None
        return Portrait(
            self._picture(facts["picture"]),
            Score(facts["similarity"], rejection),
            facts["seed"],
            facts["infotext"],
            fusion_note=facts["fusion_note"],
        )

    def _picture(self, name: str) -> Pixels:
        return decode((self.folder / name).read_bytes(), name=name)


def _below(path: Path, folder: Path) -> str:
    """Return a path as it is below a folder; empty where it lies elsewhere."""
    try:
        return path.relative_to(folder).as_posix()
    except ValueError:
        return ""


def _video(facts: Facts) -> Event:
    told = {name: value for name, value in facts.items() if name not in ("path", "saved", "notes")}
    return VideoFinished(path=Path(facts["saved"]), notes=tuple(facts["notes"]), **told)


_READERS: dict[str, Callable[[EventCodec, Facts], Event]] = {
    "preview": EventCodec._preview,
    "snapshot": lambda codec, facts: CheckpointSaved(facts["step"], Path()),
    "trained": EventCodec._trained,
    "portraits": EventCodec._finished,
    "video": lambda codec, facts: _video(facts),
}
