"""The webui's app, after our extension heard that it has started."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest

pytest.importorskip("starlette")

from tests.webui.conftest import Webui


def status_of(app: Any, path: str, query: str = "") -> int:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "GET", "path": path, "headers": []}
    scope["query_string"] = query.encode("ascii")
    asyncio.run(app(scope, receive, send))
    return int(sent[0]["status"])


@pytest.fixture
def app() -> Any:
    """An app that serves whatever is asked for."""
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    return Starlette(routes=[Route("/{path:path}", lambda request: PlainTextResponse("a face"))])


def photo_in(webui: Webui, place: str = "people/ana/photos/000.jpg") -> str:
    photo = webui.root / "facechain" / place
    photo.parent.mkdir(parents=True)
    photo.write_bytes(b"a face")
    return f"/file={photo}"


def test_people_are_out_of_reach_also_after_others_add_layers(webui: Webui, app: Any) -> None:
    from starlette.middleware import Middleware
    from starlette.middleware.gzip import GZipMiddleware

    from facechain_ext.webui import private_files

    photo = photo_in(webui)
    assert status_of(app, photo) == 200
    private_files.close(None, app)
    assert status_of(app, photo) == 403
    assert status_of(app, "/") == 200
    app.user_middleware.insert(0, Middleware(GZipMiddleware))
    app.middleware_stack = None
    assert status_of(app, photo) == 403


def test_pictures_of_looks_are_out_of_reach(webui: Webui, app: Any) -> None:
    from facechain_ext.webui import private_files

    picture = photo_in(webui, "looks/ink/pictures/000.png")
    private_files.close(None, app)
    assert status_of(app, picture) == 403


@pytest.mark.parametrize("flag", ["--facechain-data-dir", "--data-dir"])
def test_people_stay_out_of_reach_when_another_folder_is_chosen(
    webui: Webui, app: Any, monkeypatch: pytest.MonkeyPatch, flag: str
) -> None:
    """gradio serves what lies in the webui's folder, whatever we use now."""
    from facechain_ext.webui import private_files

    photo = photo_in(webui)
    paths, flags = webui.module("modules.paths"), webui.module("modules.shared").cmd_opts
    monkeypatch.setattr(paths, "script_path", str(webui.root))
    if flag == "--data-dir":
        monkeypatch.setattr(paths, "data_path", str(webui.root.parent / "elsewhere"))
    else:
        monkeypatch.setattr(flags, "facechain_data_dir", str(webui.root.parent / "elsewhere"))
    private_files.close(None, app)
    assert status_of(app, photo) == 403


def test_previews_lead_nobody_to_people_or_portraits(webui: Webui, app: Any) -> None:
    """The webui takes a name for one of its LoRA folder by how it begins."""
    from facechain_ext.webui import private_files

    photo = Path(photo_in(webui).removeprefix("/file="))
    portrait = webui.root / "outputs" / "facechain" / "ana" / "01.png"
    portrait.parent.mkdir(parents=True)
    portrait.write_bytes(b"a face")
    private_files.close(None, app)
    for file in (photo, portrait):
        way = webui.root / "models" / ".." / file.relative_to(webui.root)
        assert status_of(app, "/sd_extra_networks/thumb", urlencode({"filename": way})) == 403
    assert status_of(app, f"/file={portrait}") == 200
    assert status_of(app, "/sd_extra_networks/thumb", "filename=models/a.png") == 200


def test_an_app_that_nobody_has_asked_yet_takes_more_layers(webui: Webui, app: Any) -> None:
    from starlette.middleware.gzip import GZipMiddleware

    from facechain_ext.webui import private_files

    private_files.close(None, app)
    app.add_middleware(GZipMiddleware)
    assert status_of(app, photo_in(webui)) == 403


def test_the_entry_asks_to_be_told(webui: Webui) -> None:
    from facechain_ext.ui.closed_folders import ClosedFolders
    from facechain_ext.webui import register
    from facechain_ext.webui.host.paths import host_paths

    register.register()
    registered = webui.module("modules.script_callbacks").registered
    app = SimpleNamespace(user_middleware=[], middleware_stack=None)
    registered["app_started"](None, app)
    kinds = [layer.cls for layer in app.user_middleware]
    told = [getattr(layer, "kwargs", None) or layer.options for layer in app.user_middleware]
    assert kinds == [ClosedFolders] * 2
    assert told[0]["folders"][:2] == (host_paths().people_dir, host_paths().jobs_dir)
    registered["script_unloaded"]()
