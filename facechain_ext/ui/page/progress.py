"""The progress bar and the line above it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Progress:
    """How far something is: share 0..1, None while that cannot be told; facts stand at the right.

    tone: a state's word, which chooses the colour.
    """

    title: str
    state: str
    share: float | None
    label: str
    facts: str = ""

    def draw(self) -> str:
        percent = None if self.share is None else round(100 * min(max(self.share, 0), 1))
        moving = self.share is None and self.state == "running"
        value = "" if percent is None else f' aria-valuenow="{percent}"'
        width = 100 if percent is None else percent
        shown = f"{percent} %" if percent is not None and self.state == "running" else self.state
        return (
            f'<div class="fc-progress fc-is-{escape(self.state)}">'
            f'<div class="fc-head"><strong>{escape(self.title)}</strong>'
            f'<span class="fc-badge">{escape(shown)}</span></div>'
            f'<div class="fc-bar{" fc-moving" if moving else ""}" role="progressbar" '
            f'aria-label="{escape(self.title)}" aria-valuemin="0" aria-valuemax="100"{value}>'
            f'<i style="width:{width}%"></i></div>'
            f'<div class="fc-foot"><span>{escape(self.label)}</span>'
            f"<span>{escape(self.facts)}</span></div></div>"
        )
