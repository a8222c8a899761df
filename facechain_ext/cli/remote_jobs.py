"""Jobs at a server: begun, watched on this console, stopped by Ctrl-C."""

from __future__ import annotations

import argparse
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from facechain_ext.base.errors import FaceChainError
from facechain_ext.base.events import Event
from facechain_ext.cli.interrupt import stopping
from facechain_ext.cli.streams import say
from facechain_ext.client import Client, JobOptions
from facechain_ext.client.errors import NotFound
from facechain_ext.client.progress import progress_of
from facechain_ext.client.records import Job
from facechain_ext.config.flags import config_from
from facechain_ext.config.setting import settings_of

DOWNLOAD = 600.0
"""Seconds that one answer may take: the server may have a net to fetch, or photos to pack."""

LAST_LOOKS = (0.0, 0.5, 1.0)
"""Seconds before each look for a job that Ctrl-C came before."""


def client_of(args: argparse.Namespace) -> Client:
    """Return a client of the server that was named; raises InvalidInput."""
    user, colon, password = args.token.partition(":")
    who = {"user": user, "password": password} if colon else {"token": args.token}
    return Client(args.server, timeout=DOWNLOAD, **who)


def given(args: argparse.Namespace, config: type[Any]) -> dict[str, Any]:
    """Return the settings that flags gave, checked; the server knows the others."""
    config_from(args, config)
    return {name: getattr(args, name) for name in settings_of(config) if hasattr(args, name)}


@dataclass(frozen=True)
class _Stop:
    """Cancels a job from a thread: the program is in the middle of something when Ctrl-C comes."""

    client: Client
    job_id: str

    def cancel(self) -> None:
        threading.Thread(target=self._ask, daemon=True).start()

    def _ask(self) -> None:
        try:
            self.client.cancel(self.job_id)
        except FaceChainError as error:
            say(f"It could not be canceled: {error}")


@contextmanager
def begun(client: Client, begin: Callable[[JobOptions], Job]) -> Iterator[Job]:
    """Begin a job for as long as it is looked at: Ctrl-C cancels it, also while photos go out."""
    mine = JobOptions(client_id=uuid.uuid4().hex)
    try:
        job = begin(mine)
        with stopping(_Stop(client, job.id)):
            yield job
    except KeyboardInterrupt:
        _cancel_what_began(client, mine.client_id)
        raise


def _cancel_what_began(client: Client, client_id: str) -> None:
    """Cancel a job whose answer was not waited for: it may begin a moment later, or never."""
    for pause in LAST_LOOKS:
        time.sleep(pause)
        with suppress(NotFound):
            client.cancel(client_id)
            return


def watched(client: Client, job: Job) -> Iterator[Event]:
    """Yield what happens to a job until it is over; raises what it failed of."""
    for event in client.events(job.id):
        if (told := progress_of(event)) is not None:
            yield told
    done = client.job(job.id)
    if done.reason is not None:
        raise done.reason


def told(job: Job) -> dict[str, Any]:
    """Return a job as lists show it."""
    return {
        "id": job.id,
        "state": job.state,
        "title": job.title,
        "progress": round(job.progress, 3),
        "error": job.error.message if job.error else None,
    }
