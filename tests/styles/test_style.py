"""What makes a style valid."""

from __future__ import annotations

import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Gender
from facechain_ext.styles import Style, parse_style

GOOD = {"name": "on-a-boat", "title": "On a boat", "prompt": "{person}, on a boat"}


def test_a_small_record_is_enough() -> None:
    style = parse_style(GOOD)
    assert (style.name, style.prompt) == ("on-a-boat", "{person}, on a boat")
    assert (style.negative_prompt, style.lora_weight, style.mini) == ("", None, False)


def test_every_field_arrives() -> None:
    more = {
        "negative_prompt": "rain", "category": "places", "shot": "watercolor of",
        "genders": ["man"], "lora_weight": 0.5, "fusion_strength": 0, "mini": True,
    }  # fmt: skip
    style = parse_style({**GOOD, **more})
    assert style.genders == (Gender.MAN,)
    assert all(getattr(style, name) == value for name, value in more.items() if name != "genders")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": "On a boat"}, "lower-case"),
        ({"name": "../boat"}, "lower-case"),
        ({"name": 3}, "name must be text"),
        ({"title": " "}, "title"),
        ({"prompt": "on a boat"}, "{person}"),
        ({"prompt": "{person} on a boat"}, "between commas"),
        ({"prompt": "{person}, {person}"}, "exactly once"),
        ({"prompt": "{person}, <lora:boat:0.6>"}, "<lora:boat:0.6>"),
        ({"negative_prompt": "<hypernet:x:1>"}, "<hypernet:x:1>"),
        ({"genders": ["dog"]}, "genders"),
        ({"genders": "woman"}, "genders"),
        ({"lora_weight": 7}, "between 0 and 2"),
        ({"lora_weight": "1"}, "lora_weight must be a number"),
        ({"fusion_strength": -0.1}, "between 0 and 1"),
        ({"fusion_strength": True}, "fusion_strength must be a number"),
        ({"mini": 1}, "true or false"),
        ({"weight": 1}, "unknown fields: weight"),
    ],
)
def test_a_bad_field_is_named(change: dict[str, object], told: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_style({**GOOD, **change})
    assert told in str(raised.value)


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_missing_field_is_named(name: str) -> None:
    with pytest.raises(InvalidInput, match=f"lacks: {name}"):
        parse_style({key: value for key, value in GOOD.items() if key != name})


@pytest.mark.parametrize("record", [None, "portrait", 3, [GOOD]])
def test_a_record_is_an_object(record: object) -> None:
    with pytest.raises(InvalidInput, match="object"):
        parse_style(record)


def test_whom_it_suits() -> None:
    style = Style("gown", "Gown", "{person}, gown", genders=(Gender.WOMAN,))
    assert [style.suits(gender) for gender in (Gender.WOMAN, Gender.MAN, None)] == [
        True,
        False,
        True,
    ]
    assert all(Style("any", "Any", "{person}").suits(gender) for gender in (*Gender, None))
