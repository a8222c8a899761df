"""The table of fast mode, from figures."""

from __future__ import annotations

from bench.fast import Row, everybody, table


def test_the_table_has_means_and_what_everybody_lost() -> None:
    usual = [Row(0.9, 0.6, 30.0, 40.0), Row(0.8, 0.5, 20.0, 30.0)]
    fast = [Row(0.89, 0.5, 5.0, 9.0), Row(0.8, 0.45, 5.0, 7.0)]
    told = table({"20 steps": usual, "fast": fast})
    assert "| 20 steps | 0.850 | 0.550 | 25.0 | 35.0 |" in told
    assert "| fast | 0.845 | 0.475 | 5.0 | 8.0 |" in told
    assert "Lost fused: +0.010, +0.000." in told
    assert "Lost drawn: +0.100, +0.050." in told


def test_without_photos_it_is_the_demos_one_person() -> None:
    assert everybody(None, 4) == [("The demo's", None)]
