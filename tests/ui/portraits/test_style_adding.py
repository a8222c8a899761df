"""Styles added on the page, from files and from LoRAs."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import gradio as gr
import numpy as np
import pytest

from facechain_ext.imaging.encode import encode_png
from facechain_ext.styles import Style
from facechain_ext.ui.page.actions import failing_in_place
from facechain_ext.ui.page.compat import UNCHANGED
from facechain_ext.ui.page.services import Services
from facechain_ext.ui.portraits import styles_view
from facechain_ext.ui.portraits.style_adding import NONE, StyleAdding
from facechain_ext.ui.portraits.style_choice import StyleChoice
from facechain_ext.ui.portraits.style_desk import AT_ONCE, EVERY, StyleDesk
from tests.studio.test_lora_cards import lora, plain
from tests.styles.test_foreign import THEIRS

pytestmark = pytest.mark.slow(10)


@pytest.fixture
def desk(services: Services) -> StyleDesk:
    services.studio.host.paths.lora_dir.mkdir(parents=True, exist_ok=True)
    return StyleDesk(services)


@pytest.fixture
def adding(desk: StyleDesk) -> StyleAdding:
    drawn = StyleAdding(desk)
    with gr.Blocks():
        drawn.draw()
    return drawn


def test_a_lora_is_described_and_added(adding: StyleAdding, desk: StyleDesk) -> None:
    lora(desk.services.studio.host.paths.lora_dir, modelspec__trigger_phrase="<b>ink",
         modelspec__license="CC0")  # fmt: skip
    card, button = adding._describe("ink")
    assert all(told in card for told in ("&lt;b&gt;ink", "CC0", "LoRA ink at 0.4"))
    assert button["interactive"]
    told, files = adding._add(None, "ink")
    assert "Added: ink." in told
    assert files == gr.update(value=None)
    assert "ink" in desk.services.studio.styles


def test_a_lora_of_another_family_is_greyed_with_the_reason(
    adding: StyleAdding, desk: StyleDesk
) -> None:
    folder = desk.services.studio.host.paths.lora_dir
    lora(folder, 2048, "big")
    card, button = adding._describe("big")
    assert "SDXL" in card
    assert not button["interactive"]
    adding._add(None, "big")
    choice = StyleChoice(desk)
    with gr.Blocks():
        choice.draw(gr.Dropdown(["Ana"]), "portrait")
    shown = dict(zip(choice.outputs, choice._look(None, "", "LoRA", AT_ONCE, "big"), strict=True))
    assert "label:nth-of-type(1){opacity" in shown["style_sheet"]
    assert "SDXL" in shown["style_about"]
    shown = dict(zip(choice.outputs, choice._look(None, "", EVERY, AT_ONCE, "warm"), strict=True))
    assert "SDXL" not in shown["style_about"]


def test_a_checkpoint_among_the_loras_is_told(adding: StyleAdding, desk: StyleDesk) -> None:
    plain(desk.services.studio.host.paths.lora_dir, "model.diffusion_model.out.2.weight")
    card, button = adding._describe("whole")
    assert "whole checkpoint, not a LoRA" in card
    assert not button["interactive"]
    assert adding._describe(NONE) == ("", gr.update(interactive=True))


def test_files_are_added_and_what_is_bad_is_told(
    adding: StyleAdding, desk: StyleDesk, tmp_path: Path
) -> None:
    good, bad = tmp_path / "hanfu.json", tmp_path / "bad.json"
    good.write_text(json.dumps(THEIRS), encoding="utf-8")
    bad.write_text('{"name": "boat",\n"title": 3}', encoding="utf-8")
    told, _ = adding._add([str(good), str(bad)], NONE)
    assert "Added: Hanfu." in told
    assert "bad.json: Line 1: Style &#x27;boat&#x27; lacks: prompt." in told
    told, files = adding._add([str(bad)], NONE)
    assert 'role="alert"' in told
    assert files == UNCHANGED
    assert "Choose style files" in failing_in_place(adding._add, 0, 2)(None, NONE)[0]


def test_a_styles_own_picture_is_drawn_anew_and_a_damaged_one_is_not() -> None:
    data = b64encode(encode_png(np.full((40, 40, 3), 90, np.uint8))).decode()
    own, damaged = (
        Style("own", "Own", "{person}", preview=f"data:image/png;base64,{text}")
        for text in (data, data[:40])
    )
    assert "url(data:image/jpeg;base64," in styles_view.sheet([own])
    assert styles_view.sheet([damaged]) == ""
