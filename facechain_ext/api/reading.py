"""Decoded JSON to dataclasses, the same beside every version of pydantic."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import MISSING, dataclass
from enum import Enum
from types import NoneType
from typing import Any, Literal, TypeVar, cast, get_args, get_origin, get_type_hints

from facechain_ext.api.schema import fields_of
from facechain_ext.base.errors import InvalidInput, quoted
from facechain_ext.config import (
    PortraitConfig,
    PrepareConfig,
    TalkConfig,
    TemplateConfig,
    TrainConfig,
    TryOnConfig,
)
from facechain_ext.config.setting import LONGEST_TEXT, Setting, check_text, setting_of

T = TypeVar("T")

CONFIGS = (PrepareConfig, TrainConfig, PortraitConfig, TemplateConfig, TryOnConfig, TalkConfig)
"""What begins as the user wants it to."""


class BadField(InvalidInput):
    """One field of a body or a query is not what it may be."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field or None


def _as_shipped(config: type[Any]) -> Any:
    return config()


@dataclass(frozen=True)
class Reader:
    """Reads decoded JSON; raises BadField, naming the field.

    defaults: makes a config as the user wants it to begin; what a body leaves out comes from it.
    """

    defaults: Callable[[type[Any]], Any] = _as_shipped

    def read(self, hint: Any, value: Any, called: str = "") -> Any:
        """Return a value of a type."""
        origin, parts = get_origin(hint), get_args(hint)
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            return self._object(hint, value, called)
        if origin is tuple:
            return self._list(parts[0], value, called)
        if origin is dict:
            return self._mapping(parts[1], value, called)
        if origin is not Literal and parts:
            return self._union(parts, value, called)
        return read_plain(hint, value, called)

    def _object(self, kind: type[Any], value: Any, called: str) -> Any:
        if not isinstance(value, dict):
            raise _wrong(called, "an object", value)
        fields = fields_of(kind)
        if unknown := sorted(set(value) - set(fields)):
            name = _inside(called, _shown(unknown[0]))
            raise BadField(name, f"{name} is not known; there are {', '.join(fields) or 'none'}.")
        given = {
            name: self._field(*fields[name], value[name], _inside(called, name)) for name in value
        }
        for name, (spec, hint) in fields.items():
            if hint in CONFIGS:
                given.setdefault(name, self.defaults(hint))
            if spec.default is MISSING and name not in given:
                raise BadField(_inside(called, name), f"{_inside(called, name)} is missing.")
        return self._made(kind, given, called)

    def _made(self, kind: Any, given: dict[str, Any], called: str) -> Any:
        try:
            if kind in CONFIGS:
                return dataclasses.replace(self.defaults(kind), **given)
            return kind(**given)
        except BadField:
            raise
        except InvalidInput as error:
            raise BadField(called, str(error)) from error

    def _field(self, spec: dataclasses.Field[Any], hint: Any, value: Any, called: str) -> Any:
        if "label" in spec.metadata:
            return _setting(setting_of(spec, hint), value, called)
        most = spec.metadata["most"]
        if most and isinstance(value, (list, dict)) and len(value) > most:
            raise BadField(called, f"{called} has {len(value):,} entries; {most:,} are the most.")
        if isinstance(value, str) and hint in (str, str | None):
            return read_plain(str, value, called, spec.metadata["longest"] or LONGEST_TEXT)
        return self.read(hint, value, called)

    def _list(self, hint: Any, value: Any, called: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise _wrong(called, "a list", value)
        return tuple(self.read(hint, each, f"{called}[{n}]") for n, each in enumerate(value))

    def _mapping(self, hint: Any, value: Any, called: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong(called, "an object", value)
        return {
            read_plain(str, key, called): self.read(hint, each, _inside(called, _shown(key)))
            for key, each in value.items()
        }

    def _union(self, parts: tuple[Any, ...], value: Any, called: str) -> Any:
        """Read one of several types: null, the object whose `kind` is named, or the first."""
        if value is None and NoneType in parts:
            return None
        kinds = [part for part in parts if part is not NoneType]
        named = value.get("kind") if isinstance(value, dict) else None
        fitting = [kind for kind in kinds if len(kinds) > 1 and named in _kinds_of(kind)]
        if len(kinds) > 1 and not fitting:
            known = [each for kind in kinds for each in _kinds_of(kind)]
            where = _inside(called, "kind")
            raise BadField(where, f"{where} must be one of {', '.join(known)}.")
        return self.read((fitting or kinds)[0], value, called)


def read_query(kind: type[T], given: Sequence[tuple[str, str]]) -> T:
    """Read what stands after the "?" of an address; raises BadField."""
    fields = fields_of(kind)
    values: dict[str, Any] = {}
    for name, text in given:
        if name not in fields:
            raise BadField(_shown(name), f"There is no parameter {_shown(name)!r} here.")
        if name in values:
            raise BadField(name, f"{name} is given twice.")
        values[name] = _parsed(*fields[name], text)
    return cast(T, Reader().read(kind, values))


def _parsed(spec: dataclasses.Field[Any], hint: Any, text: str) -> Any:
    """Read a parameter as JSON has it; what is no number stays text, and is refused as such."""
    setting = setting_of(spec, hint)
    if setting.kind is bool:
        return {"true": True, "false": False}.get(text, text)
    with suppress(InvalidInput):
        return setting.parse(text, spec.name)
    return text


def read_plain(hint: Any, value: Any, called: str, longest: int = LONGEST_TEXT) -> Any:
    """Read what holds nothing else; raises BadField."""
    choices = get_args(hint) if get_origin(hint) is Literal else ()
    if isinstance(hint, type) and issubclass(hint, Enum):
        choices = tuple(each.value for each in hint)
    if choices:
        if not isinstance(value, str) or value not in choices:
            raise _wrong(called, f"one of {', '.join(map(repr, choices))}", value)
        return hint(value) if isinstance(hint, type) else value
    if hint is bytes:
        return _decoded(value, called)
    if hint is str:
        return _checked(lambda: check_text(called or "It", value, longest=longest), value, called)
    if hint is bool and not isinstance(value, bool):
        raise _wrong(called, "true or false", value)
    if hint in (int, float):
        return _number(hint, value, called)
    return value


def _setting(setting: Setting, value: Any, called: str) -> Any:
    if value is None and setting.automatic:
        return None
    if setting.numeric:
        value = _number(setting.kind, value, called)
    if setting.kind is bool and not isinstance(value, bool):
        raise _wrong(called, "true or false", value)
    if setting.choices and isinstance(value, (list, dict)):
        raise _wrong(called, f"one of {', '.join(map(repr, setting.choices))}", value)
    return _checked(lambda: setting.check(value, called), value, called)


def _checked(check: Callable[[], None], value: Any, called: str) -> Any:
    try:
        check()
    except InvalidInput as error:
        raise BadField(called, str(error)) from error
    return value


def _number(kind: Any, value: Any, called: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong(called, "a number", value)
    try:
        fits = math.isfinite(value) and (kind is float or float(value).is_integer())
    except OverflowError:
        fits = False
    if not fits:
        raise _wrong(called, "a whole number" if kind is int else "a finite number", value)
    return kind(value)


def _decoded(value: Any, called: str) -> bytes:
    """Read base64, also as a data URL."""
    if not isinstance(value, str):
        raise _wrong(called, "base64", value)
    _, comma, text = value.partition(",") if value[:5] == "data:" else ("", ",", value)
    if not comma:
        raise BadField(called, f"{called} begins as a data URL, and has no comma.")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadField(called, f"{called} is not base64 ({error}).") from error


def _kinds_of(kind: Any) -> tuple[str, ...]:
    """Return what the `kind` of a dataclass may be."""
    return get_args(get_type_hints(kind)["kind"])


def _wrong(called: str, must: str, value: Any) -> BadField:
    return BadField(called, f"{called or 'The body'} must be {must}, not {quoted(value)}.")


def _inside(called: str, name: str) -> str:
    return f"{called}.{name}" if called else name


def _shown(name: str) -> str:
    """Return a name that came from outside, fit for a message."""
    return name[:60].encode("ascii", "backslashreplace").decode("ascii")
