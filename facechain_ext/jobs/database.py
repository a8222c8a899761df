"""The one SQLite file that jobs and their events are kept in."""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from facechain_ext.base.errors import InvalidInput, LibraryTooNew

FILE = "jobs.sqlite3"
VERSION = 1
PATIENCE = 30.0
"""Seconds that a write waits for another process."""
LOOK_AGAIN = 0.25
"""Seconds after which it is seen what another process has written."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    client_id TEXT,
    owner TEXT NOT NULL,
    kind TEXT NOT NULL,
    person TEXT NOT NULL,
    identity TEXT NOT NULL,
    title TEXT NOT NULL,
    work TEXT NOT NULL,
    digest TEXT NOT NULL,
    priority INTEGER NOT NULL,
    state TEXT NOT NULL,
    progress REAL NOT NULL DEFAULT 0,
    eta_seconds REAL,
    error TEXT NOT NULL DEFAULT '',
    error_type TEXT NOT NULL DEFAULT '',
    created REAL NOT NULL,
    started REAL,
    finished REAL,
    cancel_asked INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    worker TEXT NOT NULL,
    UNIQUE (owner, client_id)
);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, number);
CREATE INDEX IF NOT EXISTS jobs_by_person ON jobs (identity, number);
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
    time REAL NOT NULL,
    type TEXT NOT NULL,
    data TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_by_job ON events (job, id);
CREATE TABLE IF NOT EXISTS owners (owner TEXT PRIMARY KEY, served INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS deletions (identity TEXT PRIMARY KEY);
"""


@dataclass(eq=False)
class Database:
    """One connection that all threads of a process share, and a bell that rings at every change."""

    folder: Path
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _changes: int = 0

    def __post_init__(self) -> None:
        self._changed = threading.Condition(self._lock)

    @property
    def path(self) -> Path:
        return self.folder / FILE

    @cached_property
    def _connection(self) -> sqlite3.Connection:
        """Open the file, made where it is missing; raises LibraryTooNew, InvalidInput.

        Made for this user alone, where the system tells users apart so: secrets of webhooks are in
        it. The files that SQLite puts beside it are as it is.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):  # SQLite says it better
            self.path.touch(mode=0o600)
        connection = sqlite3.connect(
            self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(connection)
        except sqlite3.DatabaseError as error:
            connection.close()
            raise self._unusable(error) from error
        except LibraryTooNew:
            connection.close()
            raise
        # Not at exit: threads that go on until then still use it.
        weakref.finalize(self, connection.close).atexit = False
        return connection

    def _unusable(self, error: sqlite3.DatabaseError) -> InvalidInput:
        return InvalidInput(
            f"{self.path} cannot be used ({error}). Where it is damaged, move it away: people, "
            "LoRAs and portraits are not in it."
        )

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Have the connection for a look."""
        with self._lock:
            try:
                yield self._connection
            except sqlite3.DatabaseError as error:
                raise self._unusable(error) from error

    @contextmanager
    def writing(self, *, lasting: bool = False) -> Iterator[sqlite3.Connection]:
        """Have the connection for changes that are made together or not at all.

        lasting: they outlive a loss of power, too, not only the end of this process.
        """
        with self.reading() as connection:
            connection.execute(f"PRAGMA synchronous={'FULL' if lasting else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
            self.ring()

    def ring(self) -> None:
        """Wake who waits for a change; for what is not written down, too."""
        with self._changed:
            self._changes += 1
            self._changed.notify_all()

    @property
    def changes(self) -> int:
        """How often this process has changed anything, or rung; told without waiting."""
        return self._changes

    def version(self) -> tuple[int, int]:
        """Return what differs after any change, of this process or another."""
        with self.reading() as connection:
            (theirs,) = connection.execute("PRAGMA data_version").fetchone()
            return self._changes, theirs

    def wait(self, version: tuple[int, int], timeout: float) -> None:
        """Block until something has changed since, at most for some seconds."""
        if self.version() != version:
            return
        with self._changed:
            if self._changes == version[0]:
                self._changed.wait(min(timeout, LOOK_AGAIN))

    def checkpoint(self) -> None:
        """Leave nothing of what was deleted in the log of changes."""
        with self.reading() as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        with self._lock:
            connection = self.__dict__.pop("_connection", None)
            if connection is not None:
                connection.close()


def _prepare(connection: sqlite3.Connection) -> None:
    connection.row_factory = sqlite3.Row
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise LibraryTooNew(
            f"The jobs were saved by a newer version of FaceChain (format {version}, this one "
            f"knows {VERSION}). Nothing was changed."
        )
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA secure_delete=ON")
    connection.execute("BEGIN IMMEDIATE")
    for statement in SCHEMA.split(";"):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version={VERSION}")
    connection.execute("COMMIT")
