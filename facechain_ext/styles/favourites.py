"""The styles that the user has marked, by name, in one file."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path

from facechain_ext.imaging.files import write_atomic

logger = logging.getLogger(__name__)

FILE = "favourite-styles.json"


@dataclass(frozen=True)
class Favourites:
    """Names of styles in a JSON file; the log tells of one that cannot be read."""

    path: Path

    def names(self) -> tuple[str, ...]:
        try:
            told = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, RecursionError) as error:
            logger.warning("%s cannot be read: %s.", self.path.name, error)
            return ()
        return (
            tuple(name for name in told if isinstance(name, str)) if isinstance(told, list) else ()
        )

    def toggle(self, name: str) -> bool:
        """Mark a style, or unmark it; tell whether it is marked now."""
        names = self.names()
        marked = name not in names
        kept = [*names, name] if marked else [other for other in names if other != name]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self.path, (json.dumps(kept) + "\n").encode())
        return marked
