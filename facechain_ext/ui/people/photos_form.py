"""Photos chosen and judged, and the consent to have them trained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from facechain_ext.config import PrepareConfig
from facechain_ext.installing.optional import PILLOW_HEIF
from facechain_ext.ui.page import compat
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page.actions import yielding_in_place
from facechain_ext.ui.page.compat import not_saved, on
from facechain_ext.ui.page.package_offer import PackageOffer
from facechain_ext.ui.page.redraw import Redraw
from facechain_ext.ui.page.widgets import ConfigForm
from facechain_ext.ui.people import picker
from facechain_ext.ui.people.verdicts import MOST_PHOTOS, PhotoCheck

CONSENT = "These are photos of me, or of somebody who agreed to have them trained."


@dataclass(eq=False)
class PhotosForm:
    """prepare: the settings by which photos are judged. offline: nothing is to be installed."""

    check: PhotoCheck
    prepare: ConfigForm[PrepareConfig]
    offline: bool

    def draw(self) -> None:
        self.photos = not_saved(
            gr.File(
                label=f"Photos: 5 to 15 are good, {MOST_PHOTOS} at most",
                file_count="multiple",
                file_types=picker.file_types(),
                elem_id=ids.PHOTOS,
            )
        )
        self.hint = gr.HTML(picker.hint())
        self.heic = PackageOffer(PILLOW_HEIF, "picker", self.offline)
        self.heic.draw()
        self.verdicts = gr.HTML(elem_id=ids.VERDICTS)
        self.consent = not_saved(gr.Checkbox(label=CONSENT, value=False, elem_id=ids.CONSENT))

    def wire(self) -> None:
        on(self.photos.change, yielding_in_place(self._judge),
           [self.photos, *self.prepare.inputs], [self.verdicts], queue=True)  # fmt: skip
        self.heic.wire(self._taken, [], [self.photos, self.hint])

    def _judge(self, files: Any, *values: Any) -> Iterator[str]:
        paths = compat.paths_of(files)
        if not paths:
            yield ""
            return
        yield from self.check.cards(paths, self.prepare.read(values))

    def _taken(self) -> tuple[Any, str]:
        """Let the picker take what can be read now."""
        stays = bool(self.hint.value) and not compat.CAN_TAKE_OTHERS
        return compat.taking(picker.file_types()), picker.hint(drawn_without=stays)

    @property
    def outputs(self) -> dict[str, Any]:
        return {"photos": self.photos, "hint": self.hint, "heic": self.heic.box}

    def refresh(self, page: Redraw) -> None:
        """Follow what has been installed since the page was built, by whomever."""
        photos, hint = self._taken()
        if hint != self.hint.value:
            page.put("photos", photos)
            page.put("hint", hint)
            page.put("heic", self.heic.shown())
