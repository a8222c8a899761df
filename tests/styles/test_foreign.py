"""Styles of FaceChain's own made ours."""

from __future__ import annotations

import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Gender
from facechain_ext.styles import Style
from facechain_ext.styles.foreign import plain_words, read_foreign, slug, with_free_name

THEIRS = {
    "name": "汉服风(Hanfu)", "img": "./styles/hanfu.jpg", "model_id": "someone/hanfu",
    "revision": "v1.0.0", "bin_file": "Hanfu_v30.safetensors", "multiplier_style": 0.35,
    "multiplier_human": 0.95,
    "add_prompt_style": "1girl, (hanfu:1.2), black hair, blue eyes, tang, <lora:Light v1:0.6>",
}  # fmt: skip


def test_every_field_of_theirs_arrives() -> None:
    found = read_foreign(THEIRS)
    style = found.style
    assert (style.name, style.title, style.category) == ("hanfu", "Hanfu", "FaceChain")
    assert style.prompt == "{person}, hanfu, tang"
    assert (style.style_lora, style.style_lora_weight) == ("Hanfu_v30", 0.35)
    assert (style.lora_weight, style.genders) == (0.95, (Gender.WOMAN,))
    (note,) = found.notes
    assert all(word in note for word in ("<lora:Light v1:0.6>", "1girl", "black hair", "blue eyes"))


def test_one_without_a_lora_has_none() -> None:
    style = read_foreign({**THEIRS, "model_id": None, "bin_file": None}).style
    assert style.style_lora == ""


@pytest.mark.parametrize(
    ("text", "genders"),
    [("a man in armor", (Gender.MAN,)), ("armor", ()), ("a man and a woman", ()),
     ("women's coat", (Gender.WOMAN,))],
)  # fmt: skip
def test_whom_it_suits_is_told_by_its_words(text: str, genders: tuple[Gender, ...]) -> None:
    assert read_foreign({**THEIRS, "add_prompt_style": text}).style.genders == genders


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": ""}, "needs a name"),
        ({"add_prompt_style": 3}, "text as add_prompt_style"),
        ({"multiplier_style": "0.3"}, "multiplier_style must be a number"),
        ({"multiplier_human": 7}, "between 0 and 2"),
        ({"prompt": "x"}, "unknown fields: prompt"),
        ({"bin_file": "a:b.safetensors"}, "plain file name"),
    ],
)
def test_a_bad_one_is_told(change: dict[str, object], told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        read_foreign({**THEIRS, **change})


def test_a_style_of_ours_is_taken_as_it_is() -> None:
    record = {"name": "boat", "title": "Boat", "prompt": "{person}, boat"}
    assert read_foreign(record).style == Style("boat", "Boat", "{person}, boat")
    with pytest.raises(InvalidInput, match="lacks"):
        read_foreign({"name": "boat"})


def test_full_width_commas_part_words_too() -> None:
    assert plain_words("旗袍，雨伞、(街:1.3)\n夜")[0] == ["旗袍", "雨伞", "街", "夜"]


@pytest.mark.parametrize(
    ("title", "name"), [("Film Look, v2!", "film-look-v2"), ("Café", "cafe"), ("x" * 99, "x" * 60)]
)
def test_a_name_is_made_of_a_title(title: str, name: str) -> None:
    assert slug(title) == name


def test_a_title_without_latin_letters_gets_a_name_of_its_own() -> None:
    assert slug("汉服") != slug("旗袍")
    assert Style(slug("汉服"), "汉服", "{person}").title == "汉服"


def test_a_name_that_is_taken_gets_a_number() -> None:
    style = Style("boat", "Boat", "{person}")
    assert with_free_name(style, ["ship"]) == "boat"
    assert with_free_name(style, ["boat", "boat-2"]) == "boat-3"
