"""The styles that ship: enough of them, for everybody, and none that changes who is shown."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from facechain_ext.base.records import Attributes, Gender
from facechain_ext.config import PortraitConfig
from facechain_ext.diffusion.prompts import CHUNK
from facechain_ext.diffusion.weights import CLIP_TOKENIZER
from facechain_ext.portrait.prompt import compose
from facechain_ext.styles import Style, load_styles
from facechain_ext.styles.catalog import CATEGORIES, PRESETS, PREVIEWS, read_styles
from facechain_ext.styles.person_words import PERSON_WORDS, is_of_the_person
from facechain_ext.styles.style import PERSON

STYLES = load_styles()


def said(style: Style) -> str:
    return f"{style.shot}, {style.prompt.replace(PERSON, '')}"


def test_there_are_styles_of_every_kind_for_everybody() -> None:
    assert len(STYLES) >= 27 + 80
    kinds = Counter(style.category for style in STYLES.values())
    assert tuple(kinds) == CATEGORIES
    assert min(kinds.values()) >= 8
    for gender in Gender:
        assert sum(style.genders == (gender,) for style in STYLES.values()) >= 6
        assert sum(style.suits(gender) for style in STYLES.values()) >= 100


def test_every_category_has_its_file() -> None:
    assert {path.stem for path in PRESETS.iterdir()} == set(CATEGORIES)
    for category in CATEGORIES:
        styles = read_styles(PRESETS / f"{category}.json").values()
        assert {style.category for style in styles} == {category}


def test_no_two_are_the_same() -> None:
    for told in ("title", "prompt"):
        counts = Counter(getattr(style, told).lower() for style in STYLES.values())
        assert [text for text, times in counts.items() if times > 1] == []


@pytest.mark.parametrize("kind", sorted(PERSON_WORDS.keys()))
def test_none_says_what_belongs_to_the_person(kind: str) -> None:
    words = re.compile(rf"\b(?:{PERSON_WORDS[kind]})\b", re.IGNORECASE)
    found = {style.name: words.findall(said(style)) for style in STYLES.values()}
    assert {name: words for name, words in found.items() if words} == {}


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        (
            "hair",
            "blonde hair, long_hair, brunette, ponytail, bangs, bald, a grey beard, hairstyle",
        ),
        ("eyes", "blue eyes, green-eyed, long eyelashes, sunglasses, goggles"),
        ("skin", "pale skin, tanned, freckles, a mole, scar, tattoos, makeup, red lipstick"),
        ("face", "a pretty face, handsome, full lips, high cheekbones, sharp jawline, veil, mask"),
        ("body", "slim, muscular, nsfw, bikini"),
        ("age", "young, teenager, elderly, 25 year old"),
        ("descent", "asian, japanese, african, caucasian"),
        ("person", "1girl, a woman, 2boys, a man, solo"),
    ],
)
def test_a_word_of_the_person_is_seen(kind: str, texts: str) -> None:
    words = re.compile(rf"\b(?:{PERSON_WORDS[kind]})\b", re.IGNORECASE)
    for text in texts.split(", "):
        assert words.search(text.replace("_", " ")), text
        assert is_of_the_person(text), text


@pytest.mark.parametrize("text", ["deep shadow", "armchair", "oilskin", "tank top", "eyelet lace"])
def test_words_that_only_look_so_are_not(text: str) -> None:
    assert not is_of_the_person(text)


def test_none_forbids_what_may_be_the_persons_own() -> None:
    """No mole or wrinkle is avoided, nor glasses: who wears them keeps them."""
    own = re.compile(r"\b(moles?|spots?|skin|wrinkles?|freckles?|glasses|beard|hair)\b")
    assert [style.name for style in STYLES.values() if own.search(style.negative_prompt)] == []


def test_only_pictures_that_are_no_photos_do_without_the_photos_face() -> None:
    for style in STYLES.values():
        drawn = style.category == "art" or not style.is_photo
        assert (style.fusion_strength == 0) == drawn, style.name
        assert drawn or " photo" in style.prompt, f"{style.name} names no medium"


@pytest.fixture(scope="module")
def tokens() -> dict[str, int]:
    """The length of every style's prompt beside the person who takes most words, in CLIP tokens."""
    from transformers import CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(CLIP_TOKENIZER)
    prompts = {
        style.name: compose(
            Attributes(next(iter(style.genders), None), age=40.0, smiling=True, glasses=True),
            "fcsksperson", style, PortraitConfig(),
        ).positive
        for style in STYLES.values()
    }  # fmt: skip
    return {name: len(tokenizer.tokenize(prompt)) for name, prompt in prompts.items()}


def test_every_prompt_is_read_in_one_piece(tokens: dict[str, int]) -> None:
    assert {name: count for name, count in tokens.items() if count > CHUNK} == {}


def test_there_is_room_left_for_the_users_words(tokens: dict[str, int]) -> None:
    assert max(tokens.values()) <= CHUNK - 20


def test_previews_are_small_and_of_styles_that_the_mini_knows() -> None:
    pictures = {path.stem: path.stat().st_size for path in PREVIEWS.glob("*.jpg")}
    assert {name for name in pictures if not STYLES[name].mini} == set()
    assert max(pictures.values()) <= 8200
