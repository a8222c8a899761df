"""One action killed at every write; two actions at once."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from bench.killed.children import BROKEN, DONE, REFUSED, start, wait
from bench.killed.scenes import Action, copy
from bench.killed.state import state_of

State = frozenset[str]


@dataclass
class Killed:
    """What was found after an action was killed at each of its writes."""

    name: str
    writes: int = 0
    before: int = 0
    after: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass
class Together:
    """What was found after two actions ran at once."""

    name: str
    done: int = 0
    refused: int = 0
    right: int = 0
    wrong: list[str] = field(default_factory=list)


def killed(scene: Path, place: Path, name: str, action: Action, *, every: int = 1) -> Killed:
    """Kill an action at each of its writes, or at every so-many-th."""
    before = state_of(copy(scene, place))
    assert wait(start(lambda: action(place))) == DONE, name
    after = state_of(place)
    trial = Killed(name)
    for number in count(1, every):
        data_dir = copy(scene, place)
        code = wait(start(lambda: action(place), die_at=number, under=data_dir))
        if code == DONE:
            break
        found = state_of(data_dir)
        trial.writes = number
        trial.before += found == before
        trial.after += found == after and found != before
        if code in (BROKEN, REFUSED) or found not in (before, after):
            odd = sorted(found ^ min(before, after, key=lambda state: len(found ^ state)))
            trial.wrong.append(f"{name} killed at {number} ({code}): {odd}")
    shutil.rmtree(place)
    return trial


def together(
    scene: Path, folder: Path, one: tuple[str, Action], other: tuple[str, Action], *, times: int
) -> Together:
    """Run two actions at once; what they leave must be what one after the other leaves."""
    place = folder / "together"
    allowed = {
        _in_turn(scene, place, one[1], other[1]),
        _in_turn(scene, place, other[1], one[1]),
    }
    trial = Together(f"{one[0]}, {other[0]}")
    for _ in range(times):
        data_dir = copy(scene, place)
        children = [start(lambda: one[1](place)), start(lambda: other[1](place))]
        codes = [wait(child) for child in children]
        found = state_of(data_dir)
        trial.done += codes.count(DONE)
        trial.refused += codes.count(REFUSED)
        trial.right += found in allowed
        if found not in allowed or any(code not in (DONE, REFUSED) for code in codes):
            odd = sorted(found ^ min(allowed, key=lambda state: len(found ^ state)))
            trial.wrong.append(f"{trial.name} at once {codes}: {odd}")
    shutil.rmtree(place)
    return trial


def _in_turn(scene: Path, place: Path, first: Action, then: Action) -> State:
    copy(scene, place)
    for action in (first, then):
        wait(start(lambda: action(place)))  # noqa: B023
    return state_of(place)
