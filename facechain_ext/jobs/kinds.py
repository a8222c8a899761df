"""Every kind of job, read back from the facts that were kept of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from facechain_ext.config import (
    PortraitConfig,
    PrepareConfig,
    TalkConfig,
    TemplateConfig,
    TrainConfig,
    TrainStyleConfig,
    TryOnConfig,
)
from facechain_ext.jobs.style_work import KeepLook, TrainStyle
from facechain_ext.jobs.talk_work import Talk
from facechain_ext.jobs.template_work import MakeTemplate
from facechain_ext.jobs.tryon_work import TryOn
from facechain_ext.jobs.work import Facts, Work
from facechain_ext.jobs.works import Check, Enrol, MakePortraits, Resume, Train

WorkKind = Callable[[str, Sequence[Path], Facts], Work]
"""Makes a work of a person, photos and the facts that were kept."""


def _reader(kind: type[Any]) -> WorkKind:
    def read(person: str, photos: Sequence[Path], facts: Facts) -> Work:
        known = {spec.name: spec for spec in fields(kind)}
        told = {name: _CONFIGS[name](value) for name, value in facts.items() if name in _CONFIGS}
        plain = {name: value for name, value in facts.items() if name not in _CONFIGS}
        arguments = {**plain, **told, "person": person, "photos": tuple(photos)}
        work: Work = kind(**{name: value for name, value in arguments.items() if name in known})
        return work

    return read


def _config(kind: type[Any]) -> Callable[[Facts], Any]:
    names = {spec.name for spec in fields(kind)}
    return lambda facts: kind(**{name: value for name, value in facts.items() if name in names})


_CONFIGS: dict[str, Callable[[Any], Any]] = {
    "prepare": _config(PrepareConfig),
    "train": _config(TrainConfig),
    "portrait": _config(PortraitConfig),
    "template": _config(TemplateConfig),
    "cast": lambda facts: {int(number): name for number, name in facts.items()},
    "further": lambda casts: tuple(_CONFIGS["cast"](cast) for cast in casts),
    "who": tuple,
    "try_on": _config(TryOnConfig),
    "talk": _config(TalkConfig),
    "style": _config(TrainStyleConfig),
    "captions": tuple,
    "given": tuple,
    "out": Path,
    "folder": lambda text: None if text is None else Path(text),
}

KINDS: Mapping[str, WorkKind] = {
    kind.kind: _reader(kind)
    for kind in (
        Check,
        Enrol,
        Train,
        Resume,
        MakePortraits,
        MakeTemplate,
        TryOn,
        Talk,
        KeepLook,
        TrainStyle,
    )
}
"""Every kind of job, and how one is read back."""
