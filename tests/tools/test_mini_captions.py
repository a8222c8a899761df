"""Captions say only what the labels say, in the grammar that the product shares."""

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.mini import captions

pytestmark = pytest.mark.once

LABEL = {
    "gender": "female",
    "age": 25,
    "smile": True,
    "glasses": True,
    "style": "color",
    "bg": "blue background",
    "yaw": -0.3,
}
labels = st.fixed_dictionaries(
    {
        "gender": st.sampled_from(["male", "female", None]),
        "age": st.one_of(st.none(), st.integers(17, 90)),
        "smile": st.sampled_from([True, False, None]),
        "glasses": st.sampled_from([True, False, None]),
        "style": st.sampled_from(["color", "bw"]),
        "bg": st.sampled_from([None, "blue background", "gray background"]),
        "yaw": st.floats(-0.4, 0.4),
    }
)


def drawn(label: captions.Label, count: int, **options: bool) -> list[str]:
    rng = Random(0)
    return [captions.caption(label, rng, **options) for _ in range(count)]


def test_same_seed_gives_same_captions() -> None:
    assert drawn(LABEL, 50) == drawn(LABEL, 50)


def test_every_phrase_of_the_grammar_is_drawn() -> None:
    phrases = {phrase for text in drawn(LABEL, 500) for phrase in text.split(", ")}
    assert {
        "portrait photo of a young woman",
        "photo of a 25 year old woman",
        "smiling",
        "wearing glasses",
        "blue background",
        "color photo",
        "looking left",
    } <= phrases


def test_shares_of_empty_and_noisy_captions() -> None:
    texts = drawn(LABEL, 4000)
    assert 0.08 < sum(not text for text in texts) / len(texts) < 0.12
    known = set(captions.GRAMMAR_WORDS.split()) | {str(n) for n in range(100)}
    known |= set(" ".join(captions.FILLERS).split()) | set(captions.prompt_words())
    noisy = [t for t in texts if set(re.findall(r"[^\s,]+", t)) - known]
    assert 0.18 < len(noisy) / len(texts) < 0.27


@given(label=labels, seed=st.integers(0, 2**32))
def test_nothing_untrue_is_said(label: dict[str, object], seed: int) -> None:
    words = " ".join(captions.describe(label, Random(seed)))
    forbidden = {
        "smile": {True: "serious", False: "smil", None: "smil|serious"},
        "glasses": {True: "no glasses", False: "wearing glasses", None: "glasses"},
        "style": {"color": "black and white|monochrome|grayscale", "bw": r"\bcolou?r\b"},
        "gender": {"male": "woman|lady|girl|female", "female": r"\bman\b|\bmale\b|boy|guy"},
        "bg": {None: "background"},
    }
    for field, by_value in forbidden.items():
        pattern = by_value.get(label[field])
        assert pattern is None or not re.search(pattern, words), words


def test_flipping_swaps_the_sides() -> None:
    plain = [t for t in drawn(LABEL, 300) if "looking left" in t or "looking right" in t]
    flipped = [t for t in drawn(LABEL, 300, flipped=True) if "looking " in t]
    assert plain
    assert not any("looking right" in text for text in plain)
    assert any("looking right" in text for text in flipped)
    assert not any("looking left" in text for text in flipped)


@pytest.mark.parametrize(
    ("words", "article"),
    [("old man", "an"), ("young man", "a"), ("80 year old man", "an"), ("18 year old man", "an"),
     ("45 year old man", "a"), ("man", "a")],
)  # fmt: skip
def test_article(words: str, article: str) -> None:
    assert captions.article(words) == article


@pytest.mark.parametrize(
    ("age", "word"), [(20, "young"), (34.9, "young"), (35, "middle aged"), (55, "old")]
)
def test_age_words(age: float, word: str) -> None:
    assert captions.age_word(age) == word


def test_labels_beyond_the_first_set_are_said_where_known() -> None:
    label = {"gender": "male", "hair_length": "short", "hair_color": "brown", "beard": True}
    phrases = {p for seed in range(200) for p in captions.describe(label, Random(seed))}
    assert {"short brown hair", "beard"} <= phrases
    bald = {p for seed in range(50) for p in captions.describe({"bald": True}, Random(seed))}
    assert "bald" in bald
