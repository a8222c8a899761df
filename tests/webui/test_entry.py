"""What the webui gets from us when it starts, reloads its page, and unloads us."""

from __future__ import annotations

import importlib
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("gradio")

from facechain_ext import config as configs
from facechain_ext.ui.page.services import SendSources
from tests.webui.conftest import Webui

ROOT = Path(__file__).parents[2]
MINI = "facechain-mini.safetensors"


@pytest.fixture(params=["a1111", "forge"])
def started(
    webui: Webui, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Webui]:
    """Either webui, after it has run our script."""
    which = importlib.import_module("facechain_ext.webui.which")
    monkeypatch.setattr(which, "is_forge", lambda: request.param == "forge")
    run_script()
    yield webui
    callbacks(webui)["script_unloaded"]()


def run_script() -> None:
    runpy.run_path(str(ROOT / "scripts" / "facechain.py"), run_name="facechain.py")


def callbacks(webui: Webui) -> Any:
    return webui.module("modules.script_callbacks").registered


def listed(webui: Webui) -> list[str]:
    return [*webui.module("modules.sd_models").checkpoints_list]


def ours(name: str) -> Any:
    return importlib.import_module(f"facechain_ext.webui.{name}")


def options(webui: Webui) -> Any:
    callbacks(webui)["ui_settings"]()
    return webui.module("modules.shared").opts


def begun_with(settings: Any) -> list[tuple[type, str]]:
    """List the configs' fields that the tab begins with."""
    return [(config, name) for config, names in settings.DEFAULTS.items() for name in names]


class TestTheMini:
    def test_comes_last_in_the_list_and_stays_there(self, started: Webui) -> None:
        assert listed(started) == [started.checkpoint.name, MINI]
        started.module("modules.sd_models").list_models()
        assert listed(started) == [started.checkpoint.name, MINI]

    def test_survives_reload_ui(self, started: Webui) -> None:
        sd_models = started.module("modules.sd_models")
        callbacks(started)["script_unloaded"]()
        sd_models.list_models()
        assert listed(started) == [started.checkpoint.name]
        run_script()
        assert listed(started) == [started.checkpoint.name, MINI]

    def test_leaves_the_webuis_functions_as_they_were(self, webui: Webui) -> None:
        sd_models, sd_vae = webui.module("modules.sd_models"), webui.module("modules.sd_vae")
        before = sd_models.list_models, sd_vae.resolve_vae
        run_script()
        run_script()
        assert sd_models.list_models is not before[0]
        callbacks(webui)["script_unloaded"]()
        assert (sd_models.list_models, sd_vae.resolve_vae) == before

    def test_keeps_its_own_vae_and_others_get_the_users(self, started: Webui) -> None:
        sd_vae = started.module("modules.sd_vae")
        mini = started.module("modules.sd_models").checkpoints_list[MINI]
        assert sd_vae.resolve_vae(mini.filename) == sd_vae.VaeResolution(None, None, True)
        assert sd_vae.resolve_vae(str(started.checkpoint)).vae == "the user's.vae.safetensors"

    def test_does_not_hide_a_copy_of_the_users(self, webui: Webui, tmp_path: Path) -> None:
        sd_models = webui.module("modules.sd_models")
        copy = sd_models.CheckpointInfo(str(tmp_path / MINI))
        copy.register()
        run_script()
        assert sd_models.checkpoints_list[MINI] is copy

    def test_is_not_listed_where_it_is_not_wanted(self, webui: Webui) -> None:
        webui.module("modules.shared").opts.data["facechain_list_mini"] = False
        run_script()
        assert listed(webui) == [webui.checkpoint.name]

    def test_goes_and_comes_with_its_setting(self, started: Webui) -> None:
        opts = options(started)
        switch = opts.data_labels["facechain_list_mini"].onchange
        opts.data["facechain_list_mini"] = False
        switch()
        assert listed(started) == [started.checkpoint.name]
        opts.data["facechain_list_mini"] = True
        switch()
        assert listed(started) == [started.checkpoint.name, MINI]


class TestSettings:
    def test_begin_with_the_configs_own_defaults(self, started: Webui) -> None:
        opts, settings = options(started), ours("settings")
        assert set(settings.DEFAULTS) == {getattr(configs, name) for name in configs.__all__}
        for config, names in settings.DEFAULTS.items():
            assert settings.chosen(config) == config()
            assert {settings.key(config, name) for name in names} <= set(opts.data_labels)
        assert all(key.startswith("facechain_") for key in opts.data_labels)
        assert {info.section[0] for info in opts.data_labels.values()} == {"facechain"}

    def test_are_what_the_tab_begins_with(self, started: Webui) -> None:
        opts, settings = options(started), ours("settings")
        opts.data["facechain_train_rank"] = 8.0  # the settings page sends whole numbers so
        opts.data["facechain_prepare_keep_photos"] = False
        assert settings.chosen(settings.TrainConfig).rank == 8
        assert isinstance(settings.chosen(settings.TrainConfig).rank, int)
        assert settings.chosen(settings.PrepareConfig).keep_photos is False

    def test_do_not_let_callers_run_others_code(self, started: Webui) -> None:
        opts, settings = options(started), ours("settings")
        opts.data["facechain_api_run_code"] = True  # as /sdapi/v1/options takes it from anybody
        assert settings.chosen(settings.ApiConfig).run_code is False

    @pytest.mark.parametrize(("saved", "kept", "size"), [(0, "auto", None), (768, "768", 768)])
    def test_saved_before_there_was_auto_are_kept(
        self, started: Webui, saved: int, kept: str, size: int | None
    ) -> None:
        opts, settings = options(started), ours("settings")
        opts.data["facechain_portrait_output_size"] = saved
        settings.add(on_mini_switched=lambda _: None)
        assert opts.data["facechain_portrait_output_size"] == kept
        assert opts.data_labels["facechain_portrait_output_size"].default == "auto"
        assert settings.chosen(settings.PortraitConfig).output_size == size

    def test_out_of_bounds_do_not_count(
        self, started: Webui, caplog: pytest.LogCaptureFixture
    ) -> None:
        opts, settings = options(started), ours("settings")
        opts.data["facechain_portrait_count"] = 5000
        assert settings.chosen(settings.PortraitConfig) == settings.PortraitConfig()
        assert "facechain_portrait_count is ignored" in caplog.text

    def test_say_when_they_act(self, started: Webui) -> None:
        opts, settings = options(started), ours("settings")
        later = {
            name for name, info in opts.data_labels.items() if "Reload UI" in info.comment_after
        }
        begun = {settings.key(*pair): pair[0] for pair in begun_with(settings)}
        assert later == {name for name, config in begun.items() if config not in settings.AT_ONCE}
        assert set(begun.values()) > set(settings.AT_ONCE)

    def test_offer_the_upscalers_that_need_no_fetching(
        self, started: Webui, tmp_path: Path
    ) -> None:
        opts, shared = options(started), started.module("modules.shared")
        setting, weights = opts.data_labels["facechain_upscaler"], tmp_path / "weights.pth"
        weights.touch()
        shared.sd_upscalers += [
            SimpleNamespace(name=name, local_data_path=path)
            for name, path in [
                ("None", None),
                ("Lanczos", None),
                ("R-ESRGAN 4x+", "https://somewhere/weights.pth"),
                ("mine", str(weights)),
            ]
        ]
        assert setting.component_args()["choices"] == ["auto", "Lanczos", "mine"]
        assert setting.default == "auto"

    @pytest.mark.parametrize(
        ("chosen", "folder"),
        [
            ("", ""),
            (" faces ", "faces"),
            ("mine\\faces", "mine/faces"),
            ("mine/faces/", "mine/faces"),
            ("../elsewhere", ""),
            ("/root", ""),
            ("C:\\loras", ""),
            (".", ""),
        ],
    )
    def test_new_loras_stay_inside_the_lora_folder(
        self, webui: Webui, chosen: str, folder: str
    ) -> None:
        webui.module("modules.shared").opts.facechain_lora_folder = chosen
        assert ours("host.paths").host_paths().lora_folder == folder


class TestSending:
    def test_buttons_carry_picture_and_settings(self, started: Webui) -> None:
        sending, utils = ours("sending"), started.module("modules.infotext_utils")
        sending.draw_send_buttons(SendSources("gallery", "text"))
        assert utils.registered_param_bindings == []
        sending.connect(tab_shown=True)
        told = {
            each.tabname: (each.source_image_component, each.source_text_component)
            for each in utils.registered_param_bindings
        }
        assert told == {
            "txt2img": (None, "text"),
            "img2img": ("gallery", "text"),
            "inpaint": ("gallery", "text"),
            "extras": ("gallery", None),
        }

    def test_png_info_gets_a_button_that_fills_our_fields(self, started: Webui) -> None:
        sending, utils = ours("sending"), started.module("modules.infotext_utils")
        self.draw_png_info(started)
        sending.paste_fields([("field", "Steps")])
        sending.connect(tab_shown=True)
        (binding,) = utils.registered_param_bindings
        assert (binding.tabname, binding.paste_button.value) == ("facechain", "Send to FaceChain")
        assert binding.source_text_component.elem_id == "pnginfo_generation_info"
        assert utils.paste_fields == {"facechain": [("field", "Steps")]}

    def test_a_tab_that_did_not_open_leaves_no_loose_ends(self, started: Webui) -> None:
        sending, utils = ours("sending"), started.module("modules.infotext_utils")
        self.draw_png_info(started)
        sending.paste_fields([("field", "Steps")])
        sending.connect(tab_shown=False)
        assert utils.registered_param_bindings == []
        assert sending._png_info["button"].visible is False

    def test_the_next_page_begins_afresh(self, started: Webui) -> None:
        sending, utils = ours("sending"), started.module("modules.infotext_utils")
        sending.draw_send_buttons(SendSources("gallery", "text"))
        callbacks(started)["before_ui"]()
        sending.connect(tab_shown=True)
        assert utils.registered_param_bindings == []

    def draw_png_info(self, webui: Webui) -> None:
        drawn = callbacks(webui)["after_component"]
        for elem_id in ("pnginfo_generation_info", "txt2img_tab", "extras_tab", "extras_tab"):
            drawn(SimpleNamespace(elem_id=elem_id), elem_id=elem_id)


class TestTheTab:
    @pytest.fixture(autouse=True)
    def pages(self, started: Webui, monkeypatch: pytest.MonkeyPatch) -> None:
        """Pages without gradio: an error panel is what it says."""
        from facechain_ext.ui import error_panel

        monkeypatch.setattr(error_panel, "build_error_panel", error_panel.explain)
        put(monkeypatch, "facechain_ext.webui.services", services=lambda: "ours")

    def test_opens(self, started: Webui, monkeypatch: pytest.MonkeyPatch) -> None:
        fields = [SimpleNamespace(elem_id=f"facechain_train_{name}") for name in ("rank", "seed")]
        page, given = SimpleNamespace(blocks=dict(enumerate(fields))), []
        put(monkeypatch, "facechain_ext.ui.tab", build_tab=lambda ours: given.append(ours) or page)
        assert callbacks(started)["ui_tabs"]() == [(page, "FaceChain", "facechain")]
        assert given == ["ours"]
        remembered = [not getattr(each, "do_not_save_to_config", False) for each in fields]
        assert remembered == [False, True], "rank is a setting, the seed is not"

    @pytest.mark.parametrize(("name", "package"), [("peft", "peft"), ("cv2", "opencv-python")])
    def test_says_which_package_is_missing(
        self, started: Webui, monkeypatch: pytest.MonkeyPatch, name: str, package: str
    ) -> None:
        missing = ours("packages")
        monkeypatch.setattr(missing, "find_spec", lambda wanted: None if wanted == name else 1)
        ((page, title, _),) = callbacks(started)["ui_tabs"]()
        assert title == "FaceChain"
        assert f"<code>{package}</code> is missing" in page

    def test_an_error_of_ours_is_shown_and_logged(
        self, started: Webui, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def broken(services: object) -> None:
            raise ZeroDivisionError("the page fell over")

        put(monkeypatch, "facechain_ext.ui.tab", build_tab=broken)
        ((page, _, _),) = callbacks(started)["ui_tabs"]()
        assert "the page fell over" in page
        assert "could not be built" in caplog.text


def put(monkeypatch: pytest.MonkeyPatch, module: str, **contents: Any) -> None:
    """Let a module be one that has only these contents."""
    fake: Any = SimpleNamespace(**contents)
    monkeypatch.setitem(sys.modules, module, fake)


def test_flags_are_added_to_the_webuis_own() -> None:
    from argparse import ArgumentParser

    parser = ArgumentParser()
    runpy.run_path(str(ROOT / "preload.py"))["preload"](parser)
    assert vars(parser.parse_args([])) == {"facechain_data_dir": None, "facechain_offline": False}
    told = parser.parse_args(["--facechain-data-dir", "/x y", "--facechain-offline"])
    assert (told.facechain_data_dir, told.facechain_offline) == ("/x y", True)
