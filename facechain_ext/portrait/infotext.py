"""What an infotext says of a portrait besides the host's own fields, written and read back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from facechain_ext import __version__
from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.infotext import parse_infotext
from facechain_ext.config import PortraitConfig
from facechain_ext.config.setting import settings_of
from facechain_ext.imaging.provenance import Source

PERSON = "FaceChain person"

VERSION = "FaceChain version"
"""Infotexts without it are older, and mean automatic where they say 0."""

OURS = {
    "style": "FaceChain style",
    "prompt": "FaceChain prompt",
    "negative_prompt": "FaceChain negative prompt",
    "lora_weight": "FaceChain weight",
    "style_lora_weight": "FaceChain style weight",
    "fusion_strength": "FaceChain fusion",
    "output_size": "FaceChain output size",
    "fast": "FaceChain fast",
    "pose": "FaceChain pose",
    "pose_strength": "FaceChain pose strength",
    "control_start": "FaceChain led from",
    "control_end": "FaceChain led until",
}
"""Settings of a portrait that no webui writes, and what they are called in an infotext."""

SELDOM = ("fast", "pose", "pose_strength", "control_start", "control_end")
"""Those of them that are told only where they are not as usual."""

HOSTS = {
    "steps": "Steps",
    "sampler_name": "Sampler",
    "guidance_scale": "CFG scale",
    "seed": "Seed",
    "hires_scale": "Hires upscale",
}
"""Settings that every webui writes in a field of their own; size and restored faces besides."""

NOT_FUSED = {"FaceChain fused": "no"}
"""What is said besides, where a fusion was asked for and nothing was blended in."""

_SIZE = re.compile(r"(\d+)x(\d+)")


def portrait_fields(person: str, config: PortraitConfig) -> dict[str, object]:
    """Name a person and the settings of theirs that no webui writes.

    Empty texts, and what is left to the style or the checkpoint, are left out.
    """
    usual = PortraitConfig()
    names = [n for n in OURS if n not in SELDOM or getattr(config, n) != getattr(usual, n)]
    settings = {OURS[name]: _plain(getattr(config, name)) for name in names}
    told = {key: value for key, value in settings.items() if value not in ("", None)}
    return {PERSON: person, **told, VERSION: __version__}


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
    said = {name: text for name in OURS if (text := read_ours(name, fields)) is not None}
    said |= {name: fields[key] for name, key in HOSTS.items() if key in fields}
    if size := _SIZE.fullmatch(fields.get("Size", "")):
        said |= {"width": size[1], "height": size[2]}
    for name, text in said.items():
        told |= _setting(name, text)
    return {"person": fields[PERSON], **told, "restore_faces": "Face restoration" in fields}


def source_of(infotext: str) -> Source:
    """Tell from an infotext whether parts of a photo were blended into the picture.

    A text that does not say it may be of any picture: it is taken for the lesser claim.
    """
    fields = parse_infotext(infotext)[2]
    strength = fields.get(OURS["fusion_strength"])
    left_out = fields.items() >= NOT_FUSED.items()
    if left_out or (strength is not None and _setting("fusion_strength", strength) == NO_FUSION):
        return "trainedAlgorithmicMedia"
    return "compositeWithTrainedAlgorithmicMedia"


NO_FUSION = {"fusion_strength": 0.0}


def read_ours(name: str, fields: Mapping[str, Any]) -> str | None:
    """Return what an infotext's fields say of a setting of ours; None where they leave it out."""
    said = fields.get(OURS[name])
    if VERSION not in fields and settings_of(PortraitConfig)[name].automatic and said == "0":
        return None
    return said


def _setting(name: str, text: str) -> dict[str, Any]:
    """Convert one setting to its type; nothing where it cannot be one."""
    try:
        return {name: settings_of(PortraitConfig)[name].read(text)}
    except InvalidInput:
        return {}


def _plain(value: object) -> object:
    return f"{value:g}" if isinstance(value, float) else value
