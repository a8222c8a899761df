"""The Talk panel: somebody, words or a recording, and the video to watch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from facechain_ext.config import TalkConfig
from facechain_ext.installing.optional import AV, HIBARI, PYPINYIN
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page import markup
from facechain_ext.ui.page.actions import failing_in_place, is_running
from facechain_ext.ui.page.compat import (
    MICROPHONE,
    UNCHANGED,
    as_recorded,
    not_saved,
    on,
    paths_of,
)
from facechain_ext.ui.page.package_offer import PackageOffer
from facechain_ext.ui.page.redraw import Redraw
from facechain_ext.ui.page.start_stop import draw_start_stop
from facechain_ext.ui.page.widgets import ConfigForm
from facechain_ext.ui.talking.desk import TalkDesk, progress, voices

LABELS = {"seed": "Talk seed", "restore_faces": "Restore the face", "face": "Which face"}
RECORDINGS = [".wav", ".mp3", ".m4a", ".ogg", ".opus", ".flac", ".webm"]
PICTURES = [".png", ".jpg", ".jpeg", ".webp"]
ONLINE = ("online_voice", "send_text")
"""What is asked of the voice that is not made here."""
NOBODY = "(the picture below)"


@dataclass(eq=False)
class TalkPanel:
    """Draws itself when made; `refresh` is called with every pulse of the page."""

    desk: TalkDesk

    def draw(self) -> None:
        """Draw the panel into the page that is being built."""
        self.form = ConfigForm(TalkConfig(), LABELS)
        with gr.Row(elem_classes=["fc-split"]):
            with gr.Column(scale=5, min_width=320):
                self._draw_request()
            with gr.Column(scale=7, min_width=320):
                self.progress = gr.HTML(elem_id=ids.TALK_PROGRESS)
                self.video = gr.Video(label="Video", elem_id=ids.TALK_VIDEO, interactive=False)
        self._wire()

    def _draw_request(self) -> None:
        self.person = not_saved(
            gr.Dropdown([NOBODY], value=NOBODY, label="Who speaks", elem_id=ids.TALK_PERSON,
                        interactive=True, info="Speaks by the newest portrait; photos lend teeth.")
        )  # fmt: skip
        self.portrait = _file("Another portrait", ids.TALK_PORTRAIT, PICTURES)
        self.form.draw("text", lines=3)
        with gr.Accordion("A recording instead", open=False):
            self.audio = _file("A recording", ids.TALK_AUDIO, RECORDINGS)
            spoken = gr.Audio(label="Speak", type="filepath", **MICROPHONE)
            self.spoken = not_saved(as_recorded(spoken))
            self.form.draw("listening")
        offline = self.desk.services.offline
        with gr.Accordion("Voice and movement", open=False):
            self.form.draw("voice", *(() if offline else ONLINE))
            self.voices = gr.HTML(elem_id=ids.TALK_VOICES)
            redraws = self.desk.services.redraws
            self.form.draw_rest(leave_out=(*ONLINE, *(() if redraws else ("restore_faces",))))
        packages = (AV, HIBARI, PYPINYIN)
        self.offers = [PackageOffer(each, "talk", offline) for each in packages]
        for offer in self.offers:
            offer.draw()
        self._draw_actions()

    def _draw_actions(self) -> None:
        self.message, self.start, self.stop = draw_start_stop(
            "Talk", "Stop talking", (ids.TALK_MESSAGE, ids.TALK, ids.STOP_TALK)
        )

    def _wire(self) -> None:
        inputs = [self.person, self.portrait, self.audio, self.spoken, *self.form.inputs]
        on(self.start.click, failing_in_place(self._talk), inputs, [self.message])
        on(self.stop.click, failing_in_place(self._stop), [], [self.message])
        for offer in self.offers:
            offer.wire(lambda: "", [], [self.message])

    def _talk(
        self, name: str | None, portrait: Any, audio: Any, spoken: str | None, *values: Any
    ) -> str:
        config = self.form.read(values)
        recorded = [*paths_of(_listed(audio)), *([Path(spoken)] if spoken else [])]
        pictures = paths_of(_listed(portrait))
        person = None if name == NOBODY else name
        self.desk.talk(person, next(iter(pictures), None), next(iter(recorded), None), config)
        return ""

    def _stop(self) -> str:
        self.desk.stop()
        return ""  # the queue says that it stops

    @property
    def inputs(self) -> list[Any]:
        return [self.person]

    @property
    def outputs(self) -> dict[str, Any]:
        return {
            "talk_person": self.person,
            "talk_progress": self.progress,
            "talk_voices": self.voices,
            "talk_message": self.message,
            "stop_talk": self.stop,
            "talk_video": self.video,
        }

    def refresh(self, page: Redraw, values: Sequence[Any]) -> None:
        """Put everything that may have changed; values: of `inputs`."""
        names = [NOBODY, *self.desk.names()]
        value = values[0] if values[0] in names else names[-1]
        page.put("talk_person", gr.update(choices=names, value=value), names)
        page.put("talk_voices", voices(self.desk))
        page.put("talk_progress", markup.live(progress(self.desk)))
        job = self.desk.job()
        page.forget_message("talk", job)
        page.put("stop_talk", gr.update(interactive=is_running(job)))
        video = None if is_running(job) else self.desk.video(job)
        page.put("talk_video", UNCHANGED if video is None else video, video or "")


def _file(label: str, elem_id: str, suffixes: list[str]) -> Any:
    return not_saved(
        gr.File(label=label, file_count="single", file_types=suffixes, elem_id=elem_id)
    )


def _listed(file: Any) -> list[Any]:
    return [] if not file else [file]
