"""Fields that carry label, help, bounds and unit, and the check that values keep to them."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from facechain_ext.config.setting import LONGEST_TEXT, settings_of


def option(
    default: Any,
    *,
    label: str,
    help: str,
    minimum: float | None = None,
    maximum: float | None = None,
    unit: str = "",
    longest: int = LONGEST_TEXT,
    pattern: str = "",
) -> Any:
    """Declare a config field with its label, help, inclusive bounds and unit.

    longest: the most characters of a text. pattern: what else a text keeps to, for other programs;
    the config itself says it in words.
    """
    bounds = {"minimum": minimum, "maximum": maximum, "longest": longest, "pattern": pattern}
    return field(default=default, metadata={"label": label, "help": help, "unit": unit, **bounds})


class Validated:
    """Check every field of a dataclass against its declared bounds and choices."""

    def __post_init__(self) -> None:
        for name, setting in settings_of(type(self)).items():
            setting.check(getattr(self, name))
