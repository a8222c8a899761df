"""The bench of steps: its runs, as they are written on the command line, and its table."""

from __future__ import annotations

import json
from pathlib import Path

from bench.steps import Bench, parse_runs, table


def test_every_length_is_compared_with_the_one_before(tmp_path: Path) -> None:
    likeness = {"5/300/Ana": 0.5, "5/300/Eva": 0.4, "5/800/Ana": 0.6, "5/800/Eva": 0.46}
    for run, value in likeness.items():
        path = Bench(tmp_path, 10).path(run)
        path.parent.mkdir(parents=True, exist_ok=True)
        facts = {"similarity": {"SFace": value, "dlib": 0.9}, "seconds": 8.0}
        path.write_text(json.dumps(facts), encoding="utf-8")
    *_, first, second = table(tmp_path, [parse_runs("5:300,800")], ["Ana", "Eva"]).splitlines()
    assert first == "| 5 | 300 | 0.450 |  | 0.900 |  | 8 |"
    assert second == "| 5 | 800 | 0.530 | +0.080 (± 0.020) | 0.900 | +0.000 (± 0.000) | 8 |"
