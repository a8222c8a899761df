"""`python -m tools.fuzz.api --examples 100 --seed 7`: send the API what its document allows, and
what it does not, by Schemathesis; every answer must be one that the document tells of.

A real server answers, of `tools.fuzz.service`. Schemathesis' own report is printed.
"""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from facechain_ext.api.app import MOUNT, OPERATIONS, make_site
from facechain_ext.api.openapi import document
from facechain_ext.api.operation import VERSION, Operation
from facechain_ext.api.services import ApiServices
from facechain_ext.api.tickets import JobTicket
from tools.fuzz.service import service
from tools.fuzz.subjects import sound_checkpoint

CONFIG = Path(__file__).with_name("schemathesis.toml")
LEFT_OUT = ("download_model",)
"""It would fetch files."""
MEMBERS = (
    ("list_people", "slug", "/people/0/slug"),
    ("list_photos", "stem", "/photos/0/stem"),
    ("get_samples", "name", "/samples/0/pictures/0/name"),
    ("get_portraits", "name", "/portraits/0/name"),
)
"""Whose answers name what stands in further addresses."""


def tested() -> dict[str, Any]:
    """Return the API's document with links from what is begun to where it is looked at.

    Without webhooks, which are off, and what is left out.
    """
    told: dict[str, Any] = _without(
        "webhook", document([e for e in OPERATIONS if e.name not in LEFT_OUT])
    )
    for operation in OPERATIONS:
        if operation.name not in LEFT_OUT:
            answers = told["paths"][_path(operation)][operation.method.lower()]["responses"]
            for status in operation.answers:
                answers[str(status)]["links"] = _links(operation)
    return told


def _without(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without(name, each) for key, each in value.items() if key != name}
    return [_without(name, each) for each in value] if isinstance(value, list) else value


def _path(operation: Operation) -> str:
    return f"{MOUNT}{VERSION}{operation.path}"


def _links(source: Operation) -> dict[str, Any]:
    """Return what the answers of an operation lead to."""
    known = {part: f"$request.path.{part}" for part in source.parts}
    if JobTicket in source.answers.values():
        known["job"] = "$response.body#/id"
    if source.name == "add_person":
        known["slug"] = "$response.body#/slug"
    known |= {part: f"$response.body#{at}" for name, part, at in MEMBERS if name == source.name}
    return {
        target.name: {"operationId": target.name, "parameters": {p: known[p] for p in target.parts}}
        for target in OPERATIONS
        if target.parts and {*target.parts} <= {*known} and target.name not in LEFT_OUT
    }


@contextmanager
def served(services: ApiServices) -> Iterator[str]:
    """Let a server answer on a thread; yields its address."""
    config = uvicorn.Config(make_site(services), port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def run(folder: Path, address: str, more: Sequence[str]) -> int:
    """Run Schemathesis; returns 0 where nothing was found."""
    file = folder / "openapi.json"
    file.write_text(json.dumps(tested()), encoding="utf-8")
    command = [*(sys.executable, "-m", "schemathesis.cli"), "--config-file", str(CONFIG)]
    return subprocess.call([*command, "run", str(file), "--url", address, "--no-color", *more])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tools.fuzz.api", description=__doc__)
    parser.add_argument("--examples", type=int, default=20, help="of every operation and phase")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("more", nargs="*", help="options of Schemathesis, after --")
    options = parser.parse_args(arguments)
    logging.disable(logging.WARNING)
    how = ["--seed", str(options.seed), "--max-examples", str(options.examples), *options.more]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        with (
            service(folder / "data", sound_checkpoint(folder / "model")) as services,
            served(services) as address,
        ):
            return run(folder, address, how)


if __name__ == "__main__":
    sys.exit(main())
