"""What is written down of a look beside its pictures."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from facechain_ext.base.errors import InvalidInput, LibraryTooNew, damage
from facechain_ext.config import TrainStyleConfig
from facechain_ext.library.manifest import Run

SCHEMA_VERSION = 1
MANIFEST = "look.json"


@dataclass(frozen=True)
class LookManifest:
    """What a look is called, and the LoRAs that were trained on it, newest last.

    trigger_word, shot, style_weight, most_fusion: as its style has them.
    """

    name: str
    created: str
    trigger_word: str
    shot: str
    style_weight: float
    most_fusion: float = 1.0
    runs: tuple[Run, ...] = ()
    schema: int = SCHEMA_VERSION

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> LookManifest:
        """Read a manifest; raises LibraryTooNew for a later schema, InvalidInput for damage."""
        try:
            data = json.loads(text)
            if data["schema"] > SCHEMA_VERSION:
                raise LibraryTooNew(f"{data['name']} was saved by a newer version of FaceChain.")
            known = {key: data[key] for key in (spec.name for spec in fields(cls)) if key in data}
            runs = tuple(Run.from_facts(run) for run in data["runs"])
            made = cls(**{**known, "runs": runs})
            texts = (made.name, made.created, made.trigger_word, made.shot)
            if not all(isinstance(text, str) for text in texts):
                raise TypeError("a text is something else")
            weights = float(made.style_weight), float(made.most_fusion)
            return replace(made, style_weight=weights[0], most_fusion=weights[1])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InvalidInput(f"A look's manifest is damaged: {damage(error)}.") from error


def as_its_style(config: TrainStyleConfig) -> dict[str, Any]:
    """Return the fields of a manifest that a training is told."""
    return {
        "trigger_word": config.trigger_word,
        "shot": config.shot,
        "style_weight": config.style_weight,
        "most_fusion": config.most_fusion,
    }
