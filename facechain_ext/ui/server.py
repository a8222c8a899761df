"""The same panels without a webui: a page on this computer alone."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facechain_ext.base.errors import FaceChainError

if TYPE_CHECKING:
    from facechain_ext.ui.page.services import Services

ADDRESS = "127.0.0.1"
FOLDER = "facechain-page-"
ROOT = Path(__file__).parents[2]
FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Consolas", "monospace")


def serve(
    services: Services,
    *,
    port: int | None,
    open_browser: bool,
    beside: Mapping[str, Any] | None = None,
) -> None:
    """Show the page until interrupted; what it hands out lies in a folder that goes with it.

    beside: other ASGI apps, by where they answer; the page's own rules hold for them, too.
    Raises FaceChainError without gradio.
    """
    if find_spec("gradio") is None:
        raise FaceChainError('The page needs gradio: pip install "facechain-ext[ui]".')
    _end_as_if_interrupted()
    with _folder_of_this_page() as folder:
        _settle(folder)
        _serve(services, folder, port, open_browser, beside or {})


def _end_as_if_interrupted() -> None:
    """Let nothing that asks the process to end leave photos behind."""
    for name in ("SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)


@contextmanager
def _folder_of_this_page() -> Iterator[Path]:
    """Make a folder that goes with the page, and remove those of pages that were killed.

    The folder's name tells a port that answers for as long as the process lives.
    """
    with socket.create_server((ADDRESS, 0)) as lease:
        for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER}*"):
            if not _is_in_use(folder):
                shutil.rmtree(folder, ignore_errors=True)
        port = lease.getsockname()[1]
        with tempfile.TemporaryDirectory(prefix=f"{FOLDER}{port}-") as own:
            yield Path(own)


def _is_in_use(folder: Path) -> bool:
    port = folder.name.removeprefix(FOLDER).partition("-")[0]
    try:
        with socket.create_connection((ADDRESS, int(port)), timeout=2):
            return True
    except (OSError, ValueError, OverflowError):
        return False


def _settle(folder: Path) -> None:
    """Set what gradio reads when it is imported: no calls home, a folder of our own."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["GRADIO_TEMP_DIR"] = str(folder)


def _serve(
    services: Services,
    folder: Path,
    port: int | None,
    open_browser: bool,
    beside: Mapping[str, Any],
) -> None:
    from starlette.middleware import Middleware
    from starlette.routing import Mount

    from facechain_ext.ui.local_page import LocalPage
    from facechain_ext.ui.page import compat
    from facechain_ext.ui.tab import build_tab

    css, theme = read_asset("style.css") + "\nfooter { display: none !important; }", _theme()
    page = build_tab(services, css=css, theme=theme)
    script = read_asset("javascript/facechain.js")
    with page:
        compat.on(page.load, None, js=f"() => {{ {script} }}")
    compat.launch(
        page,
        css=css,
        theme=theme,
        server_name=ADDRESS,
        server_port=port,
        inbrowser=open_browser,
        quiet=True,
        app_kwargs={
            "middleware": [Middleware(LocalPage, files=folder)],
            "routes": [Mount(path, app=app) for path, app in beside.items()],
        },
    )


def read_asset(name: str) -> str:
    """Read a file that the webui finds by itself: a wheel has it in here, a clone at the top."""
    places = (Path(__file__).with_name(Path(name).name), ROOT / name)
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise FaceChainError(f"{name} is missing from this installation.")
    return path.read_text(encoding="utf-8")


def _theme() -> Any:
    """Return gradio's own look with the fonts of the computer: others would be fetched."""
    import gradio as gr

    return gr.themes.Default(font=list(FONT), font_mono=list(MONO))
