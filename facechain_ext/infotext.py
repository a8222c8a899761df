"""Generation parameters as the text that webui users paste: prompt, negative prompt, one line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, get_type_hints

from facechain_ext.config import PortraitConfig
from facechain_ext.errors import InvalidInput

PERSON = "FaceChain person"

OURS = {
    "style": "FaceChain style",
    "prompt": "FaceChain prompt",
    "negative_prompt": "FaceChain negative prompt",
    "lora_weight": "FaceChain weight",
    "style_lora_weight": "FaceChain style weight",
    "fusion_strength": "FaceChain fusion",
    "output_size": "FaceChain output size",
}
"""Settings of a portrait that no webui writes, and what they are called in an infotext."""

HOSTS = {
    "steps": "Steps",
    "sampler_name": "Sampler",
    "guidance_scale": "CFG scale",
    "seed": "Seed",
    "hires_scale": "Hires upscale",
}
"""Settings that every webui writes in a field of their own; size and restored faces besides."""

_NEGATIVE = "Negative prompt: "
_FIELD = re.compile(r'\s*([^:,"]+):\s*("(?:\\.|[^"\\])*"|[^,]*)(?:,|$)')
_UNSAFE = re.compile(r'[,:"\x00-\x1f\x7f-\x9f\u2028\u2029]|^\s|\s$')
_SIZE = re.compile(r"(\d+)x(\d+)")


def quote(value: object) -> str:
    """Write a value so that commas, colons and line breaks in it survive a round trip."""
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if _UNSAFE.search(text) else text


def format_infotext(prompt: str, negative_prompt: str, fields: Mapping[str, object]) -> str:
    """Lay out prompt, negative prompt (when there is one) and the line of fields."""
    line = ", ".join(f"{key}: {quote(value)}" for key, value in fields.items())
    negative = [f"{_NEGATIVE}{negative_prompt}"] if negative_prompt else []
    return "\n".join([prompt, *negative, line])


def add_fields(infotext: str, fields: Mapping[str, object]) -> str:
    """Append fields to the last line of an infotext."""
    return ", ".join([infotext, *(f"{key}: {quote(value)}" for key, value in fields.items())])


def parse_infotext(infotext: str) -> tuple[str, str, dict[str, str]]:
    """Split an infotext into prompt, negative prompt and fields; the inverse of formatting."""
    *head, line = infotext.strip().split("\n")
    starts = [n for n, text in enumerate(head) if text.startswith(_NEGATIVE)]
    split = starts[0] if starts else len(head)
    negative = "\n".join(head[split:]).removeprefix(_NEGATIVE)
    fields = {key.strip(): _unquote(value) for key, value in _FIELD.findall(line)}
    return "\n".join(head[:split]), negative, fields


def portrait_fields(person: str, config: PortraitConfig) -> dict[str, object]:
    """Name a person and the settings of theirs that no webui writes; empty texts are left out."""
    settings = {key: _plain(getattr(config, name)) for name, key in OURS.items()}
    return {PERSON: person, **{key: value for key, value in settings.items() if value != ""}}


def read_portrait(infotext: str) -> dict[str, Any]:
    """Return "person" and settings of PortraitConfig; the inverse of `portrait_fields`.

    What is not said gets its default; a value out of bounds is left out. Any text will do: one
    that is no portrait of ours gives nothing.
    """
    fields = parse_infotext(infotext)[2]
    if PERSON not in fields:
        return {}
    defaults = PortraitConfig()
    told: dict[str, Any] = {name: getattr(defaults, name) for name in (*OURS, "hires_scale")}
    said = {name: fields[key] for name, key in (OURS | HOSTS).items() if key in fields}
    if size := _SIZE.fullmatch(fields.get("Size", "")):
        said |= {"width": size[1], "height": size[2]}
    for name, text in said.items():
        told |= _setting(name, text)
    return {"person": fields[PERSON], **told, "restore_faces": "Face restoration" in fields}


def _setting(name: str, text: str) -> dict[str, Any]:
    """Convert one setting to its type; nothing where it cannot be one."""
    hint = get_type_hints(PortraitConfig)[name]
    try:
        value: Any = text if hint is str else float(text) if hint is float else int(text)
        PortraitConfig(**{name: value})
    except (ValueError, OverflowError, InvalidInput):
        return {}
    return {name: value}


def _plain(value: object) -> object:
    return f"{value:g}" if isinstance(value, float) else value


def _unquote(text: str) -> str:
    """Undo `quote`; what only looks quoted stays as it is."""
    try:
        return str(json.loads(text)) if text.startswith('"') else text.strip()
    except ValueError:
        return text.strip()
