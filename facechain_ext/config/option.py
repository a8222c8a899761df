"""Fields that carry label, help, bounds and unit, and the check that values keep to them."""

from __future__ import annotations

import dataclasses
from dataclasses import field
from typing import Any, Literal, get_args, get_origin, get_type_hints

from facechain_ext.base.errors import InvalidInput


def option(
    default: Any,
    *,
    label: str,
    help: str,
    minimum: float | None = None,
    maximum: float | None = None,
    unit: str = "",
) -> Any:
    """Declare a config field with its label, help, inclusive bounds and unit."""
    metadata = {"label": label, "help": help, "minimum": minimum, "maximum": maximum, "unit": unit}
    return field(default=default, metadata=metadata)


class Validated:
    """Check every field of a dataclass against its declared bounds and choices."""

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for spec in dataclasses.fields(self):  # type: ignore[arg-type]
            _check(spec, getattr(self, spec.name), hints[spec.name])


def _check(spec: dataclasses.Field[Any], value: Any, hint: Any) -> None:
    if get_origin(hint) is Literal and value not in get_args(hint):
        choices = ", ".join(map(repr, get_args(hint)))
        raise InvalidInput(f"{spec.name} must be one of {choices}, not {value!r}.")
    if hint in (int, float) and (isinstance(value, bool) or not isinstance(value, (int, float))):
        raise InvalidInput(f"{spec.name} must be a number, not {value!r}.")
    if hint is int and value % 1 != 0:
        raise InvalidInput(f"{spec.name} must be a whole number, not {value!r}.")
    low, high = spec.metadata.get("minimum"), spec.metadata.get("maximum")
    below = low is not None and not value >= low
    above = high is not None and not value <= high
    if below or above:
        raise InvalidInput(f"{spec.name} must be between {low} and {high}, not {value!r}.")
