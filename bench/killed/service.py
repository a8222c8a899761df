"""Kill a server of the API at random moments while it is used, and tell what was left.

    OMP_NUM_THREADS=1 python -m bench.killed.service --kills 200 --out bench/killed_service.md

For systems with SIGKILL and a process to fork servers from.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import multiprocessing
import os
import random
import signal
import socket
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from skimage.data import astronaut

from bench.killed.state import library_of
from facechain_ext.api.app import make_site
from facechain_ext.api.auth import Open
from facechain_ext.api.services import ApiServices
from facechain_ext.config import ApiConfig
from facechain_ext.imaging.encode import encode_jpeg
from facechain_ext.jobs.queue import Jobs
from facechain_ext.library.names import identity
from facechain_ext.nets import FaceNets
from facechain_ext.standalone.diffusers_host import DiffusersHost, paths_under
from facechain_ext.studio.studio import Studio

PATIENCE = 300.0
"""Seconds for a server to answer, and for a queue to become empty."""
LONGEST_LIFE = 5.0
MOST_PEOPLE = 12
MOST_WAITING = 6

COMING, THERE, GONE, UNKNOWN = "coming", "there", "gone", "unknown"
"""A person as far as the server has told: added when a job is done; deleted or not."""

OVER = ("succeeded", "failed", "canceled")
TOLERATED = {"no_portrait_found", "person_not_found", "invalid_input", "no_usable_photos"}
"""How a job may fail: two steps drew no face, or the person was deleted before its turn."""

PORTRAIT = {"count": 1, "candidates": 1, "steps": 2}
TRAINING = {
    "max_train_steps": 2,
    "train_batch_size": 1,
    "rank": 2,
    "resolution": 64,
    "target_modules": "attention",
    "crops_per_photo": 1,
    "snapshot_every": 1,
    "samples_per_snapshot": 0,
    "state_every": 1,
}
PHOTO = base64.b64encode(encode_jpeg(astronaut())).decode()


def serve(data_dir: Path, listening: socket.socket) -> None:
    """Be the server, until killed."""
    import uvicorn

    studio = Studio(DiffusersHost(data_dir, device="cpu"), FaceNets())
    jobs = Jobs(studio, program="the bench")
    jobs.start()
    config = ApiConfig(requests_per_minute=100_000)
    site = make_site(ApiServices(studio, jobs, Open(), config=config))
    uvicorn.Server(uvicorn.Config(site, log_level="error")).run(sockets=[listening])


@dataclass
class Server:
    """One life of the server; whatever is asked may end in its death."""

    data_dir: Path
    port: int = 0
    process: ForkServerProcess | None = None

    def start(self) -> None:
        """Begin, and wait until it answers."""
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        context = multiprocessing.get_context("forkserver")
        self.process = context.Process(target=serve, args=(self.data_dir, listening))
        self.process.start()
        listening.close()
        until = time.monotonic() + PATIENCE
        while self.ask("GET", "health") is None:
            assert time.monotonic() < until, "the server does not answer"
            assert self.process.is_alive(), "the server did not start"
            time.sleep(0.05)

    def kill(self) -> None:
        assert self.process is not None
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.join()

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any] | None:
        """Return status and answer; None where the server died meanwhile."""
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as link:
                data = None if body is None else json.dumps(body)
                headers = {"Content-Type": "application/json"} if data else {}
                link.request(method, f"/facechain/v1/{path}", data, headers)
                answer = link.getresponse()
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except (OSError, http.client.HTTPException):
            return None


@dataclass(frozen=True)
class Asked:
    """A job that the server has acknowledged."""

    id: str
    kind: str
    person: str


@dataclass
class Ledger:
    """What the server has acknowledged. people: by name, one of the four words."""

    people: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, Asked] = field(default_factory=dict)
    actions: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def there(self) -> list[str]:
        return [name for name, word in self.people.items() if word == THERE]


@dataclass
class Visitor:
    """Uses a server as a client would: adds people, trains and draws them, deletes them."""

    server: Server
    ledger: Ledger
    chance: random.Random

    def act(self) -> None:
        """Do one thing, of which the server may die."""
        people = self.ledger.there()
        choices: list[Callable[[], None]] = []
        if len(people) < MOST_PEOPLE:
            choices += [self._enrol]
        if people:
            choices += [self._train, self._train, self._draw, self._draw, self._delete]
        (self.chance.choice(choices) if choices else self._look)()

    def _look(self) -> None:
        """See who has come meanwhile."""
        for asked in self.ledger.jobs.values():
            if asked.kind == "enrol" and self.ledger.people[asked.person] == COMING:
                answer = self.server.ask("GET", f"jobs/{asked.id}")
                if answer is not None and answer[1].get("state") == "succeeded":
                    self.ledger.people[asked.person] = THERE

    def _enrol(self) -> None:
        self._look()
        if COMING in self.ledger.people.values():
            return
        name = f"p{len(self.ledger.people)}"
        self.ledger.people[name] = COMING
        self._job("enrol", name, photos=[{"name": "a.jpg", "data": PHOTO}])

    def _train(self) -> None:
        self._job("train", self.chance.choice(self.ledger.there()), train=TRAINING)

    def _draw(self) -> None:
        self._job("portraits", self.chance.choice(self.ledger.there()), portrait=PORTRAIT)

    def _job(self, kind: str, person: str, **more: Any) -> None:
        """Ask for a job; where the server dies of it, the next one is asked the same again."""
        self.ledger.actions[kind] += 1
        client_id = f"{kind}-{self.ledger.actions.total()}"
        body = {"kind": kind, "person": person, **more}
        answer = self.server.ask("PUT", f"jobs/{client_id}", body)
        if answer is None:
            self.unsure = (client_id, body)
            return
        self._noted(client_id, body, *answer)

    unsure: tuple[str, dict[str, Any]] | None = None

    def ask_again(self) -> None:
        """Repeat what the server before this one died of: it must be begun once, not twice."""
        if self.unsure is not None:
            answer = self.server.ask("PUT", f"jobs/{self.unsure[0]}", self.unsure[1])
            assert answer is not None
            self._noted(*self.unsure, *answer)
            self.unsure = None

    def _noted(self, client_id: str, body: Mapping[str, Any], status: int, told: Any) -> None:
        person = body["person"]
        if status in (200, 202):
            self.ledger.jobs[client_id] = Asked(told["id"], body["kind"], person)
        elif status >= 500:
            self.ledger.wrong.append(f"{client_id}: {status} {told}")
        elif body["kind"] == "enrol":
            self.ledger.people[person] = GONE

    def _delete(self) -> None:
        person = self.chance.choice(self.ledger.there())
        self.ledger.actions["delete"] += 1
        answer = self.server.ask("DELETE", f"people/{person}")
        if answer is None:
            self.ledger.people[person] = UNKNOWN
        elif answer[0] == 200:
            self.ledger.people[person] = GONE
        elif answer[0] != 409:  # at work
            self.ledger.wrong.append(f"delete: {answer}")


def look(server: Server, ledger: Ledger, *, at_rest: bool = False) -> None:
    """Compare what the server tells with what was acknowledged; at_rest: nothing goes on."""
    names = {identity(person.manifest.name) for person in library_of(server.data_dir).people()}
    for name, word in ledger.people.items():
        if word == GONE and name in names:
            ledger.wrong.append(f"{name} was deleted and is back")
        if word == THERE and name not in names:
            ledger.wrong.append(f"{name} is lost")
        if word == UNKNOWN:
            ledger.people[name] = THERE if name in names else GONE
    for person in library_of(server.data_dir).damaged():
        ledger.wrong.append(f"{person.slug} cannot be read: {person.error}")
    for client_id, asked in ledger.jobs.items():
        _look_at(server, ledger, client_id, asked, at_rest=at_rest)


def _look_at(
    server: Server, ledger: Ledger, client_id: str, asked: Asked, *, at_rest: bool
) -> None:
    answer = server.ask("GET", f"jobs/{asked.id}")
    assert answer is not None
    status, job = answer
    if status == 404:
        if ledger.people[asked.person] != GONE:
            ledger.wrong.append(f"{client_id} is lost")
    elif job["client_id"] != client_id:
        ledger.wrong.append(f"{client_id} is called {job['client_id']}")
    elif at_rest and job["state"] not in OVER:
        ledger.wrong.append(f"{client_id} is {job['state']} for ever")
    elif job["state"] == "failed" and job["error"]["type"] not in TOLERATED:
        ledger.wrong.append(f"{client_id} failed: {job['error']}")


def come_to_rest(server: Server) -> None:
    """Wait until nothing waits or runs."""
    until = time.monotonic() + PATIENCE
    while (answer := server.ask("GET", "queue")) and (answer[1]["busy"] or answer[1]["waiting"]):
        assert time.monotonic() < until, "the queue does not become empty"
        time.sleep(0.2)


def look_at_files(server: Server, ledger: Ledger) -> None:
    """Look for trainings that were done twice, for pictures and LoRAs that belong to nobody, and
    at the database."""
    library = library_of(server.data_dir)
    paths = paths_under(server.data_dir)
    loras: set[str] = set()
    for person in library.people():
        name = person.manifest.name
        done = 0
        for asked in ledger.jobs.values():
            if (asked.kind, asked.person) == ("train", name):
                answer = server.ask("GET", f"jobs/{asked.id}")
                done += answer is not None and answer[1].get("state") == "succeeded"
        if len(person.manifest.runs) != done:
            ledger.wrong.append(f"{name} has {len(person.manifest.runs)} LoRAs of {done} trainings")
        loras |= {run.lora for run in person.manifest.runs}
    there = {path.name for path in paths.lora_dir.rglob("*.safetensors")}
    if there != loras:
        ledger.wrong.append(f"LoRAs that belong to nobody, or are lost: {sorted(there ^ loras)}")
    with closing(sqlite3.connect(paths.jobs_dir / "jobs.sqlite3")) as books:
        if books.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            ledger.wrong.append("the database is damaged")
        ids = {row[0] for row in books.execute("SELECT id FROM jobs")}
    if others := {path.name for path in (paths.jobs_dir / "files").iterdir()} - ids:
        ledger.wrong.append(f"{len(others)} folders of jobs that are not there")


def tried(kills: int, seed: int, data_dir: Path) -> tuple[Ledger, Counter[str]]:
    """Let servers live and die; return what was acknowledged and wrong, and at what they died."""
    ledger, chance, died_at = Ledger(), random.Random(seed), Counter[str]()
    visitor = Visitor(Server(data_dir), ledger, chance)
    for number in range(1, kills + 1):
        server = visitor.server
        server.start()
        look(server, ledger)
        visitor.ask_again()
        _live(visitor)
        died_at[_goes_on(server)] += 1
        _die(visitor)
        print(f"{number} {dict(died_at)} {ledger.wrong}", file=sys.stderr, flush=True)
    visitor.server.start()
    visitor.ask_again()
    come_to_rest(visitor.server)
    visitor._look()
    look(visitor.server, ledger, at_rest=True)
    look_at_files(visitor.server, ledger)
    visitor.server.kill()
    return ledger, died_at


def _live(visitor: Visitor) -> None:
    """Use the server for a while, without asking for more than it does."""
    until = time.monotonic() + visitor.chance.uniform(0.0, LONGEST_LIFE)
    while time.monotonic() < until:
        answer = visitor.server.ask("GET", "queue")
        if answer is not None and answer[0] != 200:
            visitor.ledger.wrong.append(f"queue: {answer}")
        elif answer is not None and answer[1]["waiting"] < MOST_WAITING:
            visitor.act()
        time.sleep(visitor.chance.uniform(0.0, 0.3))


def _goes_on(server: Server) -> str:
    """Tell what the server is at."""
    answer = server.ask("GET", "queue")
    running = answer[1]["running"] if answer is not None else None
    return str(running["kind"]) if running else "idle"


def _die(visitor: Visitor) -> None:
    """Kill the server in the middle of a request, half of the times."""
    if visitor.chance.random() < 0.5:
        visitor.server.kill()
        return
    asking = threading.Thread(target=visitor.act)
    asking.start()
    time.sleep(visitor.chance.uniform(0.0, 0.1))
    visitor.server.kill()
    asking.join()


def report(ledger: Ledger, died_at: Counter[str], seed: int) -> str:
    kills = died_at.total()
    lines = [
        "# A service that is killed",
        "",
        f"`python -m bench.killed.service --kills {kills} --seed {seed} --out "
        "bench/killed_service.md`",
        "",
        "A server of the API on the mini is used by one client that uploads and enrols photos, "
        "trains, draws and deletes, and is killed (SIGKILL) at random moments, half of them within "
        "a tenth of a second after a request was sent. After every kill the next server is asked "
        "for all people and jobs that were acknowledged; in the end the queue runs empty, and "
        "LoRAs are counted against trainings, folders against jobs.",
        "",
        f"{kills} kills: " + ", ".join(f"{n} at {what}" for what, n in died_at.most_common()) + ".",
        "",
        "Asked for: " + ", ".join(f"{n} {what}" for what, n in ledger.actions.most_common()) + ".",
        "",
        f"Jobs acknowledged: {len(ledger.jobs)}. Lost, doubled, unreadable or back: "
        f"{len(ledger.wrong)}.",
        *(f"- {sentence}" for sentence in ledger.wrong),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    multiprocessing.set_start_method("forkserver")
    multiprocessing.set_forkserver_preload(
        ["facechain_ext.api.app", "facechain_ext.standalone.diffusers_host"]
    )
    with tempfile.TemporaryDirectory() as folder:
        ledger, died_at = tried(args.kills, args.seed, Path(folder, "données"))
    args.out.write_text(report(ledger, died_at, args.seed), encoding="utf-8")
    return 1 if ledger.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
