"""What our page shows of pictures at work: as often and as the user wants previews."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tests.webui.conftest import Webui

LATENTS = torch.zeros(2, 4, 8, 8)
NAMES = {"Approx NN": "VAE-approx/model.pt", "TAESD": "VAE-taesd/taesd_decoder.pth"}


@pytest.fixture
def live(webui: Webui) -> Any:
    from facechain_ext.webui.host.live_preview import LivePreview

    return LivePreview()


@pytest.fixture
def opts(webui: Webui, monkeypatch: pytest.MonkeyPatch) -> Any:
    opts = SimpleNamespace(live_previews_enable=True, show_progress_every_n_steps=3)
    monkeypatch.setattr(webui.module("modules.shared"), "opts", opts)
    return opts


def seen(webui: Webui, live: Any, steps: range, latents: torch.Tensor = LATENTS) -> list[bool]:
    """Tell at which steps a picture is new."""
    new, last = [], None
    for step in steps:
        webui.state.current_latent, webui.state.sampling_step = latents, step
        new.append((picture := live.pixels()) is not last)
        last = picture
    return new


def test_comes_as_often_as_the_user_wants(webui: Webui, live: Any, opts: Any) -> None:
    assert seen(webui, live, range(8)) == [False, False, False, True, False, False, True, False]


def test_begins_anew_in_a_second_pass(webui: Webui, live: Any, opts: Any) -> None:
    seen(webui, live, range(8))
    assert seen(webui, live, range(1, 5)) == [True, False, True, False]  # the old one, then anew


@pytest.mark.parametrize(
    "wish", [{"live_previews_enable": False}, {"show_progress_every_n_steps": -1}]
)
def test_stays_away_where_it_is_not_wanted(
    webui: Webui, live: Any, opts: Any, wish: dict[str, Any]
) -> None:
    vars(opts).update(wish)
    assert not any(seen(webui, live, range(12)))


def test_is_there_for_nobody_else(webui: Webui, live: Any, opts: Any) -> None:
    seen(webui, live, range(8))
    assert webui.state.current_image is None


@pytest.mark.parametrize(("grid", "shape"), [(True, (16, 8, 3)), (False, (8, 8, 3))])
def test_shows_one_or_all(
    webui: Webui, live: Any, opts: Any, grid: bool, shape: tuple[int, ...]
) -> None:
    opts.show_progress_grid = grid
    seen(webui, live, range(4))
    assert live.pixels().shape == shape


@pytest.mark.parametrize("method", [*NAMES])
def test_fetches_nothing(webui: Webui, live: Any, opts: Any, tmp_path: Path, method: str) -> None:
    """Without the method's weights the colours are fitted to the model's own decoder, once."""
    opts.show_progress_type = method
    webui.module("modules.paths").models_path = str(tmp_path)
    decoded = webui.module("modules.sd_samplers_common").decoded
    seen(webui, live, range(8))
    assert decoded == [(2, 4, 6, 6)]
    assert live.pixels().shape == (32, 64, 3)
    weights = tmp_path / NAMES[method]
    weights.parent.mkdir()
    weights.touch()
    seen(webui, live, range(8, 12))
    assert live.pixels().shape == (16, 8, 3)


def test_of_the_mini_is_by_its_own_decoder(webui: Webui, live: Any, opts: Any) -> None:
    info = SimpleNamespace(filename="/somewhere/facechain-mini.safetensors")
    webui.module("modules.shared").sd_model = SimpleNamespace(sd_checkpoint_info=info)
    seen(webui, live, range(4))
    assert live.pixels().shape == (32, 64, 3)


def test_that_cannot_be_made_costs_nothing_else(webui: Webui, live: Any, opts: Any) -> None:
    broken: Any = "no latents"
    assert not any(seen(webui, live, range(4), broken))
