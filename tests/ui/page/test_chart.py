"""Curves are drawn inside their frame, with round ends and words for who cannot see them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facechain_ext.ui.page.chart import MOST_POINTS, Axis, Curve, axis_for, draw, thin

pytestmark = pytest.mark.once

FINITE = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False)


@given(st.lists(FINITE, min_size=1, max_size=40))
def test_an_axis_holds_all_values(values: list[float]) -> None:
    axis = axis_for(values)
    assert axis.low < axis.high
    slack = 1e-9 * max(map(abs, values), default=0) + 1e-12
    assert axis.low <= min(values) + slack
    assert axis.high >= max(values) - slack


def test_an_axis_has_round_ends() -> None:
    assert str(axis_for([0.1374, 0.2171])) == "0.12 to 0.22"
    assert str(axis_for([0.28, 0.38], floor=0.0)) == "0 to 0.4"
    assert axis_for([]) == Axis(0, 1)


def test_likeness_below_the_floor_is_still_shown() -> None:
    assert axis_for([-0.1, 0.3], floor=0.0).low <= -0.1


@given(st.lists(st.tuples(FINITE, FINITE), min_size=1, max_size=1000))
def test_thinning_keeps_the_last_point_and_the_mean(points: list[tuple[float, float]]) -> None:
    thinned = thin(points)
    assert len(thinned) <= MOST_POINTS
    assert thinned[-1][0] == points[-1][0]
    low, high = min(y for _, y in points), max(y for _, y in points)
    assert all(low - 1e-6 <= y <= high + 1e-6 for _, y in thinned)


@pytest.fixture
def curve() -> Curve:
    return Curve(
        title="Likeness <b>",
        points=[(20, 0.28), (40, 0.38), (60, 0.37)],
        last_step=60,
        value="0.37",
        summary='from "0.28"',
        dots=True,
        kept=(40,),
        floor=0.0,
    )


def test_points_lie_where_their_numbers_say(curve: Curve) -> None:
    (path,) = re.findall(r'class="fc-line" d="M([^"]+)"', draw(curve))
    placed = [tuple(map(float, point.split())) for point in path.split(" L")]
    assert placed == [(33.33, 30.0), (66.67, 5.0), (100.0, 7.5)]


def test_the_kept_snapshot_is_marked(curve: Curve) -> None:
    dots = re.findall(r'class="(fc-dot[^"]*)" title="step (\d+)', draw(curve))
    assert dots == [("fc-dot", "20"), ("fc-dot fc-kept", "40"), ("fc-dot", "60")]


def test_it_says_what_it_shows_and_escapes_it(curve: Curve) -> None:
    html = draw(curve)
    assert 'role="img" aria-label="from &quot;0.28&quot;"' in html
    assert "Likeness &lt;b&gt;" in html


def test_before_the_first_point_there_is_a_frame() -> None:
    html = draw(Curve(title="Loss", points=[], last_step=0, value="", summary="nothing yet"))
    assert "fc-grid" in html
    assert "fc-line" not in html
