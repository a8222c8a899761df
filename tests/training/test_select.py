from __future__ import annotations

from pathlib import Path

from facechain_ext.training.select import TIE, Snapshot, choose


def snapshots(*similarities: float | None) -> list[Snapshot]:
    return [Snapshot(50 * n, Path(f"{n}"), s) for n, s in enumerate(similarities, 1)]


def steps(chosen: tuple[Snapshot, ...]) -> list[int]:
    return [snapshot.step for snapshot in chosen]


def test_the_best_snapshot_is_the_most_alike() -> None:
    assert steps(choose(snapshots(0.1, 0.5, 0.3), "best")) == [100]


def test_of_equally_good_snapshots_the_latest_is_kept() -> None:
    assert steps(choose(snapshots(0.1, 0.5, 0.5 - TIE / 2), "best")) == [150]
    assert steps(choose(snapshots(0.1, 0.5, 0.5 - TIE * 2), "best")) == [100]


def test_the_average_takes_the_best_three_in_the_order_of_their_steps() -> None:
    assert steps(choose(snapshots(0.4, 0.1, 0.5, 0.2, 0.3), "average")) == [50, 150, 250]
    assert steps(choose(snapshots(0.4, 0.1), "average")) == [50, 100]


def test_last_ignores_likeness() -> None:
    assert steps(choose(snapshots(0.4, 0.5, 0.1), "last")) == [150]


def test_without_samples_the_last_snapshot_is_kept() -> None:
    for selection in ("best", "average", "last"):
        assert steps(choose(snapshots(None, None), selection)) == [100]
