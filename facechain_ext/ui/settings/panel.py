"""The Models panel: what is installed, what may be fetched, where things are kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from facechain_ext.base.errors import FaceChainError, InvalidInput
from facechain_ext.installing.optional import OPTIONAL, OptionalPackage
from facechain_ext.nets.catalog import CATALOG, fetch, find
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page import markup
from facechain_ext.ui.page.compat import not_saved, on
from facechain_ext.ui.page.package_offer import PackageOffer
from facechain_ext.ui.page.progress import Progress
from facechain_ext.ui.page.services import Services
from facechain_ext.ui.settings import installed

CONSENT = "I agree to this download and to its licence"
OFFLINE = (
    "FaceChain was started with --facechain-offline: nothing is fetched and nothing installed."
)
RUNNERS = [each for each in OPTIONAL if any(entry.needs == each.name for entry in CATALOG)]
"""Packages that run nets."""


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
                self.parts = gr.HTML(elem_id=ids.PARTS)
                self.offers = self._offers(OPTIONAL, "parts")
                self.folders = gr.HTML()
        chosen = [self.summary, self.consent, self.fetch, *(offer.box for offer in self.runners)]
        outputs = [self.models, self.parts, self.folders, *(o.box for o in self.offers), *chosen]
        on(page.select, self._fill, [self.choice], outputs)
        on(self.choice.change, self._chosen, [self.choice], chosen)
        for offer in (*self.offers, *self.runners):
            offer.wire(self._fill, [self.choice], outputs)
        on(self.fetch.click, self._fetch, [self.choice, self.consent],
           [self.message, self.models], queue=True)  # fmt: skip

    def _draw_fetch(self) -> None:
        optional = [entry.id for entry in CATALOG if not entry.shipped]
        offline = self.services.offline
        if offline:
            gr.HTML(markup.message(OFFLINE, "note"))
        with gr.Column(visible=bool(optional) and not offline, elem_classes=["fc-fetch"]):
            self.choice = not_saved(
                gr.Dropdown(
                    optional,
                    value=next(iter(optional), None),
                    label="Optional net",
                    elem_id=ids.FETCH_CHOICE,
                )
            )
            self.summary = gr.HTML(elem_id=ids.FETCH_SUMMARY)
            self.runners = self._offers(RUNNERS, "fetch")
            self.consent = not_saved(
                gr.Checkbox(label=CONSENT, value=False, elem_id=ids.FETCH_CONSENT)
            )
            self.fetch = gr.Button("Fetch", elem_id=ids.FETCH)
            self.message = gr.HTML()

    def _offers(self, packages: Iterable[OptionalPackage], place: str) -> list[PackageOffer]:
        """Draw an offer of each of these, to be seen where it is missing."""
        offers = [PackageOffer(package, place, self.services.offline) for package in packages]
        for offer in offers:
            offer.draw()
        return offers

    def _fill(self, choice: str | None) -> list[Any]:
        paths = self.services.studio.host.paths
        return [
            installed.models(paths.models_dir),
            installed.parts(),
            installed.folders(self.services),
            *(offer.shown() for offer in self.offers),
            *self._chosen(choice),
        ]

    def _chosen(self, choice: str | None) -> list[Any]:
        """Tell about a net, and let it be fetched where it could run."""
        if not choice:
            return ["", *(gr.update() for _ in range(2 + len(self.runners)))]
        entry = find(choice)
        told = f'<p class="fc-hint">{escape(entry.summary)}</p>'
        usable = gr.update(interactive=not entry.unusable)
        offers = [offer.shown(offer.package.name == entry.needs) for offer in self.runners]
        return [told + markup.message(entry.unusable, "note"), usable, usable, *offers]

    def _fetch(self, choice: str, consent: bool) -> Iterator[tuple[str, str]]:
        models_dir = self.services.studio.host.paths.models_dir
        table = installed.models(models_dir)
        bar = Progress(f"Fetching {choice}", "running", None, "Downloading and checking")
        yield (bar.draw() if consent else ""), table
        try:
            self._require(choice)
            path = fetch(find(choice), models_dir, consent=consent)
        except FaceChainError as error:
            yield markup.message(str(error)), table
            return
        yield markup.message(f"Ready: {path.name}.", "good"), installed.models(models_dir)

    def _require(self, choice: str) -> None:
        """Raise InvalidInput where nothing is to be fetched, or where the net could not run."""
        if self.services.offline or find(choice).unusable:
            raise InvalidInput(OFFLINE if self.services.offline else find(choice).unusable)
