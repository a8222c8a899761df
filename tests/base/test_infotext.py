from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facechain_ext.base.infotext import (
    add_fields,
    format_infotext,
    parse_infotext,
)

pytestmark = pytest.mark.once

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1)
PROMPTS = WORDS.filter(lambda text: not text.startswith("Negative prompt"))
KEYS = st.text("abcdefgh XYZ", min_size=1).map(str.strip).filter(bool)


@given(
    prompt=PROMPTS, negative=st.just("") | WORDS, fields=st.dictionaries(KEYS, WORDS, min_size=1)
)
def test_parsing_is_the_inverse_of_formatting(
    prompt: str, negative: str, fields: dict[str, str]
) -> None:
    assert parse_infotext(format_infotext(prompt, negative, fields)) == (prompt, negative, fields)


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    parse_infotext(text)


def test_it_reads_as_the_webui_writes_it() -> None:
    text = format_infotext("a man", "blurry", {"Steps": 20, "Lora hashes": "x: ab, y: cd"})
    assert text == 'a man\nNegative prompt: blurry\nSteps: 20, Lora hashes: "x: ab, y: cd"'


def test_added_fields_join_the_last_line() -> None:
    text = add_fields(format_infotext("a man", "", {"Steps": 20}), {"FaceChain similarity": 0.5})
    assert parse_infotext(text) == ("a man", "", {"Steps": "20", "FaceChain similarity": "0.5"})


def test_fields_are_added_to_the_last_line_that_says_something() -> None:
    """One webui's infotext ends with a line break."""
    added = add_fields("a\nSteps: 2, Model: mini\n", {"FaceChain person": "Ana"})
    assert added == "a\nSteps: 2, Model: mini, FaceChain person: Ana"
