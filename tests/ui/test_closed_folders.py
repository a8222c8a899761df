"""Files of people asked for in every spelling, of gradio itself as this environment has it."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from facechain_ext.ui.closed_folders import ClosedFolders
from facechain_ext.ui.local_page import LocalPage

FILES = ("photos/000.jpg", "crops/000.png", "person.json")


async def everything(scope: Any, receive: Any, send: Any) -> None:
    """Serve whatever is asked for."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"a face"})


def ask(app: Any, path: str, method: str = "GET", query: str = "") -> int:
    sent: list[Any] = []
    messages = [{"type": "http.request"}, *[{"type": "http.disconnect"}] * 3]

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return messages.pop(0)

    scope = {"type": "http", "method": method, "path": path, "raw_path": quote(path).encode(),
             "query_string": query.encode("latin-1"), "root_path": "",
             "headers": [(b"host", b"localhost:7860")],
             "scheme": "http", "server": ("localhost", 7860), "http_version": "1.1"}  # fmt: skip
    asyncio.run(app(scope, receive, send))
    return int(sent[0]["status"])


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A webui's folder with a person in it, which is also where the webui was started."""
    for name in FILES:
        file = tmp_path / "facechain" / "people" / "ana é" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"a face")
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs" / "a.txt").write_bytes(b"a picture")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def spellings(root: Path, name: str) -> Iterator[str]:
    inside = f"facechain/people/ana é/{name}"
    names = (
        *(inside, str(root / inside), quote(inside), quote(inside, safe="")),
        *(
            f"outputs/../{inside}",
            f"a/file=b/../../{inside}",
            f"./facechain//people/./ana é/{name}",
        ),
    )
    for prefix in ("/file=", "/file/", "/gradio_api/file=", "/sub/path/file="):
        yield from (prefix + each for each in names)


@pytest.mark.parametrize("name", FILES)
def test_no_file_of_a_person_is_served(root: Path, name: str) -> None:
    app = ClosedFolders(everything, (root / "facechain" / "people",))
    for path in spellings(root, name):
        assert ask(app, path) == 403, path
        assert ask(app, path, "HEAD") == 403, path


@pytest.mark.parametrize("route", ["/sd_extra_networks/thumb", "/sub/path/another/extension"])
def test_no_route_is_told_a_file_of_a_person(root: Path, route: str) -> None:
    """The webui's own for previews looks at names only, and ".." leads past it."""
    app = ClosedFolders(everything, (root / "facechain" / "people",))
    for name in (f"outputs/../facechain/people/ana é/{FILES[0]}", "facechain/people"):
        for place in (name, str(root / name)):
            for given in (quote(place), quote(place, safe=""), quote(quote(place))):
                query = f"page=lora&filename={given}&index=0"
                assert ask(app, route, query=query) == 403, query
    for query in ("", "filename=outputs/a.txt", "filename=", "filename", "%00=%00&=", "a=%ff"):
        assert ask(app, route, query=query) == 200, query


def test_folders_may_be_closed_to_some_routes_alone(root: Path) -> None:
    app = ClosedFolders(everything, (root / "outputs",), under="/thumb/")
    assert ask(app, "/sub/thumb/x", query="filename=outputs/a.txt") == 403
    assert ask(app, "/file=outputs/a.txt") == 200
    assert ask(app, "/other", query="filename=outputs/a.txt") == 200


def test_a_link_is_no_way_around(root: Path) -> None:
    try:
        (root / "outputs" / "way").symlink_to(root / "facechain")
        (root / "outputs" / "b.jpg").symlink_to(root / "facechain/people/ana é/photos/000.jpg")
    except OSError:
        pytest.skip("links need a right that this user lacks")
    for people in (root / "facechain" / "people", root / "outputs" / "way" / "people"):
        app = ClosedFolders(everything, (people,))
        for path in (
            "outputs/way/people/ana é/person.json",
            "outputs/b.jpg",
            *spellings(root, FILES[0]),
        ):
            assert ask(app, path if path[0] == "/" else f"/file={path}") == 403, path


def test_folders_are_compared_and_not_their_names(root: Path) -> None:
    """As on a file system without letter case, where one folder answers to two names."""
    if not (root / "FACECHAIN").exists():
        (root / "FACECHAIN").symlink_to(root / "facechain")
    app = ClosedFolders(everything, (root / "facechain" / "people",))
    assert ask(app, f"/file=FACECHAIN/people/ana é/{FILES[0]}") == 403


def test_everything_else_is_served(root: Path) -> None:
    app = ClosedFolders(everything, (root / "facechain" / "people", root / "absent"))
    for path in ("/", "/file=outputs/a.txt", "/file=people/x.jpg", "/file=\0", "/file=", "/config",
                 "/facechain/people/ana é/person.json", f"/file={'a' * 5000}"):  # fmt: skip
        assert ask(app, path) == 200, path


@pytest.mark.parametrize("layer", ["ClosedFolders", "LocalPage"])
def test_gradio_itself_serves_no_file_of_a_person(root: Path, layer: str) -> None:
    """Its own app, started in the webui's folder and told to serve all of it."""
    gr = pytest.importorskip("gradio")
    from starlette.middleware import Middleware

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with gr.Blocks() as page:
            gr.HTML("a page")
        page.config = page.get_config_file()
        app = gr.routes.App.create_app(page)
        page.allowed_paths, page.blocked_paths = [str(root)], []
    prefixes = ("/gradio_api/file=", "/file=")
    prefix = next(each for each in prefixes if ask(app, f"{each}outputs/a.txt") == 200)
    assert ask(app, f"{prefix}facechain/people/ana é/{FILES[0]}") == 200
    layers = {
        "ClosedFolders": Middleware(ClosedFolders, folders=(root / "facechain" / "people",)),
        "LocalPage": Middleware(LocalPage, files=root / "outputs"),
    }
    app.user_middleware.insert(0, layers[layer])
    app.middleware_stack = app.build_middleware_stack()
    assert ask(app, f"{prefix}outputs/a.txt") == 200
    for name in FILES:
        for path in spellings(root, name):
            assert ask(app, path) == 403, path
