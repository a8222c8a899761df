"""An ASGI layer that serves nothing of some folders, wherever gradio would find them.

gradio hands out what lies under the folder that a webui was started in, photos of people too, to
whoever reaches the port. Its own list of blocked paths compares names: a link to a folder, or other
letter case where a file system has none, leads past it. Here folders are compared, not names.

Routes that a webui or its extensions add are told a file in the query, and may ask nobody to log in
nor look where ".." leads: its values count as names, too, on every route.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from facechain_ext.ui.local_page import App, Message, Receive, Send, refuse

FILE = re.compile(r"(?<=/file[=/])")
"""Where the name of a file begins in the path of a request."""


@dataclass(frozen=True)
class ClosedFolders:
    """Wraps an app; requests for files in `folders`, and in what lies in those, are refused.

    under: only requests whose path has this in it.
    """

    app: App
    folders: tuple[Path, ...]
    under: str = ""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        asks = scope["type"] == "http" and self.under in scope["path"]
        if asks and any(map(self._holds, _names(scope))):
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


def _names(scope: Message) -> Iterator[str]:
    """Yield what a handler may take for a file's name, read once more or not."""
    path, query = scope["path"], scope.get("query_string", b"").decode("latin-1")
    names = [path[found.end() :] for found in FILE.finditer(path)]
    for name in (*names, *(value for _, value in parse_qsl(query))):
        yield name
        yield unquote(name)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False
