from __future__ import annotations

import pytest

from facechain_ext.base.events import Candidate, Preview, Stage, Step
from facechain_ext.cli.console import describe, show


def step(number: int) -> Step:
    return Step(number, 25, 0.123456, 1e-3, 7.25, 12.4)


def test_every_tenth_step_and_the_last_have_a_line() -> None:
    told = [number for number in range(1, 26) if describe(step(number))]
    assert told == [10, 20, 25]
    assert describe(step(10)) == "   step 10/25  loss 0.1235  7.2 img/s  12 s left"


def test_a_missing_face_counts_as_no_likeness() -> None:
    assert describe(Preview(50, (), (0.5, None))) == "   likeness after 50 steps: 0.250"


def test_lines_go_to_stderr_alone(capsys: pytest.CaptureFixture[str]) -> None:
    for event in (Stage("prepare", 3), step(1), Candidate(1, 8)):
        show(event)
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == "== prepare (3)\n   picture 1/8\n"
