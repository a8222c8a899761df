"""Every config field has a component, and what the component holds makes the config again."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import gradio as gr
import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.config import PortraitConfig, PrepareConfig, TrainConfig
from facechain_ext.config.setting import AUTO, settings_of
from facechain_ext.ui.page.widgets import ConfigForm

pytestmark = pytest.mark.slow(9)

CONFIGS = [PrepareConfig(), TrainConfig(), PortraitConfig()]


def drawn(defaults: Any, **options: Any) -> ConfigForm[Any]:
    with gr.Blocks():
        form = ConfigForm(defaults, **options)
        form.draw_rest()
    return form


def values(form: ConfigForm[Any]) -> list[Any]:
    return [component.value for component in form.inputs]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: type(config).__name__)
def test_untouched_components_make_the_default_config(config: Any) -> None:
    form = drawn(config)
    assert [*form.components] == [spec.name for spec in dataclasses.fields(config)]
    assert form.read(values(form)) == config


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: type(config).__name__)
def test_components_tell_what_the_fields_say(config: Any) -> None:
    form = drawn(config)
    for spec in dataclasses.fields(config):
        component = form.components[spec.name]
        assert component.label.startswith(spec.metadata["label"])
        assert component.info == spec.metadata["help"]
        if isinstance(component, (gr.Slider, gr.Number)):
            assert component.maximum == spec.metadata["maximum"]
            assert component.minimum is None or component.minimum >= spec.metadata["minimum"]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: type(config).__name__)
def test_a_slider_can_be_set_to_its_default(config: Any) -> None:
    form = drawn(config)
    sliders = [c for c in form.inputs if isinstance(c, gr.Slider)]
    assert sliders
    for slider in sliders:
        places = (slider.value - slider.minimum) / slider.step
        assert places == pytest.approx(round(places), abs=1e-6), slider.label


def test_defaults_may_be_the_users_own() -> None:
    config = TrainConfig(rank=8, selection="average")
    form = drawn(config)
    assert form.components["rank"].value == 8
    assert form.read(values(form)) == config


def test_a_learning_rate_can_be_typed() -> None:
    form = drawn(TrainConfig())
    typed = dict(zip(form.components, values(form), strict=True)) | {"learning_rate": 2e-4}
    assert form.read([*typed.values()]).learning_rate == 2e-4


def test_numbers_come_back_whole_where_they_must_be() -> None:
    form = drawn(TrainConfig())
    typed = dict(zip(form.components, values(form), strict=True)) | {"max_train_steps": 40.0}
    steps = form.read([*typed.values()]).max_train_steps
    assert (steps, type(steps)) == (40, int)


@pytest.mark.parametrize("wrong", [None, 0, 0.5, 30000])
def test_a_bad_number_is_refused_in_words(wrong: float | None) -> None:
    form = drawn(TrainConfig(), labels={"snapshot_every": "Snapshots"})
    typed = dict(zip(form.components, values(form), strict=True)) | {"snapshot_every": wrong}
    with pytest.raises(InvalidInput, match=r"Snapshots|snapshot_every"):
        form.read([*typed.values()])


def test_a_list_of_the_hosts_becomes_a_choice() -> None:
    form = drawn(PortraitConfig(), choices={"sampler_name": ["Euler a", "DDIM"]})
    sampler = form.components["sampler_name"]
    assert sampler.value == AUTO
    told = dict(zip(form.components, values(form), strict=True))
    assert form.read([*told.values()]).sampler_name is None
    assert form.read([*(told | {"sampler_name": "DDIM"}).values()]).sampler_name == "DDIM"
    assert form.shown("sampler_name", None) == AUTO


def test_a_number_that_may_be_automatic_says_so_with_its_bounds() -> None:
    form = drawn(PortraitConfig())
    width, weight = form.components["width"], form.components["lora_weight"]
    assert (width.label, width.value) == ("Width (auto, or 64 to 2048 px)", AUTO)
    assert (weight.label, weight.value) == ("LoRA weight (auto, or 0 to 2)", AUTO)
    typed = dict(zip(form.components, values(form), strict=True))
    typed |= {"lora_weight": "0", "width": " 512 ", "output_size": 768}
    config = form.read([*typed.values()])
    assert (config.lora_weight, config.width, config.output_size) == (0.0, 512, 768)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: type(config).__name__)
@pytest.mark.parametrize("wrong", [None, "", "many", -5, 1e12, float("nan"), 10**400])
def test_every_number_is_refused_in_words_and_by_its_label(config: Any, wrong: Any) -> None:
    """gradio itself must not answer: it would say "Error" and nothing else."""
    form = drawn(config)
    for name, setting in settings_of(type(config)).items():
        if not setting.numeric or (wrong is None and setting.automatic):
            continue
        sent = form.components[name].preprocess(wrong)
        typed = dict(zip(form.components, values(form), strict=True)) | {name: sent}
        with pytest.raises(InvalidInput, match=re.escape(setting.label)):
            form.read([*typed.values()])
