"""One picture that shows a whole run: photos, template, samples, curves, ranked portraits."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from facechain_ext.base.records import Pixels

WIDTH = 1600
MARGIN = 40
GAP = 16
LINE = 26
INK = (32, 36, 44)
SOFT = (118, 124, 136)
PAPER = (250, 250, 252)
RULE = (226, 228, 234)
ACCENT = (29, 111, 184)
SECOND = (217, 119, 6)
GOOD = (22, 128, 80)
BAD = (178, 60, 52)

Color = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Tile:
    """A picture with up to a few short lines below it; greyed when it was turned down."""

    pixels: Pixels
    lines: tuple[str, ...] = ()
    color: Color = INK
    greyed: bool = False


@dataclass(frozen=True)
class Series:
    """A curve: (x, y) points, a name and a colour."""

    name: str
    points: tuple[tuple[float, float], ...]
    color: Color = ACCENT


@dataclass
class ContactSheet:
    """Sections stacked from top to bottom; `render` joins them into one picture."""

    bands: list[Image.Image] = field(default_factory=list)

    def title(self, text: str, subtitle: str) -> None:
        band, draw = _band(92)
        draw.text((MARGIN, 26), text, INK, _font(34))
        draw.text((MARGIN, 68), subtitle, SOFT, _font(17))
        self.bands.append(band)

    def heading(self, text: str) -> None:
        band, draw = _band(58)
        draw.line((MARGIN, 14, WIDTH - MARGIN, 14), RULE, 2)
        draw.text((MARGIN, 26), text, INK, _font(22))
        self.bands.append(band)

    def tiles(self, tiles: Sequence[Tile], side: int) -> None:
        """Lay tiles out in rows of squares with `side` px; long captions are cut off."""
        per_row = (WIDTH - 2 * MARGIN + GAP) // (side + GAP)
        for start in range(0, len(tiles), per_row):
            row = tiles[start : start + per_row]
            lines = max(len(tile.lines) for tile in row)
            band, draw = _band(side + lines * LINE + GAP)
            for column, tile in enumerate(row):
                _place(band, draw, tile, MARGIN + column * (side + GAP), side)
            self.bands.append(band)

    def charts(self, charts: Sequence[Sequence[Series]], height: int = 300) -> None:
        """Draw charts side by side; every chart scales itself to its series."""
        band, draw = _band(height + GAP)
        width = (WIDTH - 2 * MARGIN - GAP * (len(charts) - 1)) // len(charts)
        for column, series in enumerate(charts):
            left = MARGIN + column * (width + GAP)
            _chart(draw, series, (left, 0, left + width, height))
        self.bands.append(band)

    def render(self) -> Pixels:
        height = sum(band.height for band in self.bands) + MARGIN
        sheet = Image.new("RGB", (WIDTH, height), PAPER)
        top = 0
        for band in self.bands:
            sheet.paste(band, (0, top))
            top += band.height
        return np.asarray(sheet)


def _band(height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    band = Image.new("RGB", (WIDTH, height), PAPER)
    return band, ImageDraw.Draw(band)


def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    """Return the font that comes with Pillow; before Pillow 10.1 it has one size only."""
    if "size" in inspect.signature(ImageFont.load_default).parameters:
        return ImageFont.load_default(size)
    return ImageFont.load_default()


def _place(band: Image.Image, draw: ImageDraw.ImageDraw, tile: Tile, left: int, side: int) -> None:
    picture = ImageOps.pad(
        Image.fromarray(tile.pixels), (side, side), Image.Resampling.LANCZOS, color=RULE
    )
    if tile.greyed:
        grey = ImageOps.grayscale(picture).convert("RGB")
        picture = Image.blend(grey, Image.new("RGB", grey.size, PAPER), 0.45)
    band.paste(picture, (left, 0))
    for number, line in enumerate(tile.lines):
        color = tile.color if number == 0 else SOFT
        _text(draw, (left, side + 6 + number * LINE), line, side, color)


def _text(
    draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, width: int, color: Color
) -> None:
    """Write one line, shortened to fit the width in px.

    Before Pillow 10.1 the font knows Latin-1 alone, so other letters become question marks.
    """
    font = _font(16)
    shown = text = text.encode("latin-1", "replace").decode("latin-1")
    while shown and draw.textlength(shown, font) > width:
        text = text[:-1]
        shown = text + "..."
    draw.text(at, shown, color, font)


def _chart(
    draw: ImageDraw.ImageDraw, series: Sequence[Series], box: tuple[int, int, int, int]
) -> None:
    left, top, right, bottom = box
    inner = (left + 62, top + 34, right - 16, bottom - 30)
    points = [point for line in series for point in line.points]
    draw.rectangle(box, outline=RULE, width=1)
    if not points:
        return
    xs, ys = zip(*points, strict=True)
    spans = (min(xs), max(xs), min(0.0, *ys) if min(ys) < 0.2 else min(ys), max(ys))
    _axes(draw, inner, spans)
    name_at = inner[0]
    for line in series:
        path = [_to_pixel(point, inner, spans) for point in line.points]
        draw.line(path, line.color, 3, joint="curve")
        for x, y in path if len(path) <= 40 else []:
            draw.ellipse((x - 4, y - 4, x + 4, y + 4), line.color)
        draw.text((name_at, top + 8), line.name, line.color, _font(16))
        name_at += int(draw.textlength(line.name, _font(16))) + 24


def _axes(
    draw: ImageDraw.ImageDraw,
    inner: tuple[int, int, int, int],
    spans: tuple[float, float, float, float],
) -> None:
    left, top, right, bottom = inner
    for share in (0.0, 0.5, 1.0):
        y = round(bottom + (top - bottom) * share)
        value = spans[2] + (spans[3] - spans[2]) * share
        draw.line((left, y, right, y), RULE, 1)
        draw.text((left - 54, y - 9), f"{value:.3f}", SOFT, _font(14))
        x = round(left + (right - left) * share)
        step = round(spans[0] + (spans[1] - spans[0]) * share)
        draw.text((x - 8 * len(str(step)) // 2, bottom + 8), str(step), SOFT, _font(14))


def _to_pixel(
    point: tuple[float, float],
    inner: tuple[int, int, int, int],
    spans: tuple[float, float, float, float],
) -> tuple[float, float]:
    left, top, right, bottom = inner
    x_low, x_high, y_low, y_high = spans
    x = (point[0] - x_low) / ((x_high - x_low) or 1)
    y = (point[1] - y_low) / ((y_high - y_low) or 1)
    return left + x * (right - left), bottom + y * (top - bottom)
