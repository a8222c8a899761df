"""The button below portraits that has the next ones led by the pose of one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from facechain_ext.base.errors import InvalidInput
from facechain_ext.imaging.files import read_photo
from facechain_ext.studio.posing import condition_of
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page.actions import failing_in_place
from facechain_ext.ui.page.compat import on
from facechain_ext.ui.page.redraw import Redraw
from facechain_ext.ui.portraits.controls_form import ControlsForm, sized
from facechain_ext.ui.portraits.desk import PortraitDesk


@dataclass(eq=False)
class PoseAgain:
    """Takes the pose of the selected portrait, of the best one where none is."""

    desk: PortraitDesk
    controls: ControlsForm

    def draw(self) -> None:
        self.place = gr.State(0)
        self.button = gr.Button("Use this pose", size="sm", visible=False, elem_id=ids.POSE_AGAIN)
        self.message = gr.HTML(elem_id=ids.POSE_AGAIN_MESSAGE)

    def wire(self, gallery: Any) -> None:
        """Follow what is selected in the portraits' gallery, and put the pose into the fold."""
        on(gallery.select, _place, [], [self.place])
        form = self.controls.form.components
        use = failing_in_place(self._use, outputs=3)
        inputs = [self.place, form["width"], form["height"]]
        on(self.button.click, use, inputs, [self.message, form["pose"], self.controls.fold])

    def _use(self, place: int, width: Any, height: Any) -> tuple[Any, ...]:
        job = self.desk.shown_job()
        shown = self.desk.results(job).ranked if job else []
        if not shown:
            raise InvalidInput("There is no portrait to take the pose of.")
        path, _ = shown[min(place, len(shown) - 1)]
        pixels = read_photo(Path(path)).pixels
        pose = condition_of("pose", pixels, self.controls.nets, sized(width, height))
        return "", pose, gr.update(open=True)

    @property
    def outputs(self) -> dict[str, Any]:
        return {
            "pose_again": self.button,
            "pose_again_place": self.place,
            "pose_again_message": self.message,
        }

    def refresh(self, page: Redraw, mark: str, ranked: Sequence[Any]) -> None:
        """Begin with the best of what a job has left; mark: which job's."""
        page.put("pose_again", gr.update(visible=bool(ranked)))
        page.put("pose_again_place", 0, mark)
        page.put("pose_again_message", "", mark)


def _place(event: gr.SelectData) -> int:
    return int(event.index)
