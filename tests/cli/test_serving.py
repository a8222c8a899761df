"""`facechain serve`: what it refuses before it begins, and its tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")

from facechain_ext.cli.main import main


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any]]:
    code = main(["serve", "--json", *map(str, arguments)])
    return code, json.loads(capsys.readouterr().out)


def test_tokens_are_made_and_taken_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "tokens.json"
    code, told = run(capsys, "--auth", file, "--add-token", "ana")
    assert (code, told["name"], told["token"][:3]) == (0, "ana", "fc-")
    assert run(capsys, "--auth", file, "--remove-token", "ana") == (
        0,
        {"name": "ana", "removed": 1},
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--host", "0.0.0.0"], "--auth FILE"),
        (["--add-token", "ana"], "--auth FILE"),
        (["--auth", "missing.json"], "holds no token"),
        (["--max-upload-mb", "0"], "max_upload_mb"),
        (["--port", "0"], "1 to 65535"),
    ],
)
def test_what_cannot_be_served_is_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, told = run(capsys, "--data-dir", tmp_path / "data", "--device", "cpu", *arguments)
    assert code == 2
    assert sentence in told["error"]
