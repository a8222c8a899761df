"""Buttons that send pictures and settings to other tabs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class Button:
    value: str
    elem_id: str
    visible: bool = True


@dataclass
class ParamBinding:
    paste_button: Any
    tabname: str
    source_text_component: Any = None
    source_image_component: Any = None
    source_tabname: str | None = None
    override_settings_component: Any = None
    paste_field_names: Any = None


paste_fields: dict[str, list[Any]] = {}
registered_param_bindings: list[ParamBinding] = []


def create_buttons(tabs_list: list[str]) -> dict[str, Button]:
    return {tab: Button(f"Send to {tab}", f"{tab}_tab") for tab in tabs_list}


def add_paste_fields(
    tabname: str, init_img: Any, fields: list[Any], override_settings_component: Any = None
) -> None:
    paste_fields[tabname] = fields


def register_paste_params_button(binding: ParamBinding) -> None:
    registered_param_bindings.append(binding)
