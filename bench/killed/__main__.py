"""Kill programs at every write, run two at once, and tell what was left, as a Markdown table.

    OMP_NUM_THREADS=1 python -m bench.killed --out bench/killed.md

For systems with fork and SIGKILL.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import TypeVar

import torch

from bench.killed.scenes import CHEAP, Action, Trainer, lay_out
from bench.killed.trials import Killed, Together, killed, together

TIMES, TIMES_WITH_TRAINING = 5, 2
"""How often two programs are started together."""


Trial = TypeVar("Trial", Killed, Together)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--without-training", action="store_true", help="takes a minute less")
    args = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        scene = Path(folder, "scene")
        lay_out(scene)
        actions = dict(CHEAP)
        if not args.without_training:
            actions["train"] = Trainer.load(scene).train
        kills = [_shown(killed(scene, Path(folder, "run"), *pair)) for pair in actions.items()]
        pairs = _pairs(actions, scene, Path(folder))
    args.out.write_text(_report(kills, pairs), encoding="utf-8")
    return 1 if any(k.wrong for k in kills) or any(p.wrong for p in pairs) else 0


def _pairs(actions: Mapping[str, Action], scene: Path, folder: Path) -> list[Together]:
    tried = []
    for one, other in product(actions, actions):
        if list(actions).index(one) <= list(actions).index(other):
            pair = (one, actions[one]), (other, actions[other])
            times = TIMES_WITH_TRAINING if "train" in (one, other) else TIMES
            tried.append(_shown(together(scene, folder, *pair, times=times)))
    return tried


def _shown(trial: Trial) -> Trial:
    print(trial, file=sys.stderr, flush=True)
    return trial


def _report(kills: list[Killed], pairs: list[Together]) -> str:
    lines = [
        "# Killed at every write, and two at once",
        "",
        "`python -m bench.killed --out bench/killed.md`. Each action is done to a copy of one "
        "library and killed (SIGKILL) before each of its writes and, where a file is brought to "
        "the disk, with half of it written; then the library is opened and all files in the data "
        "folder are compared with what was there before and with what an action that was not "
        "killed leaves.",
        "",
        "| action | writes | as before | as done | anything else |",
        "|---|---|---|---|---|",
        *(f"| {k.name} | {k.writes} | {k.before} | {k.after} | {len(k.wrong)} |" for k in kills),
        "",
        "A training that was killed may also leave its unfinished run, which `resume` goes on "
        "with; its folder is left out of the comparison.",
        "",
        f"Two programs at once on one library, {TIMES} times each ({TIMES_WITH_TRAINING} with "
        "training): what they leave is compared "
        "with what the one and then the other leaves, in either order. Refused: it ended in a "
        "sentence, such as that the person was deleted meanwhile.",
        "",
        "| together | done | refused | as one after the other | anything else |",
        "|---|---|---|---|---|",
        *(f"| {p.name} | {p.done} | {p.refused} | {p.right} | {len(p.wrong)} |" for p in pairs),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
