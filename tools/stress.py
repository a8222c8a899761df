"""Run the suite again and again while every core is kept busy; tell what failed, and the times.

python tools/stress.py 10 [arguments of pytest]
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

BUSY = "while True: pass"


def main(arguments: Sequence[str]) -> int:
    """Run it as often as the first argument says; return the number of runs that failed."""
    runs, *told = arguments
    failed = 0
    for number in range(1, int(runs) + 1):
        begun = time.monotonic()
        with load():
            done = subprocess.run(
                [sys.executable, "-m", "pytest", "-q", *told],
                stdout=subprocess.PIPE,
                text=True,
                check=False,
            )
        failed += done.returncode != 0
        lines = [line for line in done.stdout.splitlines() if not line.startswith("SKIPPED")]
        print("\n".join(lines if done.returncode else lines[-1:]))
        print(f"run {number}: {time.monotonic() - begun:.0f} s", flush=True)
    print(f"{failed} of {runs} runs failed")
    return failed


@contextmanager
def load() -> Iterator[None]:
    """Keep every core busy that this process may use."""
    working = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(cores())]
    try:
        yield
    finally:
        for process in working:
            process.kill()
            process.wait()


def cores() -> int:
    """Return how many cores this process may use: all, or those it was bound to (`taskset`)."""
    if hasattr(os, "sched_getaffinity"):  # not on Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
