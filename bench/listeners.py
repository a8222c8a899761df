"""What clients that poll and follow cost a training of `facechain serve` on the mini.

python -m bench.listeners --out bench/listeners.md
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from skimage.data import astronaut

from facechain_ext.imaging.encode import encode_jpeg

POLLERS, STREAMS, EVERY = 50, 20, 1.0
"""Clients; seconds between two questions of one."""
PAIRS, STEPS = 6, 60
TRAINING = {
    "max_train_steps": STEPS,
    "train_batch_size": 1,
    "rank": 4,
    "crops_per_photo": 1,
    "samples_per_snapshot": 0,
}
TEXT = """# What listeners cost a training

    python -m bench.listeners --out bench/listeners.md

`facechain serve` trains the mini for {steps} steps on one thread; another program is {pollers}
clients that ask for the job every {every:g} s, and {streams} that follow events, half of the job
and half of all. Runs without and with it took turns. Seconds from the first step to the last, and
of processor time of the server for the whole job, which other work on the machine changes less.

| pair | alone | computing | listened to | computing | answers | events |
|---|---|---|---|---|---|---|
{table}

Median of the pairs' differences in computing: {cost:+.1%}.
"""


def ask(port: int, method: str, path: str, body: object = None) -> dict[str, object]:
    """Return what the server answers."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    request = Request(f"http://127.0.0.1:{port}/facechain/v1/{path}", data, headers, method=method)
    with urlopen(request, timeout=60) as answer:
        told: dict[str, object] = json.load(answer)
        return told


@contextmanager
def server(folder: Path) -> Iterator[tuple[int, int]]:
    """Run `facechain serve`; yields its port and process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [*(sys.executable, "-m", "facechain_ext.cli", "serve"), "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--data-dir", str(folder)], env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    try:
        for _ in range(600):
            with suppress(URLError):
                ask(port, "GET", "health")
                break
            time.sleep(0.2)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def begun(port: int, path: str, body: object) -> str:
    return str(ask(port, "POST", path, body)["id"])


def wait(port: int, job: str) -> None:
    """Wait for a job, by one question that is answered when it is over."""
    state = ""
    while state != "succeeded":
        headers = {"Prefer": "wait=60"}
        request = Request(f"http://127.0.0.1:{port}/facechain/v1/jobs/{job}", headers=headers)
        with urlopen(request, timeout=120) as answer:
            state = json.load(answer)["state"]
        assert state not in ("failed", "canceled")


def seconds_of(port: int, job: str) -> float:
    """Return how long a training took from its first step to its last."""
    told = ask(port, "GET", f"jobs/{job}/events?limit=5000")["events"]
    assert isinstance(told, list)
    times = [event["time"] for event in told if event["type"] == "step"]
    first, last = (datetime.fromisoformat(times[place]) for place in (0, -1))
    return (last - first).total_seconds()


async def poll(port: int, path: str, counts: Any) -> None:
    """Ask again and again on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        writer.write(f"GET /facechain/v1/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        counts[0] += 1
        await asyncio.sleep(EVERY)


async def follow(port: int, path: str, counts: Any) -> None:
    """Read a stream of events to its end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /facechain/v1/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    while block := await reader.read(65536):
        counts[1] += block.count(b"event: ")
    await asyncio.sleep(3600)


async def listen(port: int, job: str, counts: Any) -> None:
    """Be all clients, until the job is over."""
    polls = (poll(port, f"jobs/{job}", counts) for _ in range(POLLERS))
    paths = (f"jobs/{job}/events" if n % 2 else "events" for n in range(STREAMS))
    tasks = [asyncio.create_task(each) for each in polls]
    tasks += [asyncio.create_task(follow(port, path, counts)) for path in paths]
    await asyncio.gather(*tasks)


def be_listeners(port: int, job: str, counts: Any) -> None:
    """Be a program of its own, until it is ended."""
    asyncio.run(listen(port, job, counts))


def computed(process: int) -> float:
    """Return the seconds of processor time that a process has taken so far, on Linux."""
    told = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def trained(port: int, process: int, *, listened_to: bool) -> tuple[float, float, list[int]]:
    """Train once; returns the seconds that passed and were computed, and how many answers and
    events were read."""
    before = computed(process)
    counts = multiprocessing.Array("q", 2)
    job = begun(port, "people/ana/trainings", {"train": TRAINING})
    listeners = multiprocessing.Process(target=be_listeners, args=(port, job, counts))
    if listened_to:
        listeners.start()
    wait(port, job)
    if listened_to:
        listeners.terminate()
        listeners.join()
    return seconds_of(port, job), computed(process) - before, counts[:]


def pair(port: int, process: int, number: int) -> tuple[float, str]:
    """Train alone and listened to, which first by turns; returns the cost and a row."""
    runs = {
        first: trained(port, process, listened_to=first)
        for first in (bool(number % 2), not number % 2)
    }
    times = " | ".join(f"{time:.1f}" for which in (False, True) for time in runs[which][:2])
    answers, events = runs[True][2]
    row = f"| {number} | {times} | {answers:,} | {events:,} |"
    print(row, flush=True)
    return runs[True][1] / runs[False][1] - 1, row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    options = parser.parse_args()
    photo = base64.b64encode(encode_jpeg(astronaut())).decode()
    with tempfile.TemporaryDirectory() as folder, server(Path(folder)) as (port, process):
        ask(port, "POST", "people", {"name": "Ana"})
        wait(port, begun(port, "people/ana/photos", {"photos": [{"data": photo}]}))
        trained(port, process, listened_to=True)  # whatever is slow once
        found = [pair(port, process, number) for number in range(1, options.pairs + 1)]
    facts = {"steps": STEPS, "pollers": POLLERS, "streams": STREAMS, "every": EVERY}
    cost, table = median(cost for cost, _ in found), "\n".join(row for _, row in found)
    options.out.write_text(TEXT.format(**facts, table=table, cost=cost), encoding="utf-8")


if __name__ == "__main__":
    main()
