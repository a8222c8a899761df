"""Fields that carry label, help, bounds and unit, and the check that values keep to them."""

from __future__ import annotations

import dataclasses
import math
import unicodedata
from dataclasses import field
from typing import Any, Literal, get_args, get_origin, get_type_hints

from facechain_ext.base.errors import InvalidInput, quoted

LONGEST_TEXT = 5000
_LAYOUT = "\n\r\t"
"""Control characters that people type."""
_UNFIT = ("Cc", "Cs")
"""Control characters, and the halves of characters that a damaged text is left with."""


def option(
    default: Any,
    *,
    label: str,
    help: str,
    minimum: float | None = None,
    maximum: float | None = None,
    unit: str = "",
    longest: int = LONGEST_TEXT,
) -> Any:
    """Declare a config field with its label, help, inclusive bounds and unit.

    longest: the most characters of a text.
    """
    bounds = {"minimum": minimum, "maximum": maximum, "longest": longest}
    return field(default=default, metadata={"label": label, "help": help, "unit": unit, **bounds})


class Validated:
    """Check every field of a dataclass against its declared bounds and choices."""

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for spec in dataclasses.fields(self):  # type: ignore[arg-type]
            _check(spec, getattr(self, spec.name), hints[spec.name])


def check_text(name: str, text: object, *, longest: int = LONGEST_TEXT) -> None:
    """Refuse what is no text, is longer, or holds characters that cannot be typed or saved."""
    if not isinstance(text, str):
        raise InvalidInput(f"{name} must be text, not {quoted(text)}.")
    if len(text) > longest:
        raise InvalidInput(
            f"{name} has {len(text):,} characters; at most {longest:,} are accepted."
        )
    unfit = next((c for c in text if c not in _LAYOUT and unicodedata.category(c) in _UNFIT), None)
    if unfit is not None:
        raise InvalidInput(f"{name} must not contain the character {unfit!r}.")


def _check(spec: dataclasses.Field[Any], value: Any, hint: Any) -> None:
    if get_origin(hint) is Literal and value not in get_args(hint):
        choices = ", ".join(map(repr, get_args(hint)))
        raise InvalidInput(f"{spec.name} must be one of {choices}, not {quoted(value)}.")
    if hint is str:
        check_text(spec.name, value, longest=spec.metadata["longest"])
    if hint in (int, float):
        _check_number(spec, value, hint)


def _check_number(spec: dataclasses.Field[Any], value: Any, hint: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidInput(f"{spec.name} must be a number, not {quoted(value)}.")
    low, high = spec.metadata.get("minimum"), spec.metadata.get("maximum")
    below = low is not None and not value >= low
    above = high is not None and not value <= high
    if below or above:
        raise InvalidInput(f"{spec.name} must be between {low} and {high}, not {quoted(value)}.")
    if not math.isfinite(value):
        raise InvalidInput(f"{spec.name} must be a finite number, not {quoted(value)}.")
    if hint is int and value % 1 != 0:
        raise InvalidInput(f"{spec.name} must be a whole number, not {quoted(value)}.")
