"""Curves as SVG and text as HTML around it: sharp at every width, coloured by the page's theme."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

Point = tuple[float, float]
MOST_POINTS = 240


@dataclass(frozen=True)
class Axis:
    """A range of values that is drawn from 0 to 100."""

    low: float
    high: float

    def place(self, value: float) -> float:
        return 100 * (value - self.low) / (self.high - self.low)

    def __str__(self) -> str:
        return f"{number(self.low)} to {number(self.high)}"


@dataclass(frozen=True)
class Curve:
    """One plot: points by step; dots are marked, the step in `kept` more than the others.

    last_step: where the horizontal axis ends.
    """

    title: str
    points: Sequence[Point]
    last_step: int
    value: str
    summary: str
    dots: bool = False
    kept: tuple[int, ...] = ()
    floor: float | None = None


def draw(curve: Curve) -> str:
    """Return a figure; an empty frame before there are points."""
    steps = Axis(0, max(curve.last_step, 1))
    values = axis_for([y for _, y in curve.points], curve.floor)
    plot = "".join([_line(curve, steps, values), _dots(curve, steps, values)])
    return (
        f'<figure class="fc-chart" role="img" aria-label="{escape(curve.summary)}">'
        f"<figcaption>{escape(curve.title)}<b>{escape(curve.value)}</b></figcaption>"
        f'<div class="fc-plot"><div class="fc-y"><span>{number(values.high)}</span>'
        f"<span>{number(values.low)}</span></div>"
        f'<div class="fc-area">{plot}</div></div>'
        f'<div class="fc-x"><span>0</span><span>{curve.last_step} steps</span></div></figure>'
    )


def axis_for(values: Sequence[float], floor: float | None = None) -> Axis:
    """Choose a range with round ends that holds all values; floor: a fixed lower end."""
    if not values:
        return Axis(0, 1)
    low, high = min(values), max(values)
    if floor is not None:
        low = min(floor, low)
    unit = _round_unit(max(high - low, abs(high) * 0.1, 1e-6) / 4)
    bottom, top = math.floor(low / unit) * unit, math.ceil(high / unit) * unit
    return Axis(bottom, top if top > bottom else bottom + unit)


def _round_unit(rough: float) -> float:
    power: float = 10 ** math.floor(math.log10(rough))
    return next(power * step for step in (1, 2, 2.5, 5, 10) if power * step >= rough * 0.999)


def thin(points: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """Keep at most `most` points, the last one always: every one is the mean of its neighbours."""
    if len(points) <= most:
        return list(points)
    bounds = [round(n * len(points) / most) for n in range(most + 1)]
    groups = [points[start:end] for start, end in pairwise(bounds)]
    return [(group[-1][0], sum(y for _, y in group) / len(group)) for group in groups if len(group)]


def number(value: float) -> str:
    return f"{value:.3g}"


def _line(curve: Curve, steps: Axis, values: Axis) -> str:
    points = [f"{steps.place(x):.2f} {100 - values.place(y):.2f}" for x, y in thin(curve.points)]
    if not points:
        return _svg("")
    path = "M" + " L".join(points)
    first, last = points[0].split()[0], points[-1].split()[0]
    area = f"{path} L{last} 100 L{first} 100 Z"
    return _svg(f'<path class="fc-under" d="{area}"/><path class="fc-line" d="{path}"/>')


def _svg(content: str) -> str:
    grid = "".join(f'<path class="fc-grid" d="M0 {y} H100"/>' for y in (0, 25, 50, 75, 100))
    return (
        '<svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true" '
        f'focusable="false">{grid}{content}</svg>'
    )


def _dots(curve: Curve, steps: Axis, values: Axis) -> str:
    if not curve.dots:
        return ""
    return "".join(
        f'<i class="fc-dot{" fc-kept" if x in curve.kept else ""}" title="step {x:g}: {y:.2f}" '
        f'style="left:{steps.place(x):.2f}%;top:{100 - values.place(y):.2f}%"></i>'
        for x, y in curve.points
    )
