"""A config's field as flags, widgets and infotexts see it: read from what they hold, and checked.

Where a setting may be left to the checkpoint, the style or the host, its value is then None, which
flags, widgets and settings pages write as "auto". No number stands for it: 0 is 0.
"""

from __future__ import annotations

import dataclasses
import math
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

from facechain_ext.base.errors import InvalidInput, quoted

AUTO = "auto"
LONGEST_TEXT = 5000
_LAYOUT = "\n\r\t"
"""Control characters that people type."""
_UNFIT = ("Cc", "Cs")
"""Control characters, and the halves of characters that a damaged text is left with."""


@dataclass(frozen=True)
class Setting:
    """One field; kind: int, float, str or bool, or a Literal. automatic: whether it may be None.

    longest: the most characters of a text; pattern: a regular expression for the whole of it.
    """

    name: str
    label: str
    help: str
    unit: str
    minimum: float | None
    maximum: float | None
    longest: int
    pattern: str
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
        if self.kind is bool and isinstance(value, str):
            return {"True": True, "False": False}.get(value, value)
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
            raise self._wrong(called, f"be {self.expected}", value) from None

    def _whole(self, number: float) -> bool:
        """Tell whether to make an int of a number; raises OverflowError for one without end."""
        if self.kind is int and not math.isfinite(number):
            raise OverflowError
        return self.kind is int and number.is_integer()

    def check(self, value: Any, called: str = "") -> None:
        """Require a value of the setting's type within its choices and bounds."""
        called = called or self.name
        if value is None and self.automatic:
            return
        if self.choices and value not in self.choices:
            raise self._wrong(called, f"be one of {', '.join(map(repr, self.choices))}", value)
        if self.kind is str:
            check_text(called, value, longest=self.longest)
        if self.numeric:
            self._check_number(value, called)

    def _check_number(self, value: Any, called: str) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._wrong(called, "be a number", value)
        below = self.minimum is not None and not value >= self.minimum
        above = self.maximum is not None and not value <= self.maximum
        if below or above:
            raise self._wrong(called, f"be between {self.minimum} and {self.maximum}", value)
        if not math.isfinite(value):
            raise self._wrong(called, "be a finite number", value)
        if self.kind is int and value % 1 != 0:
            raise self._wrong(called, "be a whole number", value)

    @property
    def expected(self) -> str:
        """What the setting takes, in words."""
        number = "a whole number" if self.kind is int else "a number"
        return number + self._or_auto

    @property
    def _or_auto(self) -> str:
        return f", or {AUTO}" if self.automatic else ""

    def _wrong(self, called: str, must: str, value: Any) -> InvalidInput:
        either = "" if must.endswith(AUTO) else self._or_auto
        return InvalidInput(f"{called} must {must}{either}, not {quoted(value)}.")


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


def settings_of(config: Any) -> dict[str, Setting]:
    """Return the fields of a config's class by name, in their order."""
    return _settings_of(config)


@cache
def _settings_of(config: type[Any]) -> dict[str, Setting]:
    hints = get_type_hints(config)
    return {spec.name: setting_of(spec, hints[spec.name]) for spec in dataclasses.fields(config)}


def setting_of(spec: dataclasses.Field[Any], hint: Any) -> Setting:
    """Return one field of a config, whose type is `hint`."""
    kinds = [part for part in get_args(hint) if part is not type(None)]
    automatic = type(None) in get_args(hint)
    return Setting(
        name=spec.name,
        default=spec.default,
        kind=kinds[0] if automatic else hint,
        automatic=automatic,
        **spec.metadata,
    )
