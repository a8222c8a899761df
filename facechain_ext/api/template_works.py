"""The work of people who are painted into pictures, as a body asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from facechain_ext.api.operation import Call
from facechain_ext.api.reading import BadField
from facechain_ext.api.visible import person_named
from facechain_ext.config import TemplateConfig
from facechain_ext.jobs.template_work import MakeTemplate
from facechain_ext.templates.template import Template

MOST_TEMPLATES = 100
"""In one job."""


class TemplateOrder(Protocol):
    """What a body says of templates."""

    @property
    def templates(self) -> tuple[str, ...]: ...
    @property
    def words(self) -> str: ...
    @property
    def cast(self) -> dict[str, str] | None: ...
    @property
    def who(self) -> tuple[str, ...]: ...


def templates_seen(call: Call) -> dict[str, Template]:
    """Return the templates that a user may see: where people have owners, those that ship."""
    found = call.services.studio.gallery.now()
    hidden = call.services.config.owners
    return {name: each for name, each in found.items() if not (each.own and hidden)}


def template_work(call: Call, order: TemplateOrder, config: TemplateConfig) -> MakeTemplate:
    """Return the work that a body asks for; raises BadField, PersonNotFound, and what looking at
    a picture raises."""
    who = [person_named(call, name, may_be_new=False) for name in order.who]
    pictures = [*call.photos, *_by_name(call, order.templates)]
    if order.words:
        if pictures or order.cast:
            raise BadField("words", "words draw the picture themselves: give who alone with them.")
        if not who:
            raise BadField("who", "who is missing: say who comes into the picture.")
        return MakeTemplate.from_words(order.words, who, config)
    if not pictures:
        raise BadField("photos", "A template is missing: a picture, or the name of one.")
    cast = _cast(call, order.cast or {})
    if bool(cast) == bool(who):
        raise BadField("cast", "Say who comes on which face by cast, or who comes in by who.")
    templates = call.services.studio.templates
    casts = [cast or templates.seat(templates.read(picture), who) for picture in pictures]
    return MakeTemplate.of_all([*zip(pictures, casts, strict=True)], config)


def _by_name(call: Call, names: tuple[str, ...]) -> list[Path]:
    seen = templates_seen(call)
    for name in names:
        if name not in seen:
            raise BadField("templates", f"There is no template {name[:60]!a}.")
    return [seen[name].picture for name in names]


def _cast(call: Call, asked: Mapping[str, str]) -> dict[int, str]:
    cast: dict[int, str] = {}
    for number, wanted in asked.items():
        if not (number.isascii() and number.isdecimal() and 1 <= len(number) <= 3):
            raise BadField("cast", f"{number[:60]!a} is no number of a face.")
        cast[int(number)] = person_named(call, wanted, may_be_new=False)
    return cast
