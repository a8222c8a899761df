"""Locks: one holder at a time, in whatever thread or program."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from facechain_ext.base.errors import Busy
from facechain_ext.library.locking import claim, is_claimed, locked

HOLD = """
import sys
from pathlib import Path
from facechain_ext.library.locking import claim
held = claim(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_lock_keeps_other_programs_out_and_goes_with_its_holder(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert claim(path) is None
        assert is_claimed(path)
        with pytest.raises(Busy), locked(path, patience=0.05):
            pass
        other.kill()
    assert not is_claimed(path)
    assert not path.exists()


def test_a_thread_may_take_its_lock_again_and_others_wait(tmp_path: Path) -> None:
    path, order = tmp_path / ".lock", []

    def wait() -> None:
        with locked(path):
            order.append("second")

    with locked(path) as taken, locked(path) as again:
        assert taken is not None
        assert (taken.was_left, again) == (False, None)
        thread = threading.Thread(target=wait)
        thread.start()
        with pytest.raises(Busy):
            _in_a_thread(path)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert not path.exists()


def _in_a_thread(path: Path) -> None:
    raised: list[Busy] = []

    def take() -> None:
        try:
            with locked(path, patience=0.05):
                pass
        except Busy as error:
            raised.append(error)

    thread = threading.Thread(target=take)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
