from __future__ import annotations

import numpy as np
import pytest

from facechain_ext.standalone.contact_sheet import (
    GOOD,
    MARGIN,
    PAPER,
    WIDTH,
    ContactSheet,
    Series,
    Tile,
)

RED = np.full((40, 40, 3), (220, 0, 0), np.uint8)


def share_of(sheet: np.ndarray, color: tuple[int, int, int], tolerance: int = 8) -> float:
    return float((np.abs(sheet.astype(int) - color).max(axis=-1) <= tolerance).mean())


def test_tiles_wrap_into_rows() -> None:
    def height(tiles: int) -> int:
        sheet = ContactSheet()
        sheet.tiles([Tile(RED, ("one line",))] * tiles, side=400)
        return sheet.render().shape[0]

    assert height(1) == height(3) < height(4)


def test_a_tile_shows_its_picture_and_a_greyed_one_does_not() -> None:
    shown, greyed = ContactSheet(), ContactSheet()
    shown.tiles([Tile(RED)], side=300)
    greyed.tiles([Tile(RED, greyed=True)], side=300)
    assert share_of(shown.render(), (220, 0, 0)) > 0.1
    assert share_of(greyed.render(), (220, 0, 0)) == 0


def test_text_never_leaves_its_tile() -> None:
    sheet = ContactSheet()
    sheet.tiles([Tile(RED, ("W" * 500,), GOOD)], side=300)
    beside = sheet.render()[:, MARGIN + 310 :]
    assert share_of(beside, PAPER, tolerance=0) == 1


@pytest.mark.parametrize(
    "points",
    [(), ((1, 0.5),), ((1, 0.5), (2, 0.5)), ((1, -0.1), (50, 0.7), (100, 0.3))],
)
def test_a_chart_takes_any_series(points: tuple[tuple[float, float], ...]) -> None:
    sheet = ContactSheet()
    sheet.charts([[Series("loss", points)], []])
    assert sheet.render().shape[1] == WIDTH


def test_bands_stack_in_order() -> None:
    sheet = ContactSheet()
    sheet.title("FaceChain", "subtitle")
    sheet.heading("Photos")
    sheet.tiles([Tile(RED)], side=200)
    picture = sheet.render()
    first_red = int(np.argmax((picture == (220, 0, 0)).all(axis=-1).any(axis=1)))
    assert first_red == sum(band.height for band in sheet.bands[:2])
