"""Settings: what is declared, and what the user chose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass
class OptionInfo:
    default: Any = None
    label: str = ""
    component: Any = None
    component_args: Any = None
    onchange: Callable[[], None] | None = None
    section: tuple[str, str] | None = None
    category_id: str | None = None
    comment_after: str = ""

    def info(self, info: str) -> OptionInfo:
        self.comment_after += info
        return self


class Categories:
    def __init__(self) -> None:
        self.mapping: dict[str, str] = {}

    def register_category(self, category_id: str, label: str) -> None:
        self.mapping[category_id] = label


categories = Categories()


def options_section(
    section_identifier: tuple[str, str, str], options_dict: dict[str, OptionInfo]
) -> dict[str, OptionInfo]:
    for info in options_dict.values():
        info.section, info.category_id = section_identifier[:2], section_identifier[2]
    return options_dict
