"""What is written down of a look beside its pictures."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace

from facechain_ext.base.errors import InvalidInput, LibraryTooNew, damage
from facechain_ext.library.manifest import Run

SCHEMA_VERSION = 1
MANIFEST = "look.json"


@dataclass(frozen=True)
class LookManifest:
    """What a look is called, and the LoRAs that were trained on it, newest last.

    trigger_word, shot, style_weight: as its style has them.
    """

    name: str
    created: str
    trigger_word: str
    shot: str
    style_weight: float
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
            return replace(made, style_weight=float(made.style_weight))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InvalidInput(f"A look's manifest is damaged: {damage(error)}.") from error
