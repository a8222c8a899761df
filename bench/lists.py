"""How long the API's lists take over HTTP, empty and with 10,000 people and 1,000 waiting jobs.

python -m bench.lists --out bench/lists.md
"""

from __future__ import annotations

import argparse
import http.client
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench.library import fill
from facechain_ext.api.auth import Open
from facechain_ext.api.services import ApiServices
from facechain_ext.config import ApiConfig
from facechain_ext.jobs.queue import Jobs
from facechain_ext.jobs.store import Submission, new_id
from facechain_ext.nets import FaceNets
from facechain_ext.standalone.diffusers_host import MINI, DiffusersHost
from facechain_ext.studio.studio import Studio
from facechain_ext.ui.live import LivePage
from facechain_ext.ui.page.services import Services
from tools.fuzz.api import served

SIZES = ((0, 0), (10_000, 1_000))
ROUNDS = 11
TEXT = """# How long the API's lists take

    python -m bench.lists --out bench/lists.md

Milliseconds over HTTP, median of {rounds} that took turns: an empty folder, and one of 10,000
people and 1,000 waiting jobs. The second of each is processor time of server and client together:
what it takes where nothing else runs. On two cores, beside nothing else.

| list | empty | computing | full | computing |
|---|---|---|---|---|
{table}
"""
LISTS = (
    "people",
    "people?search=person+99",
    "people?after=person-5&limit=1000",
    "people/somebody/trainings",
    "people/somebody/portraits",
    "jobs",
    "jobs?state=queued&limit=500",
    "jobs?person=Person+7&kind=train",
    "queue",
    "events",
    "loras",
    "checkpoints",
)


def queued(jobs: Jobs, count: int) -> None:
    """Let jobs of as many people wait, and one person's a tenth of them."""
    for number in range(count):
        person = "Somebody" if number % 10 == 0 else f"Person {number}"
        work = {"run_name": ""}
        told = Submission("resume", person, f"Training {person}", work, priority=number % 3)
        jobs.books.jobs.add(told, new_id(), most_queued=count)


def services(folder: Path, people: int, waiting: int) -> ApiServices:
    """Make an API over so many people and waiting jobs."""
    studio = Studio(DiffusersHost(folder, MINI, device="cpu"), FaceNets())
    fill(studio.library, people)
    jobs = Jobs(studio)
    queued(jobs, waiting)
    return ApiServices(studio, jobs, Open(), ApiConfig(requests_per_minute=0))


def milliseconds(action: Callable[[], object]) -> tuple[float, float]:
    """Return what passes until an action is done, and what of it this program computes."""
    begun, computed = time.perf_counter(), time.process_time()
    action()
    return 1000 * (time.perf_counter() - begun), 1000 * (time.process_time() - computed)


def asking(address: str, path: str) -> Callable[[], object]:
    """Return what asks for a list on one connection that stays open."""
    link = http.client.HTTPConnection(address.rpartition("/")[2])

    def ask() -> None:
        link.request("GET", f"/facechain/v1/{path}", headers={"Accept": "application/json"})
        answer = link.getresponse()
        told = answer.read()
        assert answer.status == 200, told

    return ask


def drawing(made: ApiServices) -> Callable[[], object]:
    """Return what draws the page anew, as it is drawn at every change."""
    page = LivePage(Services(made.studio, made.jobs))
    return lambda: page._draw("Somebody", "")


def row(name: str, empty: Callable[[], object], full: Callable[[], object]) -> str:
    """Take turns, so that whatever else the machine does is shared."""
    pairs = [(*milliseconds(empty), *milliseconds(full)) for _ in range(ROUNDS)][1:]
    times = " | ".join(f"{median(column):.1f}" for column in zip(*pairs, strict=True))
    return f"| {name} | {times} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out: Path = parser.parse_args().out
    with tempfile.TemporaryDirectory() as folder:
        empty, full = (services(Path(folder, str(size[0])), *size) for size in SIZES)
        with served(empty) as first, served(full) as second:
            rows = [row(f"`/{path}`", asking(first, path), asking(second, path)) for path in LISTS]
        rows.append(row("the page, drawn anew", drawing(empty), drawing(full)))
    table = "\n".join(rows)
    out.write_text(TEXT.format(rounds=ROUNDS - 1, table=table), encoding="utf-8")


if __name__ == "__main__":
    main()
