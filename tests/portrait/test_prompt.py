"""Prompts from a person, a style and the user's words."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Attributes, Gender
from facechain_ext.config import PortraitConfig
from facechain_ext.dataset.captions import caption
from facechain_ext.portrait.prompt import compose, split_phrases
from facechain_ext.styles import Style, load_styles

WOMAN = Attributes(Gender.WOMAN, age=30.0)
STYLES = load_styles()


def style(prompt: str = "{person}", **more: object) -> Style:
    return Style(name="test", title="Test", prompt=prompt, **more)  # type: ignore[arg-type]


def positive(attributes: Attributes, chosen: Style, words: str = "") -> str:
    return compose(attributes, "fcsks", chosen, PortraitConfig(prompt=words)).positive


@pytest.mark.parametrize(
    ("chosen", "gender"),
    [
        (each, gender)
        for each in STYLES.values()
        for gender in (*Gender, None)
        if each.suits(gender)
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_every_shipped_style_composes(chosen: Style, gender: Gender | None) -> None:
    prompt = compose(Attributes(gender, age=40.0), "fcsks", chosen, PortraitConfig())
    assert prompt.positive.startswith(f"fcsks, {chosen.shot} a middle aged ")
    assert not re.search(r"[{}<>:]|, ,", prompt.positive + prompt.negative)
    said, avoided = prompt.positive.split(", "), prompt.negative.split(", ")
    assert len(set(said)) == len(said)
    assert len(set(avoided)) == len(avoided)
    assert not set(said) & set(avoided)
    assert len(prompt.positive.split()) < 50, "beyond 75 tokens the webui starts a second chunk"


@pytest.mark.parametrize(
    ("attributes", "subject"),
    [
        (Attributes(Gender.WOMAN, age=30.0), "a young woman"),
        (Attributes(Gender.MAN, age=70.0), "an old man"),
        (Attributes(Gender.WOMAN, age=8.0), "a girl"),
        (Attributes(Gender.MAN, age=8.0), "a boy"),
        (Attributes(Gender.MAN), "a man"),
        (Attributes(), "a person"),
    ],
)
def test_the_person_is_named_as_in_training(attributes: Attributes, subject: str) -> None:
    prompt = positive(attributes, style())
    assert prompt == f"fcsks, portrait photo of {subject}"
    assert caption(attributes, "fcsks").startswith(prompt)


@pytest.mark.parametrize("smiling", [True, False])
@pytest.mark.parametrize("glasses", [True, False])
@pytest.mark.parametrize("monochrome", [True, False])
def test_the_order_is_that_of_the_captions(smiling: bool, glasses: bool, monochrome: bool) -> None:
    attributes = Attributes(Gender.MAN, 50.0, smiling, glasses, monochrome)
    medium = "black and white photo" if monochrome else "color photo"
    expression = "smiling" if smiling else "serious"
    shuffled = style(f"{{person}}, {medium}, blue background, {expression}")
    assert positive(attributes, shuffled) == caption(
        attributes, "fcsks", background="blue background"
    )


def test_glasses_are_kept_unless_the_user_says_otherwise() -> None:
    wears = Attributes(Gender.WOMAN, 30.0, glasses=True)
    assert "wearing glasses" in positive(wears, style())
    assert "wearing glasses" not in positive(wears, style(), "no glasses")
    assert "glasses" not in positive(WOMAN, style())
    never = compose(Attributes(Gender.WOMAN, glasses=False), "fcsks", style(), PortraitConfig())
    assert "glasses" in never.negative.split(", ")


def test_the_users_word_replaces_the_styles() -> None:
    chosen = style("{person}, serious, gray background, color photo, film grain")
    prompt = positive(WOMAN, chosen, "smiling, blue background, black and white photo, a red scarf")
    assert prompt == (
        "fcsks, portrait photo of a young woman, smiling, blue background, "
        "black and white photo, film grain, a red scarf"
    )


def test_emphasis_counts_as_the_same_word() -> None:
    prompt = positive(WOMAN, style("{person}, gray background"), "(blue background:1.2)")
    assert prompt.endswith("young woman, (blue background:1.2)")


def test_words_before_the_person_stay_there() -> None:
    assert positive(WOMAN, style("film still, {person}")).startswith("film still, fcsks, ")


def test_the_shot_is_the_styles() -> None:
    painted = compose(WOMAN, "fcsks", style(shot="oil painting of"), PortraitConfig())
    assert painted.positive == "fcsks, oil painting of a young woman"
    assert "paintings" not in painted.negative
    assert "paintings" in compose(WOMAN, "fcsks", style(), PortraitConfig()).negative


def test_the_negative_follows_the_medium() -> None:
    colour = compose(WOMAN, "fcsks", style("{person}, color photo"), PortraitConfig())
    grey = compose(WOMAN, "fcsks", style("{person}, black and white photo"), PortraitConfig())
    assert "monochrome" in colour.negative
    assert "monochrome" not in grey.negative


def test_what_is_asked_for_is_not_avoided() -> None:
    chosen = style("{person}, serious", negative_prompt="smiling, hat")
    prompt = compose(WOMAN, "fcsks", chosen, PortraitConfig(prompt="smiling"))
    assert "smiling" not in prompt.negative
    assert "hat" in prompt.negative


def test_the_users_negative_words_come_last() -> None:
    config = PortraitConfig(negative_prompt="rain, snow")
    assert compose(WOMAN, "fcsks", style(), config).negative.endswith(", rain, snow")


def test_a_style_of_another_gender_is_refused() -> None:
    gown = style(genders=(Gender.WOMAN,))
    with pytest.raises(InvalidInput, match="made for a woman"):
        compose(Attributes(Gender.MAN), "fcsks", gown, PortraitConfig())


def test_a_prompt_unpacks_as_a_pair() -> None:
    first, second = compose(WOMAN, "fcsks", style(), PortraitConfig())
    assert first.startswith("fcsks")
    assert second.startswith("nsfw")


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("", ()),
        (" , ,", ()),
        ("a, b\nc", ("a", "b", "c")),
        ("(a, b:1.2), c", ("(a, b:1.2)", "c")),
        ("<lora:x:0.5>, [a, b], c", ("<lora:x:0.5>", "[a, b]", "c")),
        ("a), b", ("a)", "b")),
    ],
)
def test_phrases_split_at_outer_commas(text: str, phrases: tuple[str, ...]) -> None:
    assert split_phrases(text) == phrases


def test_every_cut_stays_where_it_was_made() -> None:
    prompt = positive(WOMAN, style(), "a hat, BREAK, the sea, BREAK, a hat, rocks")
    assert prompt.endswith("a hat, BREAK, the sea, BREAK, rocks")


TYPED = st.characters(exclude_categories=("Cc", "Cs"), include_characters="\n\t")


@given(st.text(TYPED, max_size=80))
def test_any_text_of_the_user_is_carried(text: str) -> None:
    """Whatever is typed ends up in the prompt, word for word, and the person stays first."""
    prompt = positive(WOMAN, style(), text)
    assert prompt.startswith("fcsks, portrait photo of a young woman")
    kept = [phrase for phrase in split_phrases(text) if phrase in prompt]
    assert len(kept) >= len(set(split_phrases(text))) - 4, "only doubles of one kind may go"


UNHARMED = {
    "emphasis": "((a hat)), [rain:1.2], (red scarf, gloves:1.3), (wool)",
    "escaped": r"a \(red\) scarf, kanji \[a, b\], (x \) y, z:1.1)",
    "smiley": "happy :), (red scarf, smiling:1.2), <3, rain",
    "smaller": "age < 40, a hat, 1 > 0",
    "alternation": "[cat|dog|fox], [day:night:0.4], [hat::0.5], [:rain:8]",
    "variants": "{rain|snow|{fog|mist}}, {2$$a|b|c}, {0.5::red|blue} scarf",
    "wildcards": "__color__ hat, __color__ hat, __a/b*__, {a|b}, {a|b}",
    "networks": "<lora:film, look:0.5:0.8>, <lyco:x:te=1:unet=0.5>, <hypernet:y:1>",
    "wide": "微笑，蓝色背景、（帽子：1.2）；「雨」。",
    "wide in latin": "a hat，rain、fog；night",
    "arabic": "قبعة حمراء، مطر؛ ليل",
    "composed": "a cat AND a dog :0.8, rain AND snow",
    "cuts": "a, BREAK, b, BREAK, c, BREAK",
    "apart": "a, AND, b, AND, c",
    "regions": "a ADDCOL b, ADDROW, c, ADDROW",
    "dollar": "${x=__hat__} a ${x}, a ${x}",
}
"""What a user may type for the webui or another extension, and must find there as it was."""


@pytest.mark.parametrize("kind", UNHARMED)
def test_what_the_webui_reads_arrives_as_it_was_typed(kind: str) -> None:
    text = UNHARMED[kind]
    assert positive(WOMAN, style(), text) == f"fcsks, portrait photo of a young woman, {text}"
    config = PortraitConfig(negative_prompt=text)
    assert compose(WOMAN, "fcsks", style(), config).negative.endswith(f", {text}")


@pytest.mark.parametrize("comma", ["，", "、", "；", "， "])
def test_full_width_commas_part_what_is_said_once(comma: str) -> None:
    chosen = style("{person}, serious, gray background")
    prompt = positive(WOMAN, chosen, f"smiling{comma}blue background{comma}a hat")
    assert prompt == "fcsks, portrait photo of a young woman, smiling, blue background, a hat"


@pytest.mark.parametrize("cut", ["BREAK", "AND"])
def test_what_follows_a_cut_stays_behind_it(cut: str) -> None:
    prompt = positive(WOMAN, style("{person}, gray background"), f"a hat, {cut}, blue background")
    assert prompt == (
        f"fcsks, portrait photo of a young woman, gray background, a hat, {cut}, blue background"
    )


def test_a_comment_ends_with_its_line() -> None:
    """The webui leaves out what follows #, to the end of the line: LoRAs would go with it."""
    prompt = positive(WOMAN, style(), "a hat # (not, blue\nrain, # fog\n# all\nsnow # end")
    left = re.sub(r"#[^\n]*(\n|$)", "\n", prompt + " <lora:ana:1>")
    assert "".join(left.split()).endswith("woman,ahat,rain,,,snow<lora:ana:1>")
    assert prompt.count("#") == 4


def test_a_comment_takes_no_bracket_and_no_comma_with_it() -> None:
    assert split_phrases("a # (b, c\nd, (e, f)") == ("a # (b, c\n", "d", "(e, f)")


@pytest.mark.parametrize(
    ("looking", "words", "told"),
    [
        ("looking left", "", "smiling, looking left, gray background"),
        ("looking left", "looking right", "smiling, looking right, gray background"),
        ("", "", "smiling, gray background"),
        (None, "", "smiling, looking right, gray background"),
    ],
)
def test_where_a_pose_looks_replaces_the_styles_word(
    looking: str | None, words: str, told: str
) -> None:
    chosen = style("{person}, smiling, gray background, looking right")
    prompt = compose(WOMAN, "fcsks", chosen, PortraitConfig(prompt=words), looking)
    assert prompt.positive == f"fcsks, portrait photo of a young woman, {told}"
