"""Config fields to components and back: labels, help, bounds and defaults come from the fields."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar, get_args, get_origin, get_type_hints

import gradio as gr

from facechain_ext.base.errors import InvalidInput

ConfigT = TypeVar("ConfigT")
WIDEST_SLIDER = 200
"""With more positions than this, a number is typed."""

FAR_SMALLER = {"learning_rate"}
"""Fields whose useful values are far smaller than their range: typed too."""

AUTOMATIC = "automatic"
ZERO = {"output_size": "as drawn"}
"""What 0 means, where it is one of a few choices."""


@dataclass(eq=False)
class ConfigForm(Generic[ConfigT]):
    """The components of one config, drawn piece by piece; `read` puts the config together.

    defaults: what the components begin with. labels: where two configs on one page would have the
    same label. choices: for text fields that the host has a list for; the empty value is called
    automatic.
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
            self.components[name] = self._component(name, options)

    def draw_rest(self, leave_out: Sequence[str] = ()) -> None:
        """Draw every field that has not been drawn."""
        done = {*self.components, *leave_out}
        names = (spec.name for spec in dataclasses.fields(self.config))  # type: ignore[arg-type]
        self.draw(*(name for name in names if name not in done))

    @property
    def inputs(self) -> list[Any]:
        return list(self.components.values())

    def read(self, values: Sequence[Any], **fixed: Any) -> ConfigT:
        """Make the config from the components' values; raises InvalidInput naming the label."""
        hints, told = get_type_hints(self.config), {}
        for (name, _), value in zip(self.components.items(), values, strict=True):
            told[name] = self._plain(name, value, hints[name])
        return self.config(**{**told, **fixed})

    def shown(self, name: str, value: Any) -> Any:
        """Return a field's value as its component holds it; the inverse of reading."""
        return value or AUTOMATIC if name in self.choices else value

    def label(self, name: str) -> str:
        spec = self._spec(name)
        unit = spec.metadata["unit"]
        text: str = self.labels.get(name, spec.metadata["label"])
        return f"{text} ({unit})" if unit else text

    def _spec(self, name: str) -> dataclasses.Field[Any]:
        return next(s for s in dataclasses.fields(self.config) if s.name == name)  # type: ignore[arg-type]

    def _component(self, name: str, options: Mapping[str, Any]) -> Any:
        spec, hint = self._spec(name), get_type_hints(self.config)[name]
        shared = {
            "label": self.label(name),
            "info": spec.metadata["help"],
            "value": self.shown(name, getattr(self.defaults, name)),
            "elem_id": f"facechain_{self.config.__name__.removesuffix('Config').lower()}_{name}",
            "interactive": True,
            **options,
        }
        if name in self.choices:
            listed = [AUTOMATIC, *self.choices[name]]
            return gr.Dropdown(**{**shared, "choices": listed})
        if get_origin(hint) is Literal:
            choices = [(ZERO.get(name, str(c)) if c == 0 else str(c), c) for c in get_args(hint)]
            return gr.Radio(choices=choices, **shared)
        if hint is bool:
            return gr.Checkbox(**shared)
        return gr.Textbox(**shared) if hint is str else _number(spec, hint, shared)

    def _plain(self, name: str, value: Any, hint: Any) -> Any:
        if name in self.choices:
            return "" if value == AUTOMATIC else value
        if hint is str:
            return (value or "").strip()
        if hint in (int, float) and value is None:
            raise InvalidInput(f"{self.label(name)} needs a number.")
        whole = hint is int and float(value).is_integer()
        return int(value) if whole else float(value) if hint is float else value


def _number(spec: dataclasses.Field[Any], hint: Any, shared: dict[str, Any]) -> Any:
    """Return a slider where its range is short enough to aim, else a box to type in."""
    low, high = spec.metadata["minimum"], spec.metadata["maximum"]
    step = 1 if hint is int else 0.05
    bounded = low is not None and high is not None
    if bounded and (high - low) / step <= WIDEST_SLIDER and spec.name not in FAR_SMALLER:
        return gr.Slider(minimum=_aligned(low, step), maximum=high, step=step, **shared)
    precision = 0 if hint is int else None
    return gr.Number(minimum=low, maximum=high, precision=precision, **shared)


def _aligned(low: float, step: float) -> float:
    """Move a bound onto the slider's grid, so that round values can be reached."""
    return low if low >= step or low <= 0 else step
