"""How far portraits are, as the page draws it, whether or not there are any."""

from __future__ import annotations

from facechain_ext.jobs.queue import JobState
from facechain_ext.ui.page import markup
from facechain_ext.ui.portraits import desk as portraits
from facechain_ext.ui.portraits.desk import PortraitDesk


def progress(desk: PortraitDesk) -> str:
    """Draw the running or latest job with what went wrong, or say what is to be done."""
    job = desk.job()
    if job is not None:
        tone: markup.Tone = "note" if job.state is JobState.CANCELED else "error"
        return portraits.progress(job) + markup.message(str(job.error or ""), tone)
    if desk.names() or not desk.needs_somebody:
        return markup.empty(f"No {desk.noun} yet", desk.how)
    return markup.empty(
        "Nobody is trained yet", f"Train a person in People first; then {desk.noun} can be made."
    )
