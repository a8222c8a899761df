"""How long the library takes to answer, empty and with thousands of people in it.

python -m bench.library --out bench/library.md
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from facechain_ext.library.manifest import MANIFEST, Manifest
from facechain_ext.library.people import PeopleLibrary

SIZES = (0, 200, 10_000)
REPEATS = 15


def filled(root: Path, people: int) -> PeopleLibrary:
    """Make a library of so many people, an hour old."""
    library = PeopleLibrary(root / "people", root / "Lora", root / "portraits")
    fill(library, people)
    return library


def fill(library: PeopleLibrary, people: int) -> None:
    """Put so many people into an empty library, an hour old, and one who is new."""
    library.lora_dir.mkdir(parents=True)
    library.create_or_get("Somebody", "fcsks")
    for number in range(people):
        folder = library.root / f"person-{number}"
        folder.mkdir()
        manifest = Manifest(f"Person {number}", "fcsks", "2026-01-01T00:00:00+00:00")
        (folder / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
        hour_ago = time.time() - 3600
        os.utime(folder / MANIFEST, (hour_ago, hour_ago))


def page_of(library: PeopleLibrary, length: int) -> list[tuple[str, int, int]]:
    """Return what a page of a list shows: who, and of how many photos and trainings."""
    people = library.people()[:length]
    return [(who.manifest.name, len(who.photos()), len(who.run_folders)) for who in people]


def milliseconds(action: Callable[[], object]) -> float:
    """Return the median time of an action that was done before."""
    action()
    times = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        action()
        times.append(time.perf_counter() - begun)
    return 1000 * median(times)


def row(people: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        library = filled(Path(folder), people)
        first = time.perf_counter()
        library.people()
        first = 1000 * (time.perf_counter() - first)
        word = iter(range(10**6))
        actions: tuple[Callable[[], object], ...] = (
            library.people,
            lambda: page_of(library, 50),
            lambda: [library.people() for _ in range(11)],
            lambda: library.get("Somebody"),
            lambda: library.create_or_get("Somebody", f"word{next(word)}"),
        )
        times = " | ".join(f"{milliseconds(action):.1f}" for action in actions)
    return f"| {people:,} | {first:.1f} | {times} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out: Path = parser.parse_args().out
    rows = "\n".join(map(row, SIZES))
    out.write_text(
        "# How long the library takes\n\n"
        "    python -m bench.library --out bench/library.md\n\n"
        "Milliseconds, median of "
        f"{REPEATS}, all sizes in one run.\n\n"
        "| people | listed first | listed again | first 50 in full | listed 11 times | one found "
        "| one changed |\n"
        "|---|---|---|---|---|---|---|\n"
        f"{rows}\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
