"""What a style costs of likeness, by the portraits that were kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from facechain_ext.base.infotext import format_infotext
from facechain_ext.config import PortraitConfig
from facechain_ext.imaging import parameters
from facechain_ext.library.people import PeopleLibrary
from facechain_ext.portrait.infotext import portrait_fields
from facechain_ext.studio import results
from facechain_ext.studio.results import Result, Results, parse_result
from facechain_ext.studio.style_likeness import FEWEST, cost_of
from facechain_ext.styles import Style

SNOW = Style("snow", "Snow", "{person}, snow")
OIL = Style("oil", "Oil", "{person}, canvas", fusion_strength=0.0)


def kept(style: str, similarity: float, times: int = FEWEST, **more: str) -> list[Result]:
    told = {"person": "ana", "lora": "ana-1", "fusion": "0.7", **more}
    return [Result(style=style, similarity=similarity, **told)] * times


def test_what_a_style_costs_is_told_with_how_many_portraits_say_so() -> None:
    cost = cost_of(SNOW, kept("snow", 0.5) + kept("portrait", 0.58, 6))
    assert cost is not None
    assert cost.likeness == pytest.approx(0.08)
    assert cost.told == "Costs .08 of likeness (4 portraits in it, 6 in other styles)."


@pytest.mark.parametrize(
    ("similarity", "told"), [(0.5, "Gains .10"), (0.61, "Leaves the likeness as it is")]
)
def test_a_style_may_cost_nothing(similarity: float, told: str) -> None:
    cost = cost_of(SNOW, kept("snow", 0.6) + kept("portrait", similarity))
    assert cost is not None
    assert cost.told.startswith(told)


@pytest.mark.parametrize(
    "results",
    [
        [],
        kept("snow", 0.5),
        kept("portrait", 0.5),
        kept("snow", 0.5, FEWEST - 1) + kept("portrait", 0.6),
        kept("snow", 0.5) + kept("portrait", 0.6, FEWEST - 1),
        kept("snow", 0.5) + kept("portrait", 0.6, person="bea"),
        kept("snow", 0.5) + kept("portrait", 0.6, lora="ana-2"),
        kept("snow", 0.5, fusion="0") + kept("portrait", 0.6),
    ],
)
def test_too_few_or_what_cannot_be_compared_says_nothing(results: list[Result]) -> None:
    assert cost_of(SNOW, results) is None


def test_people_are_compared_with_themselves() -> None:
    """Whoever is less alike in every style does not make a style look dear."""
    ana = kept("snow", 0.7) + kept("portrait", 0.7)
    bea = kept("snow", 0.3, 8, person="bea") + kept("portrait", 0.4, person="bea")
    cost = cost_of(SNOW, ana + bea)
    assert cost is not None
    assert cost.likeness == pytest.approx(0.1 * 8 / 12)
    assert (cost.portraits, cost.others) == (12, 8)


def test_the_fusion_that_a_style_sets_itself_is_part_of_its_cost() -> None:
    cost = cost_of(OIL, kept("oil", 0.3, fusion="0") + kept("portrait", 0.6))
    assert cost is not None
    assert cost.likeness == pytest.approx(0.3)


def infotext(style: str = "snow", similarity: str = "0.512") -> str:
    fields = portrait_fields("Ana", PortraitConfig(style=style, fusion_strength=0.5))
    told = {"Steps": 20, **fields, "FaceChain similarity": similarity}
    return format_infotext("fcsks, snow <lora:ice:0.4> <lora:ana-1:1>", "", told)


def test_an_infotext_tells_style_lora_fusion_and_score() -> None:
    assert parse_result(infotext(), "ana") == Result("ana", "snow", "ana-1", "0.5", 0.512)


@pytest.mark.parametrize(
    "text", ["", "a cat\nSteps: 20", infotext(similarity="none"), "FaceChain person"]
)
def test_what_is_no_scored_portrait_of_ours_is_none(text: str) -> None:
    assert parse_result(text, "ana") is None


def save(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("parameters", text)
    Image.new("RGB", (8, 8)).save(path, pnginfo=chunks)


def test_kept_portraits_are_read_once_and_those_set_aside_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = PeopleLibrary(tmp_path / "people", tmp_path / "lora", tmp_path / "out")
    library.create_or_get("Ana", "fcsks")
    read: list[Path] = []

    def counted(path: Path) -> str:
        read.append(path)
        return parameters.read_parameters(path)

    monkeypatch.setattr(results, "read_parameters", counted)
    for place in range(3):
        save(tmp_path / "out" / "ana" / "2026-11-29" / f"{place}.png", infotext())
    save(tmp_path / "out" / "ana" / "rejected" / "0.png", infotext())
    save(tmp_path / "out" / "elsewhere" / "0.png", infotext())
    (tmp_path / "out" / "ana" / "notes.txt").write_text("x", encoding="utf-8")
    known = Results(library)
    assert [each.style for each in known.of("Ana")] == ["snow"] * 3
    assert known.everybody() == known.of("Ana")
    assert len(read) == 3
    save(tmp_path / "out" / "ana" / "4.png", infotext("warm"))
    assert {each.style for each in known.of("Ana")} == {"snow", "warm"}
    assert len(read) == 4
