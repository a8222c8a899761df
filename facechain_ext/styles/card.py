"""What a LoRA's files say of it: the sidecars beside it, and the metadata inside.

Trusted in this order: the webui's `<name>.json`, which the user writes; `<name>.civitai.info`;
ModelSpec's metadata; the training's own (ss_...), whose tags are only counted.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from statistics import median
from typing import Any

from facechain_ext.styles.person_words import is_of_the_person

Said = dict[str, Any]
"""Fields of a Card that one source fills in."""

LONGEST = 500
MOST_WORDS = 8
STRONGEST = 2.0
_ABSURD = 1e6

_NETWORK = re.compile(r"<\w+:[^>]*>")
_WEIGHT = re.compile(r"<lora:[^:>]+:([\d.]+)>")
_FOLDER = re.compile(r"\d+_(.+)")
_EVERY_PICTURE = 0.95
"""Share of the most frequent tag's count from which a tag is taken for a trigger word, too."""


@dataclass(frozen=True)
class Card:
    """What is known of a LoRA; sources: who said each thing.

    weight: suggested strength, 0..2. thumbnail: a picture as a data address.
    """

    title: str = ""
    trigger_words: tuple[str, ...] = ()
    weight: float | None = None
    negative_prompt: str = ""
    base_model: str = ""
    licence: str = ""
    notes: str = ""
    thumbnail: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)


def card_of(sources: Sequence[tuple[str, Said]]) -> Card:
    """Put together what sources say, by name; what an earlier one says counts."""
    known = [spec.name for spec in fields(Card) if spec.name != "sources"]
    told: Said = {}
    by: dict[str, str] = {}
    for source, said in sources:
        for name in known:
            if said.get(name) and name not in told:
                told[name], by[name] = said[name], source
    return Card(**told, sources=by)


def from_sidecar(record: Mapping[str, Any]) -> Said:
    """Read what the webui's card editor writes; it writes 0 and "Unknown" for nothing."""
    version = _text(record.get("sd version"))
    return {
        "trigger_words": _words(record.get("activation text")),
        "weight": _weight(record.get("preferred weight")),
        "negative_prompt": _text(record.get("negative text")),
        "base_model": "" if version == "Unknown" else version,
        "notes": _text(record.get("notes")) or _text(record.get("description")),
    }


def from_civitai(record: Mapping[str, Any]) -> Said:
    """Read a .civitai.info, as several extensions write it."""
    model = record.get("model")
    model = model if isinstance(model, Mapping) else {}
    trained = record.get("trainedWords")
    words = [each for each in trained if isinstance(each, str)] if isinstance(trained, list) else []
    return {
        "title": _text(model.get("name")),
        "trigger_words": _words(", ".join(words)),
        "weight": _usual_weight(record.get("images")),
        "base_model": _text(record.get("baseModel")),
        "licence": _civitais_licence({**model, **record}),
        "notes": _text(re.sub(r"<[^>]*>", " ", str(record.get("description") or ""))),
    }


def from_modelspec(metadata: Mapping[str, str]) -> Said:
    """Read the modelspec. fields of a file's metadata."""
    told = {name: _text(metadata.get(f"modelspec.{name}")) for name in _MODELSPEC}
    return {
        "title": told["title"],
        "trigger_words": _words(told["trigger_phrase"]),
        "base_model": told["architecture"].removesuffix("/lora"),
        "licence": told["license"],
        "notes": told["usage_hint"] or told["description"],
        "thumbnail": metadata.get("modelspec.thumbnail", ""),
    }


_MODELSPEC = ("title", "trigger_phrase", "architecture", "license", "usage_hint", "description")


def from_training(metadata: Mapping[str, str]) -> Said:
    """Read what sd-scripts writes of a training: the tags of every picture are its triggers."""
    return {
        "title": _text(metadata.get("ss_output_name")),
        "trigger_words": _frequent(metadata.get("ss_tag_frequency", "")),
        "base_model": _text(metadata.get("ss_base_model_version")),
    }


def _frequent(text: str) -> tuple[str, ...]:
    """Return the tags of nearly every caption; of pictures without any, what their folders say."""
    try:
        told = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return ()
    folders = told if isinstance(told, dict) else {}
    counts: Counter[str] = Counter()
    for tags in folders.values():
        numbers = tags.items() if isinstance(tags, dict) else ()
        counts.update({tag.strip(): n for tag, n in numbers if isinstance(n, int)})
    if counts:
        most = max(counts.values())
        found = [tag for tag, n in counts.most_common() if n >= _EVERY_PICTURE * most]
    else:
        found = [match[1] for name in folders if (match := _FOLDER.fullmatch(name))]
    return _words(", ".join(found))[:3]


def _words(value: object) -> tuple[str, ...]:
    """Split trigger words; networks and what belongs to the person are left out."""
    lines = value.splitlines() if isinstance(value, str) else ()
    plain = _NETWORK.sub(",", _text(",".join(lines)))
    words = dict.fromkeys(" ".join(word.split()) for word in re.split("[,，]", plain))
    return tuple(word for word in words if word and not is_of_the_person(word))[:MOST_WORDS]


def _weight(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < _ABSURD:
        return None
    return min(float(value), STRONGEST)


def _usual_weight(images: object) -> float | None:
    """Return the strength that a page's pictures were mostly made with."""
    metas = (
        [each.get("meta") for each in images if isinstance(each, Mapping)]
        if isinstance(images, list)
        else []
    )
    prompts = [str(meta.get("prompt", "")) for meta in metas if isinstance(meta, Mapping)]
    used = [
        weight
        for text in prompts
        for told in _WEIGHT.findall(text)[:1]
        if (weight := _weight(_number(told))) is not None
    ]
    return median(used) if used else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _civitais_licence(record: Mapping[str, Any]) -> str:
    told = record.get("allowCommercialUse")
    uses = told if isinstance(told, str) else ", ".join(map(str, told)) if told else ""
    if "allowCommercialUse" not in record:
        return ""
    credit = "" if record.get("allowNoCredit", True) else "; credit is asked for"
    return _text(f"commercial use: {uses or 'None'}{credit}")


def _text(value: object) -> str:
    """Return a text on one line without what cannot be typed; empty for anything else."""
    if not isinstance(value, str):
        return ""
    letters = (c if unicodedata.category(c)[0] != "C" else " " for c in value[: 4 * LONGEST])
    return " ".join("".join(letters).split())[:LONGEST]
