from __future__ import annotations

import argparse
import dataclasses
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.config import PortraitConfig, PrepareConfig, TrainConfig
from facechain_ext.config.flags import add_config_flags, config_from

CONFIGS = [PrepareConfig, TrainConfig, PortraitConfig]
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
    value = another_value(get_type_hints(config)[spec.name], spec)
    parser = argparse.ArgumentParser()
    add_config_flags(parser, config)
    flag = "--" + spec.name.replace("_", "-")
    arguments = (
        [flag if value else flag.replace("--", "--no-", 1)]
        if isinstance(value, bool)
        else [f"{flag}={value}"]
    )
    assert getattr(config_from(parser.parse_args(arguments), config), spec.name) == value


def another_value(hint: Any, spec: dataclasses.Field[Any]) -> Any:
    """Return a valid value that is not the default."""
    if hint is bool:
        return not spec.default
    if get_origin(hint) is Literal:
        return next(choice for choice in get_args(hint) if choice != spec.default)
    if hint is str:
        return "something else"
    low = hint(spec.metadata["minimum"])
    return low if low != spec.default else hint(spec.metadata["maximum"])


def test_no_flags_mean_the_defaults() -> None:
    parser = argparse.ArgumentParser()
    add_config_flags(parser, TrainConfig, {"max_train_steps": "--steps"})
    assert config_from(parser.parse_args([]), TrainConfig) == TrainConfig()
    assert config_from(parser.parse_args(["--steps", "7"]), TrainConfig).max_train_steps == 7
