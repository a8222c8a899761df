"""The webui's bar in the console ends with our job, at its total."""

from __future__ import annotations

from facechain_ext.base.host import GenerationRequest
from tests.webui.conftest import Webui


def test_it_ends_at_its_total_job_after_job(webui: Webui) -> None:
    from facechain_ext.webui.host import drawing
    from facechain_ext.webui.host.webui_host import WebuiHost

    bar = webui.module("modules.shared").total_tqdm
    request = GenerationRequest("a", seeds=tuple(range(drawing.LARGEST_BATCH + 1)), steps=2)
    for _ in range(2):
        list(WebuiHost().generate(request))
    assert bar.bars == [(2, 4), (4, 4)] * 2


def test_a_webui_without_the_bar_draws_all_the_same(webui: Webui) -> None:
    from facechain_ext.webui.host.total_bar import total_bar

    webui.module("modules.shared").total_tqdm = None
    with total_bar(done=1, total=2):
        pass
