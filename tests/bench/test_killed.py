"""The short version of `python -m bench.killed`: some of the writes, some of the pairs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.killed.scenes import CHEAP, lay_out
from bench.killed.trials import killed, together

pytestmark = [
    pytest.mark.slow(6),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL"),
]

PAIRS = [("enrol", "delete"), ("publish", "rename"), ("import", "export")]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("killed") / "scene"
    lay_out(folder)
    return folder


@pytest.mark.parametrize("name", CHEAP)
def test_a_kill_leaves_what_was_there_or_what_was_to_be(
    scene: Path, tmp_path: Path, name: str
) -> None:
    trial = killed(scene, tmp_path / "run", name, CHEAP[name], every=13)
    assert trial.writes > 0
    assert trial.before > 0
    assert trial.wrong == []


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_two_at_once_leave_what_one_after_the_other_leaves(
    scene: Path, tmp_path: Path, one: str, other: str
) -> None:
    trial = together(scene, tmp_path, (one, CHEAP[one]), (other, CHEAP[other]), times=1)
    assert trial.wrong == []
