"""The fold in which a picture is given to lead portraits by: its pose, its depth, its edges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from facechain_ext.base.controls import ControlKind, Depth
from facechain_ext.base.records import Pixels
from facechain_ext.config import PortraitConfig
from facechain_ext.config.setting import settings_of
from facechain_ext.imaging.files import read_photo
from facechain_ext.imaging.pose_text import write_pose
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.pose_gallery import TURNS, named_pose
from facechain_ext.studio.nudging import mirrored, nudged
from facechain_ext.studio.posing import (
    KINDS,
    DepthReader,
    condition_of,
    drawn_condition,
    relief,
)
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page import markup
from facechain_ext.ui.page.actions import failing_in_place
from facechain_ext.ui.page.compat import UNCHANGED, not_saved, on, paths_of
from facechain_ext.ui.page.widgets import ConfigForm

SIDE = 320
STEP, LARGER = 0.03, 1.08
NUDGES: dict[str, tuple[float, float, float]] = {
    "Left": (-STEP, 0, 1),
    "Right": (STEP, 0, 1),
    "Up": (0, -STEP, 1),
    "Down": (0, STEP, 1),
    "Larger": (0, 0, LARGER),
    "Smaller": (0, 0, 1 / LARGER),
}
TIMES = ("control_start", "control_end")
STRENGTHS = tuple(f"{kind}_strength" for kind in KINDS)
FIELDS = (*KINDS, *STRENGTHS, *TIMES)
"""The settings that this fold holds."""
HINT = (
    '<p class="fc-hint">A picture that portraits are led by. It needs a ControlNet for the '
    "checkpoint; the picture itself is not kept.</p>"
)


@dataclass(eq=False)
class ControlsForm:
    """Draws its fields into a form: texts out of sight, and what is seen of them.

    depth: reads depth, and is told of on the page; None: always a relief.
    """

    form: ConfigForm[PortraitConfig]
    nets: FaceNets
    depth: DepthReader | None = None

    def draw(self) -> None:
        """Draw the fold, closed."""
        titles = [(settings_of(PortraitConfig)[kind].label, kind) for kind in KINDS]
        with gr.Accordion(
            "Pose, depth and edges of a picture", open=False, elem_id=ids.CONTROLS
        ) as self.fold:
            gr.HTML(HINT)
            self.kind = gr.Radio(
                titles, value=KINDS[0], label="What is kept of it", elem_id=ids.CONTROL_KIND
            )
            self.picture = not_saved(
                gr.File(label="Picture", file_types=["image"], elem_id=ids.CONTROL_PICTURE)
            )
            self.named = not_saved(
                gr.Dropdown(
                    [*TURNS], value=None, label="Or a pose by name", elem_id=ids.CONTROL_NAMED
                )
            )
            self.message = gr.HTML(elem_id=ids.CONTROL_MESSAGE)
            self.shown = gr.HTML(elem_id=ids.CONTROL_SHOWN)
            with gr.Column(visible=False) as self.changes:
                self._draw_changes()
            self.form.draw(*KINDS, visible=False, max_lines=1)
            for kind in KINDS:
                not_saved(self.form.components[kind])
        self._wire()

    def _draw_changes(self) -> None:
        with gr.Row(elem_classes=["fc-nudges"]):
            self.mirror = gr.Button(
                "Mirror it", size="sm", min_width=80, elem_id=ids.CONTROL_MIRROR
            )
            self.nudges = {
                name: gr.Button(
                    name, size="sm", min_width=64, elem_id=f"{ids.CONTROL_NUDGE}_{name.lower()}"
                )
                for name in NUDGES
            }
            self.clear = gr.Button(
                "Leave it out", size="sm", min_width=100, elem_id=ids.CONTROL_CLEAR
            )
        self.form.draw(*STRENGTHS, *TIMES)

    def _wire(self) -> None:
        texts = [self.form.components[kind] for kind in KINDS]
        size = [self.form.components[side] for side in ("width", "height")]
        read = failing_in_place(self._read, outputs=2 + len(KINDS))
        outputs = [self.message, self.picture, *texts]
        on(self.picture.upload, read, [self.picture, self.kind, *size], outputs)
        on(self.kind.change, lambda: "", [], [self.message])
        on(self.named.input, _written, [self.named], [self.form.components["pose"]])
        strengths = [self.form.components[name] for name in STRENGTHS]
        seen = [self.shown, self.changes, *strengths]
        for text in texts:
            on(text.change, self._show, [*texts, *size], seen)
        on(self.mirror.click, self._changing(mirrored), texts, texts)
        for name, (x, y, scale) in NUDGES.items():
            nudge = partial(nudged, x=x, y=y, scale=scale)
            on(self.nudges[name].click, self._changing(nudge), texts, texts)
        on(self.clear.click, lambda: ("",) * len(KINDS), [], texts)

    def _read(self, file: Any, kind: ControlKind, width: Any, height: Any) -> tuple[Any, ...]:
        """Read an upload, which is gone afterwards, as the one kind that is asked for."""
        (path,) = paths_of([file])
        try:
            pixels = read_photo(path).pixels
        finally:
            path.unlink(missing_ok=True)
        by: list[str] = []

        def read_depth(pixels: Pixels, nets: FaceNets) -> Depth:
            found = (self.depth or relief)(pixels, nets)
            by.append(found.by if self.depth else "")
            return found

        text = condition_of(kind, pixels, self.nets, sized(width, height), read_depth)
        told = "".join(markup.message(f"Depth by {each}.", "note") for each in by if each)
        return told, gr.update(value=None), *(text if each == kind else UNCHANGED for each in KINDS)

    def _show(self, *values: Any) -> tuple[Any, ...]:
        texts, (width, height) = values[: len(KINDS)], values[len(KINDS) :]
        there = {kind: text for kind, text in zip(KINDS, texts, strict=True) if text}
        pictures = failing_in_place(_drawn)(there, width, height)
        seen = (gr.update(visible=kind in there) for kind in KINDS)
        return pictures, gr.update(visible=bool(there)), *seen

    def _changing(self, change: Any) -> Any:
        """Change every text that is there; one that cannot be stays."""

        def changed(*texts: str) -> list[Any]:
            pairs = zip(KINDS, texts, strict=True)
            return [change(kind, text) if text else UNCHANGED for kind, text in pairs]

        return changed


def _written(name: str | None) -> Any:
    """Write a pose of the gallery out, so that it can be mirrored and moved."""
    pose = named_pose(name or "")
    return UNCHANGED if pose is None else write_pose(pose)


def sized(width: Any, height: Any) -> PortraitConfig:
    """Return settings of this size, as it is typed; raises InvalidInput."""
    sides = {"width": width, "height": height}
    read = {name: settings_of(PortraitConfig)[name].read(side) for name, side in sides.items()}
    return PortraitConfig(**read)


def _drawn(there: dict[ControlKind, str], width: Any, height: Any) -> str:
    """Draw what ControlNets would be shown."""
    config = sized(width, height)
    pictures = (
        markup.picture(drawn_condition(kind, text, config), _told(kind), SIDE)
        for kind, text in there.items()
    )
    return f'<div class="fc-conditions">{"".join(pictures)}</div>' if there else ""


def _told(kind: ControlKind) -> str:
    return f"{settings_of(PortraitConfig)[kind].label} that portraits are led by"
