"""Tells webhooks what they wait for, on a thread of its own, again and again until it is taken."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

from facechain_ext import __version__
from facechain_ext.api.job_facts import job_error, moment
from facechain_ext.api.posting import Undelivered, post
from facechain_ext.api.webhook_table import Message, WebhookTable
from facechain_ext.api.webhooks import Mode, Webhook, WebhookState, key, read_target
from facechain_ext.base.errors import FaceChainError
from facechain_ext.jobs.books import Books
from facechain_ext.jobs.record import JobRecord

logger = logging.getLogger(__name__)

LOOK = 1.0
GONE = 410
"""The status by which a webhook says that it wants nothing more."""


class Webhooks:
    """The webhooks of all jobs; its thread ends when nothing is left to tell."""

    def __init__(self, books: Books, mode: Mode) -> None:
        self.mode: Mode = mode
        self._database = books.database
        self._table = WebhookTable(books.database)
        self._thread: threading.Thread | None = None
        self._closing = False
        self._lock = threading.Lock()

    def add(self, job: JobRecord, hook: Webhook | None) -> None:
        """Have somebody told of a job; raises Conflict where somebody else is already."""
        if hook is None and not job.client_id:
            return
        self._table.add(job, hook)
        self.start()

    def states(self, numbers: Sequence[int]) -> dict[int, tuple[WebhookState, ...]]:
        """Return what has become of the webhooks of some jobs, by the job's number."""
        return self._table.states(numbers)

    def start(self) -> None:
        """Go on with what is left to tell."""
        with self._lock:
            if self.mode != "off" and self._thread is None and not self._closing:
                self._thread = threading.Thread(
                    target=self._run, name="facechain-webhooks", daemon=True
                )
                self._thread.start()

    def close(self) -> None:
        """Tell nothing more; waits for the message under way."""
        with self._lock:
            self._closing, thread = True, self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        try:
            while not self._ends():
                self._look()
        except (FaceChainError, OSError) as error:
            logger.warning("Webhooks cannot be told: %s", error)
            with self._lock:
                self._thread = None

    def _look(self) -> None:
        """Tell what is due, or wait for something."""
        version = self._database.version()
        message = self._table.take()
        if message is None:
            self._database.wait(version, LOOK)
        else:
            self._deliver(message)

    def _ends(self) -> bool:
        with self._lock:
            if not self._closing and self._table.waits():
                return False
            self._thread = None
            return True

    def _deliver(self, message: Message) -> None:
        body = json.dumps(told_of(message), separators=(",", ":")).encode("ascii")
        target = read_target(message.url)
        try:
            status = post(target, signed(message, body, int(time.time())), body, self.mode)
        except Undelivered as error:
            self._table.failed(message, str(error), None)
            return
        if 200 <= status < 300:
            self._table.delivered(message, status)
        else:
            problem = f"It answered {status}."
            self._table.failed(message, problem, status, for_good=status == GONE)


def told_of(message: Message) -> dict[str, Any]:
    """Return what a webhook is told of a job: no names of files, no pictures."""
    job = message.job
    error = job_error(job.error, job.error_type)
    data = {
        "id": job.id,
        "client_id": job.client_id or None,
        "kind": job.kind,
        "person": job.person,
        "state": job.state.value,
        "error": None if error is None else {"type": error.type, "message": error.message},
    }
    return {"type": f"job.{message.event.value}", "timestamp": moment(time.time()), "data": data}


def signed(message: Message, body: bytes, seconds: int) -> dict[str, str]:
    """Return the headers of a message, as Standard Webhooks say."""
    content = b".".join((message.id.encode(), str(seconds).encode(), body))
    digest = hmac.new(key(message.secret), content, hashlib.sha256).digest()
    return {
        "Content-Type": "application/json",
        "User-Agent": f"FaceChain/{__version__}",
        "webhook-id": message.id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode('ascii')}",
    }
