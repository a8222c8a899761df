"""What begins when the webui serves, and again after every Reload UI."""

from __future__ import annotations

from typing import Any

from facechain_ext.webui import private_files
from facechain_ext.webui.host.guarded import guarded


def begin(page: Any, app: Any) -> None:
    """Keep photos private, and go on with the jobs that an earlier start has left."""
    guarded(private_files.close)(page, app)
    guarded(_start_jobs)()


def _start_jobs() -> None:
    from facechain_ext.webui.services import jobs

    jobs().start()
