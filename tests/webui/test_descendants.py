"""What Forge's descendants of today lack or name otherwise, as seen in them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("gradio")

from facechain_ext.base.errors import FaceChainError, InvalidInput, ModelUnavailable
from facechain_ext.base.events import Preview
from facechain_ext.base.host import GenerationRequest, LoraUse, Unavailable
from facechain_ext.base.records import LoraFile
from tests.webui.conftest import Webui

REQUEST = GenerationRequest("a", seeds=(1,), width=64, height=64, sampler_name="Euler a")


def ours(name: str) -> Any:
    return importlib.import_module(f"facechain_ext.webui.{name}")


def without_module(name: str) -> None:
    """Let a module of the fake webui not be there."""
    parent, _, child = name.rpartition(".")
    sys.modules[name] = None  # type: ignore[assignment]
    if parent and hasattr(sys.modules.get(parent), child):
        delattr(sys.modules[parent], child)


def without_option(webui: Webui, name: str) -> None:
    delattr(webui.module("modules.shared").opts, name)


class TestUpscalers:
    """Forge Neo has data_path alone, and "None" where others have Lanczos."""

    @pytest.fixture(autouse=True)
    def neo(self, webui: Webui, tmp_path: Path) -> None:
        (tmp_path / "mine.pth").touch()
        webui.module("modules.shared").sd_upscalers += [
            SimpleNamespace(name="None", data_path=None),
            SimpleNamespace(name="far", data_path="https://somewhere/weights.pth"),
            SimpleNamespace(name="mine", data_path=str(tmp_path / "mine.pth")),
        ]

    def test_are_known_by_what_there_is(self) -> None:
        assert ours("host.upscalers").upscaler_names() == ["auto", "mine"]
        assert ours("host.upscalers").second_pass_upscaler() == "mine"

    def test_a_second_pass_has_a_plain_one(self, webui: Webui, tmp_path: Path) -> None:
        (tmp_path / "mine.pth").unlink()
        without_option(webui, "upscaler_for_img2img")
        assert ours("host.upscalers").second_pass_upscaler() == "None"


class TestDrawing:
    def test_asks_for_no_field_that_is_not_there(
        self, webui: Webui, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """ersatzForge takes no restore_faces, Forge Classic no scheduler."""
        processing = webui.module("modules.processing")
        full = processing.StableDiffusionProcessingTxt2Img

        def fewer(**fields: Any) -> Any:
            assert not fields.keys() & {"restore_faces", "scheduler"}
            return full(**fields)

        monkeypatch.setattr(processing, "StableDiffusionProcessingTxt2Img", fewer)
        job = ours("host.drawing")._processing(REQUEST)
        assert (job.scheduler, job.restore_faces) == ("Automatic", False)

    def test_has_samplers_without_schedules(self, webui: Webui) -> None:
        without_module("modules.sd_schedulers")
        assert ours("host.drawing").sampler_of("DPM++ 2M") == ("DPM++ 2M", "Automatic")
        with pytest.raises(InvalidInput):
            ours("host.drawing").sampler_of("DPM++ 2M Karras")

    def test_finds_a_lora_where_the_folder_is_read_as_a_whole(
        self, webui: Webui, tmp_path: Path
    ) -> None:
        networks, folder = webui.module("networks"), webui.root / "models" / "Lora"
        folder.mkdir(parents=True)
        (folder / "ana.safetensors").touch()
        read = networks.update_available_networks_by_names
        networks.list_available_networks = lambda: read(["ana"])
        del networks.update_available_networks_by_names
        ours("host.loras").publish("ana")
        use = LoraUse(LoraFile(folder / "ana.safetensors", "fcsks", ""), 0.5)
        assert ours("host.loras").tags([use]) == " <lora:ana:0.5>"


class TestTools:
    def test_say_so_where_there_is_none(self, webui: Webui) -> None:
        folder = webui.root / "models" / "torch_deepdanbooru"
        folder.mkdir(parents=True)
        (folder / "model.pt").touch()
        without_module("modules.deepbooru")
        without_option(webui, "face_restoration_model")
        picture = np.zeros((8, 8, 3), np.uint8)
        assert ours("host.tagging").tag(picture) == Unavailable("This webui has no DeepDanbooru.")
        assert isinstance(ours("host.face_restoring").restore(picture), Unavailable)


def test_a_checkpoint_that_nobody_chose_is_a_sentence(
    webui: Webui, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ersatzForge selects none where the chosen one is gone, or none was ever chosen."""
    monkeypatch.setattr(webui.module("modules.sd_models"), "select_checkpoint", lambda: None)
    with pytest.raises(ModelUnavailable, match="No checkpoint is chosen"):
        ours("host.checkpoints").selected_checkpoint()


def test_a_preview_is_shown_where_nothing_says_otherwise(webui: Webui) -> None:
    """ersatzForge has no live_previews_enable."""
    without_option(webui, "live_previews_enable")
    state = ours("host.job_state").JobState()
    with state.job("Training"), state.shown():
        state.show(Preview(3, (np.zeros((8, 8, 3), np.uint8),), (None,)))
        assert webui.state.current_image.size == (8, 8)


class TestWithoutAnyBackend:
    """A relative of Forge with a memory manager and a list of models that nobody has seen yet."""

    @pytest.fixture(autouse=True)
    def unknown(self, webui: Webui) -> None:
        for name in ("backend.memory_management", "backend", "huggingface_guess"):
            sys.modules[name] = None  # type: ignore[assignment]

    def test_the_tab_can_say_what_is_the_matter(self) -> None:
        with pytest.raises(FaceChainError, match="relative of Forge"):
            ours("which").make_host()

    def test_the_mini_is_not_listed(self, webui: Webui, caplog: pytest.LogCaptureFixture) -> None:
        ours("register").register()
        checkpoints = webui.module("modules.sd_models").checkpoints_list
        assert [*checkpoints] == [webui.checkpoint.name]
        assert "this webui cannot load it" in caplog.text
        assert not [record for record in caplog.records if record.exc_info]
