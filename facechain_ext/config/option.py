"""Fields that carry label, help, bounds and unit, and the check that values keep to them."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from facechain_ext.config.setting import settings_of


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
        for name, setting in settings_of(type(self)).items():
            setting.check(getattr(self, name))
