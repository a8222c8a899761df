"""The Models panel: what is installed, what may be fetched, where things are kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from facechain_ext.base.errors import FaceChainError
from facechain_ext.nets.catalog import CATALOG, fetch, find
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page import markup
from facechain_ext.ui.page.compat import not_saved, on
from facechain_ext.ui.page.progress import Progress
from facechain_ext.ui.page.services import Services
from facechain_ext.ui.settings import installed

CONSENT = "I agree to this download and to its licence"


@dataclass(eq=False)
class SettingsPanel:
    """Draws itself when made; its lists are filled in when its page is opened."""

    services: Services

    def draw(self, page: Any) -> None:
        """Draw the panel; page: the tab whose opening fills it in."""
        with gr.Row(elem_classes=["fc-split"]):
            with gr.Column(scale=7, min_width=320):
                self.models = gr.HTML(elem_id=ids.INSTALLED)
                self._draw_fetch()
            with gr.Column(scale=5, min_width=320):
                self.parts = gr.HTML()
                self.folders = gr.HTML()
        outputs = [self.models, self.parts, self.folders, self.summary]
        on(page.select, self._fill, [self.choice], outputs)
        on(self.choice.change, self._summary, [self.choice], [self.summary])
        on(self.fetch.click, self._fetch, [self.choice, self.consent],
           [self.message, self.models], queue=True)  # fmt: skip

    def _draw_fetch(self) -> None:
        optional = [entry.id for entry in CATALOG if not entry.shipped]
        with gr.Column(visible=bool(optional), elem_classes=["fc-fetch"]):
            self.choice = not_saved(
                gr.Dropdown(
                    optional,
                    value=next(iter(optional), None),
                    label="Optional net",
                    elem_id=ids.FETCH_CHOICE,
                )
            )
            self.summary = gr.HTML()
            self.consent = not_saved(
                gr.Checkbox(label=CONSENT, value=False, elem_id=ids.FETCH_CONSENT)
            )
            self.fetch = gr.Button("Fetch", elem_id=ids.FETCH)
            self.message = gr.HTML()

    def _fill(self, choice: str | None) -> list[str]:
        paths = self.services.studio.host.paths
        return [
            installed.models(paths.models_dir),
            installed.parts(),
            installed.folders(self.services),
            self._summary(choice),
        ]

    def _summary(self, choice: str | None) -> str:
        return f'<p class="fc-hint">{escape(find(choice).summary)}</p>' if choice else ""

    def _fetch(self, choice: str, consent: bool) -> Iterator[tuple[str, str]]:
        models_dir = self.services.studio.host.paths.models_dir
        table = installed.models(models_dir)
        bar = Progress(f"Fetching {choice}", "running", None, "Downloading and checking")
        yield (bar.draw() if consent else ""), table
        try:
            path = fetch(find(choice), models_dir, consent=consent)
        except FaceChainError as error:
            yield markup.message(str(error)), table
            return
        yield markup.message(f"Ready: {path.name}.", "good"), installed.models(models_dir)
