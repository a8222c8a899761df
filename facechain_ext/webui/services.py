"""The one studio and the one queue of this process; they outlive Reload UI."""

from __future__ import annotations

from functools import cache, partial

from facechain_ext.config import JobsConfig
from facechain_ext.jobs.queue import Jobs
from facechain_ext.nets import FaceNets
from facechain_ext.studio.studio import Studio
from facechain_ext.ui.live import LivePage
from facechain_ext.ui.page.services import Services
from facechain_ext.webui import sending, settings
from facechain_ext.webui.host.guarded import guarded
from facechain_ext.webui.which import make_host


@cache
def studio() -> Studio:
    return Studio(make_host(), FaceNets())


@cache
def jobs() -> Jobs:
    return Jobs(studio(), partial(settings.chosen, JobsConfig), program="the webui")


@cache
def services() -> Services:
    """Return what the tab is given."""
    return Services(
        studio=studio(),
        jobs=jobs(),
        sampler_names=guarded(_sampler_names, instead=list),
        send_buttons=guarded(sending.draw_send_buttons),
        paste_fields=sending.paste_fields,
        redraws=True,
        defaults=settings.chosen,
        offline=_offline(),
    )


@cache
def live_page() -> LivePage:
    """Return what draws the tab while work goes on."""
    return LivePage(services())


def _offline() -> bool:
    from modules import shared

    return bool(getattr(shared.cmd_opts, "facechain_offline", False))


def _sampler_names() -> list[str]:
    from modules import sd_samplers

    return [*sd_samplers.visible_sampler_names()]
