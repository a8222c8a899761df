"""Decoded JSON to frozen dataclasses; what a newer server adds is passed over."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from functools import cache
from types import NoneType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from facechain_ext.base.errors import quoted
from facechain_ext.client.errors import NotUnderstood

T = TypeVar("T")


def answer_of(kind: type[T]) -> Callable[[bytes], T]:
    """Return what reads an answer as a dataclass; it raises NotUnderstood."""

    def read_answer(content: bytes) -> T:
        try:
            decoded = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise NotUnderstood("The server's answer is not JSON. Is the address right?") from error
        return cast(T, read(kind, decoded))

    return read_answer


def read(hint: Any, value: Any) -> Any:
    """Return a value as a type; raises NotUnderstood."""
    origin, parts = get_origin(hint), get_args(hint)
    if dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return _read_object(hint, value)
    if origin is tuple and isinstance(value, list):
        return tuple(read(parts[0], each) for each in value)
    if origin is dict and isinstance(value, dict):
        return {str(key): read(parts[1], each) for key, each in value.items()}
    if NoneType in parts:
        return None if value is None else read(parts[0], value)
    if hint is Any or (isinstance(hint, type) and _is(hint, value)):
        return float(value) if hint is float else value
    raise NotUnderstood(
        f"The server's answer holds {quoted(value)} where another version of FaceChain would not."
    )


def _is(kind: type[Any], value: Any) -> bool:
    if kind in (int, float):
        return isinstance(value, (int, kind)) and not isinstance(value, bool)
    return isinstance(value, kind)


def _read_object(kind: Any, value: dict[str, Any]) -> Any:
    given = {name: read(hint, value[name]) for name, hint in _hints(kind).items() if name in value}
    try:
        return kind(**given)
    except TypeError as error:
        raise NotUnderstood(
            f"The server's answer lacks something ({error}). Is it another version of FaceChain?"
        ) from error


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {spec.name: hints[spec.name] for spec in dataclasses.fields(kind)}
