"""Who carries out the jobs of a data folder: one process at a time."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from facechain_ext.imaging.files import write_atomic
from facechain_ext.library.locking import Claim, claim

LOCK, CARD = ".worker.lock", "worker.json"


@dataclass
class Holder:
    """This process as the one, or one that would be. program: what it is called."""

    folder: Path
    program: str
    _claim: Claim | None = None

    def take(self) -> bool:
        """Become the one; False while another process is. Raises InvalidInput without locks."""
        if self._claim is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._claim = claim(self.folder / LOCK)
            if self._claim is not None:
                card = {"program": self.program, "pid": os.getpid()}
                write_atomic(self.folder / CARD, json.dumps(card).encode("utf-8"))
        return self._claim is not None

    @property
    def here(self) -> bool:
        return self._claim is not None

    def release(self) -> None:
        """Let another process be the one."""
        if self._claim is not None:
            (self.folder / CARD).unlink(missing_ok=True)
            self._claim.release()
            self._claim = None

    def other(self) -> str:
        """Say who is the one; empty where nobody is, or this process."""
        if self.here or not (self.folder / LOCK).exists():
            return ""
        try:
            card = json.loads((self.folder / CARD).read_text(encoding="utf-8"))
            return f"{card['program']} (process {card['pid']})"
        except (OSError, ValueError, KeyError, TypeError):
            return ""
