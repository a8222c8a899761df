"""What person.json holds."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from facechain_ext.base.errors import InvalidInput, LibraryTooNew, damage
from facechain_ext.base.records import Attributes, Gender

SCHEMA_VERSION = 1
MANIFEST = "person.json"


@dataclass(frozen=True)
class Run:
    """One LoRA of a training: the training's folder, the file it left and what was measured.

    trigger_word, attributes: what it was trained with; unknown where an earlier version wrote it.
    alias: what prompts may call it besides its file's name. by_hand: a snapshot that was chosen
    later, which does not end the training.
    """

    name: str
    lora: str
    lora_sha256: str
    checkpoint: str
    similarity: float | None
    steps: tuple[int, ...]
    trigger_word: str = ""
    attributes: Attributes | None = None
    alias: str = ""
    by_hand: bool = False

    @property
    def prompt_name(self) -> str:
        """What `<lora:NAME:1>` says for it."""
        return self.alias or Path(self.lora).name.removesuffix(".safetensors")

    @classmethod
    def from_facts(cls, facts: dict[str, Any]) -> Run:
        """Read a run as `asdict` wrote it; raises TypeError, KeyError or ValueError for damage."""
        known = _known(cls, facts)
        attributes = known.get("attributes")
        run = cls(
            **{
                **known,
                "steps": tuple(map(int, facts["steps"])),
                "similarity": _finite(facts["similarity"]),
                "attributes": None if attributes is None else attributes_from(attributes),
            }
        )
        texts = run.name, run.lora, run.lora_sha256, run.checkpoint, run.trigger_word, run.alias
        named = _is_folder_name(run.name) and Path(run.lora).name not in ("", "..")
        if not named or not all(isinstance(text, str) for text in texts):
            raise TypeError(f"not a training: {facts!r}")
        return run


@dataclass(frozen=True)
class Manifest:
    """Who a person is. moving: the folder that a rename leaves and the one it goes to, while it
    is under way. owner: whose they are, where several users share a library; empty for all's."""

    name: str
    trigger_word: str
    created: str
    attributes: Attributes = Attributes()
    runs: tuple[Run, ...] = ()
    schema: int = SCHEMA_VERSION
    moving: tuple[str, ...] = ()
    owner: str = ""

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
            return cls(**{**_known(cls, data), **_parsed(data)})
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InvalidInput(f"A person's manifest is damaged: {damage(error)}.") from error


def _parsed(data: dict[str, Any]) -> dict[str, Any]:
    for key in ("name", "trigger_word", "created"):
        if not isinstance(data[key], str):
            raise TypeError(f"{key} is {data[key]!r}")
    if not isinstance(data.get("owner", ""), str):
        raise TypeError(f"owner is {data['owner']!r}")
    moving = tuple(data.get("moving", ()))
    if len(moving) not in (0, 2) or not all(_is_folder_name(part) for part in moving):
        raise TypeError(f"moving is {moving!r}")
    return {
        "runs": tuple(Run.from_facts(run) for run in data["runs"]),
        "attributes": attributes_from(data["attributes"]),
        "moving": moving,
    }


def _is_folder_name(part: object) -> bool:
    return isinstance(part, str) and Path(part).name == part and part not in ("", ".", "..")


def attributes_from(data: dict[str, Any]) -> Attributes:
    """Read attributes as `asdict` wrote them; raises what is wrong with them."""
    gender, age = data["gender"], data["age"]
    known = _known(Attributes, data)
    return Attributes(
        **{
            **known,
            "gender": None if gender is None else Gender(gender),
            "age": _finite(age),
        }
    )


def _finite(value: Any) -> float | None:
    number = None if value is None else float(value)
    if number is not None and not math.isfinite(number):
        raise ValueError(f"{value!r} is no measurement")
    return number


def _known(kind: Any, data: dict[str, Any]) -> dict[str, Any]:
    """Leave out what a version after this one may have added."""
    names = {spec.name for spec in fields(kind)}
    return {key: value for key, value in data.items() if key in names}
