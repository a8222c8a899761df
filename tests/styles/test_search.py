"""Finding styles by words and kinds, among many too."""

from __future__ import annotations

import pytest

from facechain_ext.styles import Style, load_styles, search
from facechain_ext.styles.search import find_styles

STYLES = [*load_styles().values()]


def names(words: str = "", category: str = "", among: set[str] | None = None) -> list[str]:
    return [style.name for style in find_styles(STYLES, words, category, among)]


def test_without_words_all_are_found_in_their_order() -> None:
    assert names() == [style.name for style in STYLES]
    assert names("  ") == names()


@pytest.mark.parametrize(
    ("words", "found"),
    [("cafe", "cafe"), ("CAFÉ", "cafe"), ("tulip kaftan", "ottoman"), ("velvet jazz", "jazz-club"),
     ("fantasy crown", "queen"), ("steampunk", "steampunk")],
)  # fmt: skip
def test_every_word_must_be_somewhere(words: str, found: str) -> None:
    assert found in names(words)
    assert len(names(words)) <= 4
    assert names(f"{words} xyzzy") == []


def test_a_kind_and_a_choice_narrow_it_down() -> None:
    assert names(category="sport", among={"tennis", "portrait"}) == ["tennis"]
    assert names(among=set()) == []


def test_of_a_thousand_styles_each_is_read_once_however_often_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many = [Style(f"own-{n}", f"Own {n}", f"{{person}}, word{n}") for n in range(1000)]
    read: list[str] = []
    real = search.plain
    monkeypatch.setattr(search, "plain", lambda text: read.append(text) or real(text))
    for typed in ("w", "wo", "wor", "word77"):
        found = find_styles(many, typed)
    assert [style.name for style in found] == ["own-77", *(f"own-77{n}" for n in range(10))]
    assert len(read) == 1000 + 4
