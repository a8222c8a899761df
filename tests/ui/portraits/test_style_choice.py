"""Styles on the page: found by words and kinds, marked, and few at a time of many."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from facechain_ext.base.records import Attributes, Gender
from facechain_ext.studio.results import Result
from facechain_ext.styles import load_styles
from facechain_ext.ui.page.redraw import Redraw
from facechain_ext.ui.page.services import Services
from facechain_ext.ui.portraits import style_desk, styles_view
from facechain_ext.ui.portraits.style_choice import StyleChoice
from facechain_ext.ui.portraits.style_desk import AT_ONCE, EVERY, MADE, MARKED, Looking, StyleDesk
from facechain_ext.ui.portraits.styles_view import STAR

pytestmark = pytest.mark.slow(10)


@pytest.fixture
def desk(services: Services) -> StyleDesk:
    return StyleDesk(services)


@pytest.fixture
def choice(desk: StyleDesk) -> StyleChoice:
    drawn = StyleChoice(desk)
    with gr.Blocks():
        drawn.draw(gr.Dropdown(["Ana"], label="Portraits of"), "portrait")
    return drawn


def told(choice: StyleChoice, answers: list[Any]) -> dict[str, Any]:
    return dict(zip(choice.outputs, answers, strict=True))


def names(answer: dict[str, Any]) -> list[str]:
    return [name for _, name in answer["style"]["choices"]]


def look(choice: StyleChoice, words: str = "", kind: str = EVERY, style: str = "") -> Any:
    return told(choice, choice._look(None, words, kind, AT_ONCE, style))


def add(services: Services, many: int) -> None:
    folder = services.studio.host.paths.data_dir / "facechain" / "styles"
    folder.mkdir(parents=True)
    for part in range(0, many, 100):
        styles = [
            {"name": f"own-{n}", "title": f"Own {n}", "prompt": "{person}, own"}
            for n in range(part, part + 100)
        ]
        (folder / f"{part}.json").write_text(json.dumps(styles), encoding="utf-8")


def test_words_and_kinds_narrow_the_cards_down(choice: StyleChoice) -> None:
    assert names(look(choice)) == [*load_styles()]
    assert names(look(choice, "tulip kaftan")) == ["ottoman"]
    assert set(names(look(choice, kind="sport"))) >= {"tennis", "rowing"}
    assert "1 style" in look(choice, "tulip kaftan")["style_note"]
    assert "No style has these words: &lt;b&gt;" in look(choice, " <b> ")["style_note"]


def test_the_chosen_style_stays_among_the_cards_whatever_is_looked_for(choice: StyleChoice) -> None:
    answer = look(choice, "tulip kaftan", style="warm")
    assert names(answer) == ["warm", "ottoman"]
    assert "value" not in answer["style"]
    assert "<strong>Warm</strong>" in answer["style_about"]


def test_favourites_have_a_star_and_a_kind_of_their_own(choice: StyleChoice) -> None:
    assert "No favourites yet" in look(choice, kind=MARKED)["style_note"]
    answer = told(choice, choice._mark(None, "", EVERY, AT_ONCE, "warm"))
    assert (f"{STAR} Warm", "warm") in answer["style"]["choices"]
    assert answer["style_mark"]["value"] == "Unmark"
    assert names(look(choice, kind=MARKED)) == ["warm"]
    choice._mark(None, "", EVERY, AT_ONCE, "warm")
    assert names(look(choice, kind=MARKED)) == []


def kept(person: str, style: str, similarity: float, times: int = 1) -> list[Result]:
    return [Result(person, style, "ana-1", "0.7", similarity)] * times


@pytest.fixture
def made(desk: StyleDesk, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Portraits that were kept; returns how often they have been read."""
    results = kept("ana", "snow", 0.5, 4) + kept("ana", "portrait", 0.58, 4)
    results += kept("bea", "rowing", 0.6)
    read: list[str] = []
    monkeypatch.setattr(
        type(desk.services.studio.results), "everybody", lambda self: read.append("") or results
    )
    desk.services.studio.library.create_or_get("Ana", "fcsks")
    return read


def test_styles_made_before_with_a_person_are_told_from_the_others(
    choice: StyleChoice, made: list[str]
) -> None:
    answer = told(choice, choice._look("Ana", "", MADE, AT_ONCE, ""))
    assert names(answer) == ["portrait", "snow"]
    assert names(told(choice, choice._look("Nobody", "", MADE, AT_ONCE, ""))) == []
    assert len(made) == 1, "read again only after portraits have been made"


def test_what_a_style_costs_is_on_its_card(choice: StyleChoice, made: list[str]) -> None:
    assert (
        "Costs .08 of likeness (4 portraits in it, 4 in other styles)."
        in (look(choice, style="snow")["style_about"])
    )
    assert "likeness" not in look(choice, style="rowing")["style_about"]


def test_only_what_suits_the_person_is_offered(desk: StyleDesk, choice: StyleChoice) -> None:
    library = desk.services.studio.library
    library.create_or_get("Ben", "fcsks").save(attributes=Attributes(Gender.MAN))
    shown = names(told(choice, choice._look("Ben", "", EVERY, AT_ONCE, "")))
    assert "tuxedo" in shown
    assert "gown" not in shown


def test_of_a_thousand_styles_few_are_drawn_and_more_when_asked(
    choice: StyleChoice, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(services, 1000)
    pictures: list[Path] = []
    monkeypatch.setattr(styles_view, "_picture", lambda path, changed: pictures.append(path) or "")
    total = 1000 + len(load_styles())
    answer = look(choice, style="own-999")
    assert len(names(answer)) == AT_ONCE + 1
    assert f"{total} styles, {AT_ONCE} of them shown" in answer["style_note"]
    assert answer["style_more"]["visible"]
    assert len(pictures) <= AT_ONCE
    most, *more = choice._show_more(None, "", EVERY, AT_ONCE, "own-999")
    assert (most, len(names(told(choice, more)))) == (2 * AT_ONCE, 2 * AT_ONCE + 1)
    assert names(look(choice, "own-77")) == ["own-77", *(f"own-77{n}" for n in range(10))]


def test_a_pulse_over_a_thousand_styles_reads_none_of_them_again(
    choice: StyleChoice, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(services, 1000)
    first = Redraw({})
    choice.refresh(first, None, ())
    opened: list[Path] = []
    real = Path.read_text
    monkeypatch.setattr(
        Path, "read_text", lambda self, *a, **k: opened.append(self) or real(self, *a, **k)
    )
    second = Redraw(first.seen)
    choice.refresh(second, None, ())
    assert {path.parent.name for path in opened} <= {"facechain"}, "the favourites alone"
    assert all(value == gr.update() for value in second.values.values())


def test_an_empty_box_may_be_none(choice: StyleChoice) -> None:
    """So gradio 6 sends it."""
    assert style_desk.looking_for((None, None, None, "warm")) == Looking(style="warm")
    assert style_desk.looking_for(()) == Looking()
    assert names(told(choice, choice._look(None, None, EVERY, AT_ONCE, None))) == [*load_styles()]


def test_a_card_without_a_picture_shows_the_colour_of_its_background() -> None:
    styles = load_styles()
    shown = styles_view.sheet([styles["tennis"], styles["warm"], styles["comic"], styles["kite"]])
    green, blue = (styles_view.COLOURS[name] for name in ("green", "blue"))
    assert f"label:nth-of-type(1)::before{{background-color:{green}!important}}" in shown
    assert "label:nth-of-type(2)::before{background-image:url(data:image/jpeg;base64," in shown
    assert "nth-of-type(3)" not in shown
    assert f"label:nth-of-type(4)::before{{background-color:{blue}!important}}" in shown


def test_more_of_the_same_is_looked_for() -> None:
    assert style_desk.more(Looking("a", MARKED, 5, "b")) == Looking("a", MARKED, 5 + AT_ONCE, "b")
