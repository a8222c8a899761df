"""Config fields to components and back: labels, help, bounds and defaults come from the fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import gradio as gr

from facechain_ext.config.setting import AUTO, Setting, settings_of
from facechain_ext.ui.page.compat import as_typed

ConfigT = TypeVar("ConfigT")
WIDEST_SLIDER = 200
"""With more positions than this, a number is typed."""


@dataclass(eq=False)
class ConfigForm(Generic[ConfigT]):
    """The components of one config, drawn piece by piece; `read` puts the config together.

    defaults: what the components begin with. labels: where two configs on one page would have the
    same label. choices: for automatic text fields that the host has a list for. A number that may
    be automatic is typed: it is a number or "auto".
    """

    defaults: ConfigT
    labels: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    components: dict[str, Any] = field(default_factory=dict)

    @property
    def config(self) -> type[ConfigT]:
        return type(self.defaults)

    def draw(self, *names: str, **options: Any) -> None:
        """Draw these fields, in this order."""
        for name in names:
            self.components[name] = self._component(settings_of(self.config)[name], options)

    def draw_rest(self, leave_out: Sequence[str] = ()) -> None:
        """Draw every field that has not been drawn."""
        done = {*self.components, *leave_out}
        self.draw(*(name for name in settings_of(self.config) if name not in done))

    @property
    def inputs(self) -> list[Any]:
        return list(self.components.values())

    def read(self, values: Sequence[Any], **fixed: Any) -> ConfigT:
        """Make the config from the components' values; raises InvalidInput naming the label."""
        told = {}
        for (name, _), value in zip(self.components.items(), values, strict=True):
            typed = value.strip() if isinstance(value, str) else value
            told[name] = settings_of(self.config)[name].read(typed, self._called(name))
        return self.config(**{**told, **fixed})

    def shown(self, name: str, value: Any) -> Any:
        """Return a field's value as its component holds it; the inverse of reading."""
        setting = settings_of(self.config)[name]
        return str(setting.show(value)) if _is_typed(setting) else setting.show(value)

    def label(self, name: str) -> str:
        setting, called = settings_of(self.config)[name], self._called(name)
        if _is_typed(setting):
            unit = f" {setting.unit}" if setting.unit else ""
            return f"{called} ({AUTO}, or {setting.minimum:g} to {setting.maximum:g}{unit})"
        return f"{called} ({setting.unit})" if setting.unit else called

    def _called(self, name: str) -> str:
        return self.labels.get(name, settings_of(self.config)[name].label)

    def _component(self, setting: Setting, options: Mapping[str, Any]) -> Any:
        name = setting.name
        shared = {
            "label": self.label(name),
            "info": setting.help,
            "value": self.shown(name, getattr(self.defaults, name)),
            "elem_id": f"facechain_{self.config.__name__.removesuffix('Config').lower()}_{name}",
            "interactive": True,
            **options,
        }
        if name in self.choices:
            return gr.Dropdown(**{**shared, "choices": [AUTO, *self.choices[name]]})
        if setting.choices:
            return gr.Radio(choices=_named_choices(setting), **shared)
        if setting.kind is bool:
            return gr.Checkbox(**shared)
        if setting.kind is str or setting.automatic:
            lines: dict[str, Any] = {"max_lines": 1} if setting.automatic else {}
            return gr.Textbox(**lines, **shared)
        return as_typed(_number(setting, shared))


def _is_typed(setting: Setting) -> bool:
    """Whether a setting is a number or "auto", in a box for either."""
    return setting.automatic and setting.numeric


def _named_choices(setting: Setting) -> list[tuple[str, Any]]:
    choices = [(AUTO, AUTO)] if setting.automatic else []
    return [*choices, *((str(choice), choice) for choice in setting.choices)]


def _number(setting: Setting, shared: dict[str, Any]) -> Any:
    """Return a slider where its range is short enough to aim, else a box to type in."""
    low, high = setting.minimum, setting.maximum
    step = 1 if setting.kind is int else 0.05
    if low is not None and high is not None and (high - low) / step <= WIDEST_SLIDER:
        return gr.Slider(minimum=_aligned(low, step), maximum=high, step=step, **shared)
    return gr.Number(minimum=low, maximum=high, **shared)


def _aligned(low: float, step: float) -> float:
    """Move a bound onto the slider's grid, so that round values can be reached."""
    return low if low >= step or low <= 0 else step
