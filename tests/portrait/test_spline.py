"""Smooth warps through points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facechain_ext.portrait.spline import ThinPlateSpline, backward_map, magnification

RNG = np.random.default_rng(0)
KNOTS = RNG.uniform(0, 100, (40, 2)).astype(np.float32)


def test_without_stiffness_it_passes_through_the_points() -> None:
    target = (KNOTS + RNG.normal(0, 5, KNOTS.shape)).astype(np.float32)
    spline = ThinPlateSpline(KNOTS, target, stiffness=0)
    assert spline(KNOTS.astype(np.float64)) == pytest.approx(target, abs=1e-3)


def test_stiffness_smooths_noise() -> None:
    noisy = (KNOTS + RNG.normal(0, 3, KNOTS.shape)).astype(np.float32)
    grid = np.stack(np.meshgrid(np.arange(20, 80.0), np.arange(20, 80.0)), -1).reshape(-1, 2)
    errors = [
        np.abs(ThinPlateSpline(KNOTS, noisy, stiffness=stiffness)(grid) - grid).mean()
        for stiffness in (0, 10)
    ]
    assert errors[1] < 0.6 * errors[0]


@given(
    st.lists(st.floats(-2, 2), min_size=4, max_size=4),
    st.tuples(st.floats(-50, 50), st.floats(-50, 50)),
)
def test_affine_maps_are_exact(linear: list[float], shift: tuple[float, float]) -> None:
    matrix = np.array(linear).reshape(2, 2)
    target = (KNOTS @ matrix + shift).astype(np.float32)
    away = RNG.uniform(-50, 150, (30, 2))
    assert ThinPlateSpline(KNOTS, target)(away) == pytest.approx(away @ matrix + shift, abs=1e-2)


@pytest.mark.parametrize("size", [(30, 50), (240, 160), (1, 1)])
def test_the_identity_maps_each_pixel_to_itself(size: tuple[int, int]) -> None:
    sources = backward_map(KNOTS, KNOTS, size)
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    assert sources.dtype == np.float32
    assert sources == pytest.approx(np.stack([x, y], axis=-1), abs=1e-2)


def test_a_map_leads_from_the_canvas_to_the_source() -> None:
    sources = backward_map(KNOTS, KNOTS * 2 + 5, (40, 30))
    assert sources[10, 20] == pytest.approx([45, 25], abs=1e-2)
    assert magnification(sources) == pytest.approx(4, abs=1e-2)


def test_a_fold_has_negative_area() -> None:
    mirrored = KNOTS * np.array([-1, 1], np.float32)
    assert (magnification(backward_map(KNOTS, mirrored, (20, 20))) < 0).all()
