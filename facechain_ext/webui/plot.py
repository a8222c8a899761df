"""Axes of ours in the webui's X/Y/Z plot: a person, a style, and how strongly each counts.

A cell is drawn by the webui's own txt2img, with all that is set there; `plot_cell` makes a portrait
of it. What else may be plotted (seed, steps, ControlNet's weight) has its axis there already.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from facechain_ext.base.errors import InvalidInput
from facechain_ext.config import PortraitConfig
from facechain_ext.config.setting import settings_of
from facechain_ext.styles import find_style
from facechain_ext.webui import services
from facechain_ext.webui.host.guarded import guarded

PREFIX = "[FaceChain] "
CHOSEN = "facechain_chosen"
"""The attribute of a txt2img job that holds what our axes chose, by name."""

PERSON = "person"


@dataclass(frozen=True)
class Axis:
    """One axis; setting: what it sets, "person" or a field of PortraitConfig."""

    title: str
    setting: str
    kind: type
    choices: Callable[[], list[str]] | None = None

    def apply(self, job: Any, value: Any, values: Sequence[Any]) -> None:
        """Choose a value for one cell; jobs are shallow copies of each other."""
        setattr(job, CHOSEN, {**getattr(job, CHOSEN, {}), self.setting: value})

    def confirm(self, job: Any, values: Sequence[Any]) -> None:
        """Refuse a value that no cell could be drawn with, before any is; raises InvalidInput."""
        for value in values:
            self._require(value)

    def _require(self, value: Any) -> None:
        if self.setting == PERSON:
            if services.studio().library.get(value).latest_run is None:
                raise InvalidInput(f"{value} has no trained LoRA yet; train one first.")
        elif self.setting == "style":
            find_style(services.studio().styles, value)
        else:
            settings_of(PortraitConfig)[self.setting].read(value, self.title)

    def label(self, job: Any, option: Any, value: Any) -> str:
        """Return what stands beside a row or above a column."""
        if isinstance(value, float):
            return f"{self.title} {round(value, 8):g}"
        return str(value)


def people() -> list[str]:
    """Name everybody who has a LoRA."""
    return [person.manifest.name for person in services.studio().library.trained()]


def styles() -> list[str]:
    return [*services.studio().styles]


AXES = (
    Axis("Person", PERSON, str, guarded(people, instead=list)),
    Axis("Style", "style", str, guarded(styles, instead=list)),
    Axis("LoRA weight", "lora_weight", float),
    Axis("Face fusion", "fusion_strength", float),
    Axis("Style LoRA weight", "style_lora_weight", float),
)


def add_axes() -> None:
    """Add our axes to every plot script that the webui has loaded; none is no fault."""
    from modules import scripts

    plots = {id(data.module): data.module for data in scripts.scripts_data}.values()
    for plot in plots:
        if isinstance(getattr(plot, "axis_options", None), list) and hasattr(plot, "AxisOption"):
            _add_to(plot)


def _add_to(plot: Any) -> None:
    """Add what is not there yet: some webuis keep the list over Reload UI."""
    there = {option.label for option in plot.axis_options}
    kind = getattr(plot, "AxisOptionTxt2Img", plot.AxisOption)
    for axis in AXES:
        if (label := PREFIX + axis.title) not in there:
            plot.axis_options.append(
                kind(
                    label,
                    axis.kind,
                    axis.apply,
                    format_value=axis.label,
                    confirm=axis.confirm,
                    choices=axis.choices,
                )
            )
