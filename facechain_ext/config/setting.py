"""A config's field as flags, widgets and infotexts see it: read from what they hold, and checked.

Where a setting may be left to the checkpoint, the style or the host, its value is then None, which
flags, widgets and settings pages write as "auto". No number stands for it: 0 is 0.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

from facechain_ext.base.errors import InvalidInput

AUTO = "auto"


@dataclass(frozen=True)
class Setting:
    """One field; kind: int, float, str or bool, or a Literal. automatic: whether it may be None."""

    name: str
    label: str
    help: str
    unit: str
    minimum: float | None
    maximum: float | None
    default: Any
    kind: Any
    automatic: bool

    @property
    def choices(self) -> tuple[Any, ...]:
        """What can be chosen, without "auto"; empty where there is no choice."""
        return get_args(self.kind) if get_origin(self.kind) is Literal else ()

    @property
    def numeric(self) -> bool:
        return self.kind in (int, float)

    def show(self, value: Any) -> Any:
        """Return a value as it is written; the inverse of parsing."""
        return AUTO if value is None and self.automatic else value

    def read(self, value: Any, called: str = "") -> Any:
        """Parse a value and check it; raises InvalidInput, which calls the setting by a name."""
        parsed = self.parse(value, called)
        self.check(parsed, called)
        return parsed

    def parse(self, value: Any, called: str = "") -> Any:
        """Convert text or a number to the setting's type; raises InvalidInput, bounds aside."""
        if self.automatic and (value is None or str(value).strip().lower() == AUTO):
            return None
        if self.numeric:
            return self._number(value, called or self.name)
        if self.choices:
            return next((c for c in self.choices if str(c) == str(value)), value)
        return ("" if value is None else str(value)) if self.kind is str else value

    def _number(self, value: Any, called: str) -> Any:
        if value is None or str(value).strip() == "":
            raise InvalidInput(f"{called} needs a number{self._or_auto}.")
        try:
            number = float(value)
            return (
                int(value if isinstance(value, int) else number) if self._whole(number) else number
            )
        except (ValueError, TypeError, OverflowError):
            raise self._wrong(called, "be a number", value) from None

    def _whole(self, number: float) -> bool:
        return self.kind is int and number.is_integer()

    def check(self, value: Any, called: str = "") -> None:
        """Require a value of the setting's type within its choices and bounds."""
        called = called or self.name
        if value is None and self.automatic:
            return
        if self.choices and value not in self.choices:
            raise self._wrong(called, f"be one of {', '.join(map(repr, self.choices))}", value)
        if self.numeric:
            self._check_number(value, called)

    def _check_number(self, value: Any, called: str) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._wrong(called, "be a number", value)
        if self.kind is int and value % 1 != 0:
            raise self._wrong(called, "be a whole number", value)
        below = self.minimum is not None and not value >= self.minimum
        above = self.maximum is not None and not value <= self.maximum
        if below or above:
            raise self._wrong(called, f"be between {self.minimum} and {self.maximum}", value)

    @property
    def _or_auto(self) -> str:
        return f", or {AUTO}" if self.automatic else ""

    def _wrong(self, called: str, must: str, value: Any) -> InvalidInput:
        told = repr(value)
        shown = told if len(told) <= 60 else f"{told[:57]}..."
        return InvalidInput(f"{called} must {must}{self._or_auto}, not {shown}.")


def settings_of(config: Any) -> dict[str, Setting]:
    """Return the fields of a config's class by name, in their order."""
    return _settings_of(config)


@cache
def _settings_of(config: type[Any]) -> dict[str, Setting]:
    hints = get_type_hints(config)
    return {spec.name: _setting(spec, hints[spec.name]) for spec in dataclasses.fields(config)}


def _setting(spec: dataclasses.Field[Any], hint: Any) -> Setting:
    kinds = [part for part in get_args(hint) if part is not type(None)]
    automatic = type(None) in get_args(hint)
    return Setting(
        name=spec.name,
        default=spec.default,
        kind=kinds[0] if automatic else hint,
        automatic=automatic,
        **spec.metadata,
    )
