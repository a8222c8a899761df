"""The X/Y/Z plot: our axes, and cells that are portraits."""

from __future__ import annotations

import importlib
from copy import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.host import GenerationRequest, LoraUse
from facechain_ext.base.records import LoraFile, Portrait, Rejection, Score
from facechain_ext.config import PortraitConfig
from facechain_ext.styles import load_styles
from tests.webui.conftest import Webui

TITLES = ["Person", "Style", "LoRA weight", "Face fusion", "Style LoRA weight"]


class Option:
    """An axis of the plot script, as the webuis make it."""

    def __init__(
        self, label: str, type: Any, apply: Any, format_value: Any = None, confirm: Any = None,
        cost: float = 0.0, choices: Any = None, prepare: Any = None,
    ) -> None:  # fmt: skip
        self.label, self.type, self.apply, self.confirm = label, type, apply, confirm
        self.format_value, self.choices = format_value, choices


class OfTxt2Img(Option):
    is_img2img = False


def plot_script(webui: Webui, **more: Any) -> Any:
    """Load a plot script, as A1111 and Forge do, or Classic, whose module knows one kind alone."""
    module = SimpleNamespace(axis_options=[Option("Nothing", str, None)], AxisOption=Option, **more)
    scripts = webui.module("modules.scripts")
    for title in ("X/Y/Z plot", "something else in the same file"):
        scripts.scripts_data.append(scripts.ScriptClassData(title, "xyz_grid.py", "", module))
    return module


class Studio:
    """Knows Ana, who has a LoRA, and Bea, who has none; finishes every picture alike."""

    def __init__(self) -> None:
        ana = SimpleNamespace(manifest=SimpleNamespace(name="Ana"), latest_run="run")
        bea = SimpleNamespace(manifest=SimpleNamespace(name="Bea"), latest_run=None)
        self.styles = load_styles()
        self.library = SimpleNamespace(
            trained=lambda: [each for each in (ana, bea) if each.latest_run is not None],
            get=lambda name: {"Ana": ana, "Bea": bea}[name],
        )
        self.asked: list[tuple[str, PortraitConfig]] = []
        self.score = Score(0.614)

    def request(self, name: str, config: PortraitConfig) -> GenerationRequest:
        self.asked.append((name, config))
        lora = LoraFile(Path("ana-1.safetensors"), "fcsks", "")
        uses = (LoraUse(lora, 1.0 if config.lora_weight is None else config.lora_weight),)
        return GenerationRequest(f"fcsks, {config.style}, {config.prompt}", "lowres", loras=uses)

    def finisher(self, name: str, config: PortraitConfig) -> Any:
        def finish(image: Any) -> Portrait:
            text = "\nFaceChain person: Ana, FaceChain similarity: 0.614"
            return Portrait(255 - image.pixels, self.score, 0, text, {}, image.pixels, None)

        return SimpleNamespace(finish=finish)


@pytest.fixture
def studio(webui: Webui, monkeypatch: pytest.MonkeyPatch) -> Studio:
    known = Studio()
    services = importlib.import_module("facechain_ext.webui.services")
    monkeypatch.setattr(services, "studio", lambda: known)
    loras = importlib.import_module("facechain_ext.webui.host.loras")
    monkeypatch.setattr(loras, "_require", lambda use: None)
    return known


def ours(name: str) -> Any:
    return importlib.import_module(f"facechain_ext.webui.{name}")


def axes(plot: Any) -> dict[str, Any]:
    return {option.label: option for option in plot.axis_options if "[FaceChain]" in option.label}


def test_axes_are_added_once_to_every_plot_script(webui: Webui, studio: Studio) -> None:
    plot, other = plot_script(webui, AxisOptionTxt2Img=OfTxt2Img), plot_script(webui)
    ours("plot").add_axes()
    ours("plot").add_axes()
    for module, kind in ((plot, OfTxt2Img), (other, Option)):
        added = module.axis_options[1:]
        assert [option.label for option in added] == [f"[FaceChain] {title}" for title in TITLES]
        assert {type(option) for option in added} == {kind}
    assert axes(plot)["[FaceChain] Person"].choices() == ["Ana"]
    assert "warm" in axes(plot)["[FaceChain] Style"].choices()


def test_without_a_plot_script_nothing_happens(webui: Webui, studio: Studio) -> None:
    scripts = webui.module("modules.scripts")
    for module in (None, SimpleNamespace(), SimpleNamespace(axis_options=None, AxisOption=Option)):
        scripts.scripts_data.append(scripts.ScriptClassData("x", "", "", module))
    ours("plot").add_axes()


@pytest.mark.parametrize(
    ("axis", "good", "bad", "told"),
    [
        ("Person", "Ana", "Bea", "no trained LoRA"),
        ("Style", "warm", "wram", "Did you mean"),
        ("LoRA weight", 0.8, 7.0, "between 0.0 and 2.0"),
        ("Face fusion", 0.0, -1.0, "between 0.0 and 1.0"),
        ("Style LoRA weight", 2.0, 2.5, "between 0.0 and 2.0"),
    ],
)
def test_a_bad_value_is_refused_before_anything_is_drawn(
    webui: Webui, studio: Studio, axis: str, good: Any, bad: Any, told: str
) -> None:
    plot = plot_script(webui)
    ours("plot").add_axes()
    option = axes(plot)[f"[FaceChain] {axis}"]
    option.confirm(None, [good])
    with pytest.raises(InvalidInput, match=told):
        option.confirm(None, [good, bad])
    assert option.format_value(None, option, 0.30000000001) == f"{axis} 0.3"


def job(**chosen: Any) -> Any:
    made = SimpleNamespace(prompt="rain", negative_prompt="hat", extra_generation_params={})
    for setting, value in chosen.items():
        axis = next(axis for axis in ours("plot").AXES if axis.setting == setting)
        axis.apply(made, value, [value])
    return made


def drawn(made: Any) -> Image.Image:
    """Let the webui's callbacks go around a picture of 96 x 64 grey pixels."""
    script, pp = ours("plot_cell").PortraitCells(), SimpleNamespace(image=None)
    script.before_process(made)
    pp.image = Image.new("RGB", (96, 64), (200, 200, 200))
    script.postprocess_image(made, pp)
    return pp.image


def test_a_cell_is_drawn_with_what_every_axis_chose(webui: Webui, studio: Studio) -> None:
    whole = job()
    cell = copy(whole)
    plot = ours("plot")
    for setting, value in (("person", "Ana"), ("style", "warm"), ("lora_weight", 0.8),
                           ("fusion_strength", 0.2), ("style_lora_weight", 0.3)):  # fmt: skip
        next(axis for axis in plot.AXES if axis.setting == setting).apply(cell, value, [value])
    picture = drawn(cell)
    ((name, config),) = studio.asked
    assert (name, config.style, config.prompt, config.negative_prompt) == (
        "Ana", "warm", "rain", "hat",
    )  # fmt: skip
    assert (config.lora_weight, config.fusion_strength, config.style_lora_weight) == (0.8, 0.2, 0.3)
    assert cell.prompt == "fcsks, warm, rain <lora:ana-1:0.8>"
    assert cell.negative_prompt == "lowres"
    assert cell.extra_generation_params["FaceChain similarity"] == "0.614"
    pixels = np.asarray(picture)
    assert picture.size == (96, 64 + 16)
    assert (pixels[:64] == 55).all(), "the finished portrait"
    strip = pixels[64:]
    assert strip.min() < 100 < strip.max(), "the score is printed below it"
    assert not hasattr(whole, plot.CHOSEN), "the other cells are their own"


def test_the_newest_person_is_drawn_where_no_axis_names_one(webui: Webui, studio: Studio) -> None:
    drawn(job(style="warm"))
    assert studio.asked[0][0] == "Ana"


@pytest.mark.parametrize("score", [Score(None, Rejection.NO_FACE), Score(None), Score(-0.05)])
def test_every_score_can_be_printed(webui: Webui, studio: Studio, score: Score) -> None:
    studio.score = score
    assert drawn(job(style="warm")).size == (96, 80)


def test_a_cell_that_cannot_be_is_no_picture_of_somebody_else(
    webui: Webui, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str, config: PortraitConfig) -> None:
        raise InvalidInput("The style 'gown' is made for a woman.")

    monkeypatch.setattr(studio, "request", fail)
    made = job(style="gown")
    picture = np.asarray(drawn(made))
    assert (picture[:64] == 0x77).all()
    assert made.prompt == "rain"


def test_other_pictures_are_left_alone(webui: Webui, studio: Studio) -> None:
    made = job()
    assert drawn(made).size == (96, 64)
    assert (made.prompt, studio.asked) == ("rain", [])


def test_what_is_saved_of_a_plot_says_that_it_is_made(webui: Webui, studio: Studio) -> None:
    plotted = SimpleNamespace(pnginfo={"parameters": "x\nSteps: 2, FaceChain person: Ana"})
    other = SimpleNamespace(pnginfo={"parameters": "x\nSteps: 2"})
    bare: Any = SimpleNamespace(pnginfo={})
    for params in (plotted, other, bare):
        ours("plot_cell").mark(params)
    assert "AlgorithmicMedia" in plotted.pnginfo["XML:com.adobe.xmp"]
    assert (other.pnginfo, bare.pnginfo) == ({"parameters": "x\nSteps: 2"}, {})


def test_the_entry_adds_the_script_and_the_axes(webui: Webui, studio: Studio) -> None:
    plot = plot_script(webui)
    ours("register").register()
    added = webui.module("modules.scripts").scripts_data[-1]
    script = added.script_class()
    assert script.show(False) is webui.module("modules.scripts").AlwaysVisible
    assert script.ui(False) is None
    assert Path(added.path).is_file()
    callbacks = webui.module("modules.script_callbacks").registered
    callbacks["before_ui"]()
    assert len(axes(plot)) == len(TITLES)
