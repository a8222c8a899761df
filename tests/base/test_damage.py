"""What is wrong with a damaged file, in words."""

from __future__ import annotations

import json

import pytest

from facechain_ext.base.errors import damage


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"name": "Ana",', "something is wrong or missing at line 1, column 16"),
        ("[" * 100_000, "it is nested too deep"),
    ],
)
def test_what_json_says_is_said_without_python(text: str, told: str) -> None:
    with pytest.raises((ValueError, RecursionError)) as caught:
        json.loads(text)
    assert damage(caught.value) == told


def test_what_is_missing_is_named_and_nothing_goes_on_for_ever() -> None:
    assert damage(KeyError("name")) == "name is missing"
    assert damage(TypeError()) == "TypeError"
    assert len(damage(TypeError("x" * 500))) < 200
