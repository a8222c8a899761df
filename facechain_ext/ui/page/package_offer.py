"""The offer to install an optional package that is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import gradio as gr

from facechain_ext.installing.optional import OptionalPackage
from facechain_ext.studio import packages
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page import markup
from facechain_ext.ui.page.actions import yielding_in_place
from facechain_ext.ui.page.compat import not_saved, on
from facechain_ext.ui.page.progress import Progress

TERMS = "What is installed already stays as it is. Install it?"
LONG = "Tries the imports of what is there before and after; that may take a minute or two"


@dataclass(eq=False)
class PackageOffer:
    """A button, then a question with size and licence; only its answer installs.

    place: where on the page, which tells its ids from those of the same offer elsewhere.
    """

    package: OptionalPackage
    place: str
    offline: bool = False

    @property
    def wanted(self) -> bool:
        return not self.offline and not self.package.installed

    def draw(self) -> None:
        """Draw it where it stands; nothing can be seen where it is not wanted."""
        name, own = self.package.name, f"{self.package.name}_{self.place}"
        with gr.Column(visible=self.wanted, elem_classes=["fc-offer"]) as self.box:
            self.ask = _button(f"Install {name} …", ids.INSTALL, own)
            with gr.Column(visible=False) as self.question:
                gr.HTML(markup.message(f"{self.package.summary}. {TERMS}", "note"))
                with gr.Row():
                    self.agreed = _button("I agree, install it", ids.INSTALL_AGREED, own, "primary")
                    self.refused = _button("Not now", ids.INSTALL_REFUSED, own)
        self.message = gr.HTML(elem_id=f"{ids.INSTALL_MESSAGE}_{own}")

    def wire(self, then: Callable[..., Any], inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Wire the buttons; then: draws anew what depends on the package."""
        on(self.ask.click, lambda: (gr.update(visible=True), ""), [], [self.question, self.message])
        on(self.refused.click, lambda: gr.update(visible=False), [], [self.question])
        install = yielding_in_place(self._install, 2, 3)
        done = on(self.agreed.click, install, [],
                  [self.box, self.question, self.message], queue=True)  # fmt: skip
        on(done.then, then, inputs, outputs)

    def shown(self, relevant: bool = True) -> Any:
        """Return an update for `box`."""
        return gr.update(visible=relevant and self.wanted)

    def _install(self) -> Iterator[tuple[Any, Any, str]]:
        bar = Progress(f"Installing {self.package.name}", "running", None, LONG)
        yield gr.update(), gr.update(visible=False), bar.draw()
        told = packages.install(self.package, consent=True)
        yield self.shown(), gr.update(visible=False), markup.message(told, "good")


def _button(
    label: str, kind: str, own: str, variant: Literal["primary", "secondary"] = "secondary"
) -> Any:
    button = gr.Button(
        label, size="sm", variant=variant, elem_id=f"{kind}_{own}", min_width=140, scale=0
    )
    return not_saved(button)
