"""The page outside a webui: nothing from elsewhere, nothing for elsewhere."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from facechain_ext.ui.local_page import LocalPage
from facechain_ext.ui.server import read_asset

PAGE = (
    b'<head><link rel="preconnect" href="https://fonts.example/" />'
    b'<script\n src="https://cdn.example/resizer.js" async\n></script>'
    b'<link rel="stylesheet" href="./theme.css"><script src="./assets/a.js"></script></head>'
)


async def gradio(scope: Any, receive: Any, send: Any) -> None:
    """Answer like gradio: the page in two pieces."""
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", b"%d" % len(PAGE)),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": PAGE[:70], "more_body": True})
    await send({"type": "http.response.body", "body": PAGE[70:]})


def ask(path: str, files: Path, host: str = "127.0.0.1:7860") -> tuple[int, dict[str, str], bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    scope = {"type": "http", "path": path, "headers": [(b"host", host.encode())]}
    asyncio.run(LocalPage(gradio, files)(scope, receive, send))
    headers = {key.decode(): value.decode() for key, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(m.get("body", b"") for m in sent[1:])


def test_addresses_outside_are_cut_out(tmp_path: Path) -> None:
    status, headers, body = ask("/", tmp_path)
    assert status == 200
    assert b"https://" not in body
    assert b"./theme.css" in body
    assert b"./assets/a.js" in body
    assert headers["content-length"] == str(len(body))
    assert "default-src 'self'" in headers["content-security-policy"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.5:7860", ""])
def test_other_names_are_refused(tmp_path: Path, host: str) -> None:
    assert ask("/", tmp_path, host)[0] == 403


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "localhost"])
def test_this_computer_is_served(tmp_path: Path, host: str) -> None:
    assert ask("/", tmp_path, host)[0] == 200


def test_only_gradios_own_files_are_read(tmp_path: Path) -> None:
    own = tmp_path / "page" / "x" / "a.png"
    assert ask(f"/file={own}", tmp_path / "page")[0] == 200
    for path in (
        f"/file={tmp_path / 'secret.txt'}",
        f"/file={tmp_path / 'page' / '..' / 'secret.txt'}",
        "/file=pyproject.toml",
        f"/gradio_api/file={tmp_path / 'secret.txt'}",
        "/file/pyproject.toml",
    ):
        assert ask(path, tmp_path / "page")[0] == 403, path


@pytest.mark.parametrize("name", ["style.css", "javascript/facechain.js"])
def test_assets_are_found_and_name_no_address(name: str) -> None:
    text = read_asset(name)
    assert text
    assert "http" not in text
