from __future__ import annotations

import argparse
import dataclasses
import re
from typing import Any

import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.config import PortraitConfig, PrepareConfig, TrainConfig, TrainStyleConfig
from facechain_ext.config.flags import add_config_flags, config_from
from facechain_ext.config.option import LONGEST_TEXT
from facechain_ext.config.prepare import PLAIN_WORDS
from facechain_ext.config.setting import AUTO, Setting, settings_of

CONFIGS = [PrepareConfig, TrainConfig, PortraitConfig, TrainStyleConfig]
FIELDS = [(config, spec) for config in CONFIGS for spec in dataclasses.fields(config)]


def ids(value: Any) -> str:
    return getattr(value, "name", getattr(value, "__name__", ""))


@pytest.mark.parametrize(("config", "spec"), FIELDS, ids=ids)
def test_every_field_is_explained(config: type[Any], spec: dataclasses.Field[Any]) -> None:
    assert spec.metadata["label"]
    assert spec.metadata["help"].endswith(".")


@pytest.mark.parametrize(
    ("config", "spec"), [f for f in FIELDS if f[1].metadata["minimum"] is not None], ids=ids
)
def test_bounds_are_inclusive_and_enforced(config: type[Any], spec: dataclasses.Field[Any]) -> None:
    low, high = spec.metadata["minimum"], spec.metadata["maximum"]
    assert getattr(config(**{spec.name: low}), spec.name) == low
    assert getattr(config(**{spec.name: high}), spec.name) == high
    for value in (low - 1, high + 1, float("nan"), "many"):
        with pytest.raises(InvalidInput, match=spec.name):
            config(**{spec.name: value})


@pytest.mark.parametrize(("config", "spec"), FIELDS, ids=ids)
def test_every_field_has_a_flag_that_reaches_it(
    config: type[Any], spec: dataclasses.Field[Any]
) -> None:
    value = another_value(settings_of(config)[spec.name])
    parser = argparse.ArgumentParser()
    add_config_flags(parser, config)
    flag = "--" + spec.name.replace("_", "-")
    arguments = (
        [flag if value else flag.replace("--", "--no-", 1)]
        if isinstance(value, bool)
        else [f"{flag}={value}"]
    )
    assert getattr(config_from(parser.parse_args(arguments), config), spec.name) == value


def another_value(setting: Setting) -> Any:
    """Return a valid value that is not the default."""
    if setting.kind is bool:
        return not setting.default
    if setting.choices:
        return next(choice for choice in setting.choices if choice != setting.default)
    if setting.kind is str:
        return "something else"
    low = setting.kind(setting.minimum)
    return low if low != setting.default else setting.kind(setting.maximum)


def test_no_flags_mean_the_defaults() -> None:
    parser = argparse.ArgumentParser()
    add_config_flags(parser, TrainConfig, {"max_train_steps": "--steps"})
    assert config_from(parser.parse_args([]), TrainConfig) == TrainConfig()
    assert config_from(parser.parse_args(["--steps", "7"]), TrainConfig).max_train_steps == 7


NUMBERS = [f for f in FIELDS if settings_of(f[0])[f[1].name].numeric]
PICTURES = ("depth", "canny", "soft_edges")
"""Pictures that are written as texts, which are longer than what people type."""
TEXTS = [f for f in FIELDS if settings_of(f[0])[f[1].name].kind is str and f[1].default is not None]


@pytest.mark.parametrize(("config", "spec"), NUMBERS, ids=ids)
@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan"), 10**400])
def test_numbers_that_are_none_are_refused(
    config: type[Any], spec: dataclasses.Field[Any], value: float
) -> None:
    with pytest.raises(InvalidInput, match=spec.name) as caught:
        config(**{spec.name: value})
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(("config", "spec"), TEXTS, ids=ids)
@pytest.mark.parametrize("value", ["a\0b", "a\x1b[2J", "\udcff", "x", 5, None])
def test_texts_are_short_and_can_be_typed(
    config: type[Any], spec: dataclasses.Field[Any], value: object
) -> None:
    longest = spec.metadata["longest"]
    assert longest <= LONGEST_TEXT or spec.name in PICTURES
    value = "x" * (longest + 1) if value == "x" else value
    with pytest.raises(InvalidInput, match=spec.name) as caught:
        config(**{spec.name: value})
    assert len(str(caught.value)) < 200


def test_a_prompt_may_have_lines() -> None:
    assert PortraitConfig(prompt="a scarf\r\n\ta hat").prompt == "a scarf\r\n\ta hat"


@pytest.mark.parametrize(
    "word",
    ["", " ", " ana", "ana\n", "a\tb", "a\u2028b", "a, b", "<lora:x:1>", "(ana:1.2)", "[ana]",
     "a|b", "ana AND", "BREAK", "a\\b", "x" * 61],
)  # fmt: skip
def test_a_trigger_word_is_a_plain_word(word: str) -> None:
    with pytest.raises(InvalidInput, match="trigger_word"):
        PrepareConfig(trigger_word=word)
    with pytest.raises(InvalidInput, match="trigger_word"):
        TrainStyleConfig(trigger_word=word)
    assert len(word) > 60 or re.fullmatch(PLAIN_WORDS, word) is None


@pytest.mark.parametrize("word", ["fcsks", "ana-2", "sks person", "Zoë", "李明", "o'neil", "sandy"])
def test_words_of_any_script_are_taken(word: str) -> None:
    assert PrepareConfig(trigger_word=word).trigger_word == word
    assert re.fullmatch(PLAIN_WORDS, word)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--seed", "nan"], "--seed: must be a whole number, not 'nan'"),
        (["--max-train-steps", "9" * 9000], r"a whole number, or auto, not '9{59}\.\.\. \(9,002\)"),
        (["--noise-offset", "some"], "--noise-offset: must be a number, not 'some'"),
    ],
)
def test_a_flag_says_what_it_wants(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    add_config_flags(parser, TrainConfig)
    with pytest.raises(SystemExit):
        parser.parse_args(arguments)
    assert re.search(told, capsys.readouterr().err)


@pytest.mark.parametrize("side", [1, 8, 63, 100, 513])
def test_sides_that_no_picture_can_have_are_refused(side: int) -> None:
    for name in ("width", "height"):
        with pytest.raises(
            InvalidInput, match=rf"{name} must be (auto or a multiple of 8|between 64)"
        ):
            PortraitConfig(**{name: side})
    assert PortraitConfig(width=64, height=520).height == 520


AUTOMATIC = [(c, s) for c in CONFIGS for s in settings_of(c).values() if s.automatic]


@pytest.mark.parametrize(("config", "setting"), AUTOMATIC, ids=ids)
def test_automatic_is_a_value_of_its_own_under_one_name(
    config: type[Any], setting: Setting
) -> None:
    parser = argparse.ArgumentParser()
    add_config_flags(parser, config)
    flag = "--" + setting.name.replace("_", "-")
    read = config_from(parser.parse_args([flag, AUTO]), config)
    assert (getattr(read, setting.name), setting.default) == (None, None)
    assert setting.show(None) == AUTO
    assert setting.read(" Auto ") is None
    assert "auto: " in setting.help


def test_a_weight_of_0_is_0() -> None:
    parser = argparse.ArgumentParser()
    add_config_flags(parser, PortraitConfig)
    flags = ["--lora-weight", "0", "--style-lora-weight=0", "--guidance-scale=0.0"]
    config = config_from(parser.parse_args(flags), PortraitConfig)
    assert (config.lora_weight, config.style_lora_weight, config.guidance_scale) == (0, 0, 0)


@pytest.mark.parametrize("name", ["width", "height", "output_size"])
def test_0_is_no_size(name: str) -> None:
    with pytest.raises(InvalidInput, match=f"{name} must be .*, or auto, not 0"):
        PortraitConfig(**{name: 0})


@pytest.mark.parametrize("text", ["", "  ", "many", "1e999", "nan", "0x10", "9" * 5000, "１,５"])
def test_what_is_no_number_is_told_by_the_settings_name(text: str) -> None:
    for config in CONFIGS:
        for setting in settings_of(config).values():
            if setting.numeric:
                with pytest.raises(InvalidInput, match=r"^How much") as told:
                    setting.read(text, "How much")
                assert len(str(told.value)) < 160


def test_a_flag_that_is_no_number_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_config_flags(parser, PortraitConfig)
    with pytest.raises(SystemExit):
        parser.parse_args(["--lora-weight", "much"])
    assert "--lora-weight: must be a number, or auto, not 'much'" in capsys.readouterr().err


@pytest.mark.parametrize(("pictures", "steps"), [(3, 500), (10, 500), (40, 2000), (200, 4000)])
def test_a_styles_steps_follow_its_pictures(pictures: int, steps: int) -> None:
    assert TrainStyleConfig().training(pictures).total_steps == steps
    assert TrainStyleConfig(max_train_steps=7).training(pictures).total_steps == 7


def test_what_a_style_is_trained_with_reaches_the_trainer_without_faces() -> None:
    asked = {"rank": 3, "alpha": 5.0, "seed": 6, "random_flip": False, "selection": "best"}
    config = TrainStyleConfig(**asked).training(10)
    assert {name: getattr(config, name) for name in asked} == asked
    assert (config.face_weight, config.mask_background, config.class_images) == (1.0, False, 0)
    assert config.face_prior == ""
