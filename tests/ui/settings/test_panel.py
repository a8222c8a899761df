"""The Models page: SPAN where ncnn is missing, offers of packages, and nothing of it offline."""

from __future__ import annotations

from dataclasses import replace

import gradio as gr
import pytest

from facechain_ext.installing.optional import OPTIONAL, OptionalPackage
from facechain_ext.ui.page.services import Services
from facechain_ext.ui.settings import panel as panels
from facechain_ext.ui.settings.panel import SettingsPanel


def drawn(services: Services) -> SettingsPanel:
    panel = SettingsPanel(services)
    with gr.Blocks(), gr.Tabs(), gr.Tab("Models") as page:
        panel.draw(page)
    return panel


@pytest.fixture(params=[False, True], ids=["missing", "there"])
def there(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the optional packages are installed."""
    monkeypatch.setattr(OptionalPackage, "installed", request.param)
    return bool(request.param)


def test_span_is_to_be_had_where_ncnn_is(services: Services, there: bool) -> None:
    panel = drawn(services)
    summary, consent, fetch, runner, *_ = panel._chosen("span")
    assert consent["interactive"] is fetch["interactive"] is there
    assert runner["visible"] is not there
    assert ("runs in the package ncnn, which is not installed" in summary) is not there
    assert "licence Apache-2.0" in summary
    *_, (told, _) = panel._fetch("span", not there)
    why = "Nothing is downloaded without your consent" if there else "runs in the package ncnn"
    assert why in told


def test_every_missing_package_is_offered(services: Services, there: bool) -> None:
    panel = drawn(services)
    assert [offer.package for offer in panel.offers] == [*OPTIONAL]
    assert [offer.wanted for offer in panel.offers] == [not there] * len(OPTIONAL)
    boxes = panel._fill("span")[3 : 3 + len(OPTIONAL)]
    assert [box["visible"] for box in boxes] == [not there] * len(OPTIONAL)


def test_offline_nothing_is_offered_or_fetched(
    services: Services, there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panels, "fetch", lambda *_, **__: pytest.fail("it was fetched"))
    panel = drawn(replace(services, offline=True))
    assert not any(offer.wanted for offer in (*panel.offers, *panel.runners))
    *_, (told, _) = panel._fetch("span", True)
    assert "--facechain-offline" in told
