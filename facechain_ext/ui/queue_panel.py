"""The queue: what runs, what waits and in which order, with a stop for each and for all."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from facechain_ext.jobs.queue import Jobs
from facechain_ext.ui import queue_view
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page import markup
from facechain_ext.ui.page.actions import failing_in_place
from facechain_ext.ui.page.compat import not_saved, on
from facechain_ext.ui.page.redraw import Redraw
from facechain_ext.ui.queue_view import MOST_SHOWN, how_far

__all__ = ["MOST_SHOWN", "QueuePanel", "how_far"]

_JOB = re.compile(r'data-job="([0-9a-f]+)"')
_SHOWN = "(told) => document.querySelector('#{id} [data-job]')?.outerHTML ?? told"
"""Send the row as it stands there: the page's script draws it, and gradio does not hear of that."""


@dataclass(eq=False)
class QueuePanel:
    """One row for each job, hidden while there are none; what is in it lives in the queue itself.

    A row tells which job it shows, and its button stops that one, whatever has moved meanwhile.
    """

    jobs: Jobs
    rows: list[tuple[Any, Any]] = field(default_factory=list)

    def draw(self) -> None:
        """Draw the panel into the page that is being built."""
        with gr.Column(visible=False, elem_id=ids.QUEUE, elem_classes=["fc-queue"]) as self.panel:
            for number in range(MOST_SHOWN):
                self._draw_row(number)
            with gr.Row(visible=False, elem_classes=["fc-job-row"]) as self.end:
                self.rest = gr.HTML(elem_id=ids.QUEUE_REST)
                self.stop_all = not_saved(
                    gr.Button("Stop all", elem_id=ids.STOP_ALL, size="sm", min_width=90, scale=0)
                )
        on(self.stop_all.click, failing_in_place(self._stop_all), [], [self.rest])

    def _draw_row(self, number: int) -> None:
        told_id, row_id = ids.queue_row(number), f"{ids.QUEUE}_{number + 1}"
        with gr.Row(visible=False, elem_id=row_id, elem_classes=["fc-job-row"]) as row:
            told = gr.HTML(elem_id=told_id)
            stop = not_saved(gr.Button("Stop", size="sm", min_width=90, scale=0))
        on(stop.click, failing_in_place(self._stop), [told], [told], js=_SHOWN.format(id=told_id))
        self.rows.append((row, told))

    def _stop(self, told: str) -> str:
        """Stop the job that the row shows; answers with the row as it is then."""
        found = _JOB.search(told or "")
        job = self.jobs.get(found[1]) if found else None
        if job is None:
            return ""
        job.cancel()
        return markup.live(queue_view.row(job))

    def _stop_all(self) -> str:
        self.jobs.stop_all()
        return markup.live(queue_view.note("Stopping everything …"))

    @property
    def outputs(self) -> dict[str, Any]:
        parts = {f"queue_{n}{kind}": part for n, row in enumerate(self.rows)
                 for kind, part in zip(("", "_told"), row, strict=True)}  # fmt: skip
        return {"queue": self.panel, "queue_end": self.end, "queue_rest": self.rest, **parts}

    def refresh(self, page: Redraw) -> None:
        """Put everything that may have changed."""
        active = self.jobs.active()
        page.put("queue", gr.update(visible=bool(active)))
        page.put("queue_end", gr.update(visible=len(active) > 1))
        page.put("queue_rest", markup.live(queue_view.summary(active)))
        for number, told in enumerate(queue_view.rows(active)):
            page.put(f"queue_{number}", gr.update(visible=bool(told)))
            page.put(f"queue_{number}_told", markup.live(told))
