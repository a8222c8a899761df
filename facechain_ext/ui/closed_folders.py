"""An ASGI layer that serves nothing of some folders, wherever gradio would find them.

gradio hands out what lies under the folder that a webui was started in, photos of people too, to
whoever reaches the port. Its own list of blocked paths compares names: a link to a folder, or other
letter case where a file system has none, leads past it. Here folders are compared, not names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from facechain_ext.ui.local_page import App, Message, Receive, Send, refuse

FILE = re.compile(r"(?<=/file[=/])")
"""Where the name of a file begins in the path of a request."""


@dataclass(frozen=True)
class ClosedFolders:
    """Wraps an app; requests for files in `folders`, and in what lies in those, are refused."""

    app: App
    folders: tuple[Path, ...]

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and any(map(self._holds, _names(scope["path"]))):
            await refuse("http", send)
            return
        await self.app(scope, receive, send)

    def _holds(self, name: str) -> bool:
        try:
            path = Path(name).resolve()
        except (OSError, ValueError, RuntimeError):  # no name of a file, or links in a circle
            return False
        return any(
            _is_same(each, folder) for each in (path, *path.parents) for folder in self.folders
        )


def _names(path: str) -> Iterator[str]:
    """Yield what a handler may take for a file's name, read once more or not."""
    for found in FILE.finditer(path):
        yield path[found.end() :]
        yield unquote(path[found.end() :])


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False
