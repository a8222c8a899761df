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

STYLES = load_styles()

PERSON_WORDS = {
    "hair": (
        r"hair\w*|\w+-haired|blond\w*|brunettes?|redhead\w*|curl\w*|braid\w*|pony ?tails?|pigtails?"
        r"|bangs|fringe cut|bald\w*|bob cut|beard\w*|stubble|m(o)?ustache\w*|sideburns|eyebrows?"
    ),
    "eyes": r"eye|eyes|eyed|\w+-eyed|eyelash\w*|iris|pupils?|gaze|sunglasses|goggles|eyepatch",
    "skin": (
        r"skin\w*|complexion|tan|tanned|pale skin|freckle\w*|mole|moles|wrinkle\w*|scars?|tattoo\w*"
        r"|dimple\w*|blush\w*|make-?up|lipstick|mascara|face ?paint"
    ),
    "face": (
        r"face|faces|facial|cheek\w*|chin|jaw\w*|nose|lips?|mouth|teeth|forehead|ears?|pointed ears"
        r"|mask|masked|veil\w*|visor|beautiful|pretty|handsome|gorgeous|attractive|cute|ugly"
    ),
    "body": r"slim|thin|fat|muscular|chubby|skinny|busty|curvy|sexy|nude|naked|bikini|lingerie",
    "age": r"young|teen\w*|elderly|aged|baby|toddler|\d+ year old|girl|boy|woman|man|lady|guy",
    "descent": (
        r"asian|chinese|japanese|korean|vietnamese|mongolian|indian|arab\w*|persian|turkish|african"
        r"|nigerian|ethiopian|mexican|peruvian|russian|scandinavian|european|american|caucasian"
        r"|latin[ao]|black (man|woman|person)|white (man|woman|person)"
    ),
}
"""What belongs to the person: a style that says it shows somebody else."""


def said(style: Style) -> str:
    return f"{style.shot}, {style.prompt}"


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


@pytest.mark.parametrize("kind", PERSON_WORDS)
def test_none_says_what_belongs_to_the_person(kind: str) -> None:
    words = re.compile(rf"\b(?:{PERSON_WORDS[kind]})\b", re.IGNORECASE)
    found = {style.name: words.findall(said(style)) for style in STYLES.values()}
    assert {name: words for name, words in found.items() if words} == {}


@pytest.mark.parametrize("text", ["blonde hair", "blue-eyed", "pale skin", "a pretty face", "veil"])
def test_a_word_of_the_person_is_seen(text: str) -> None:
    assert any(re.search(rf"\b(?:{words})\b", text) for words in PERSON_WORDS.values())


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
