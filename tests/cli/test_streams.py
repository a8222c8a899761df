"""Whatever the console is, what was done is told and nothing fails for the telling."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from facechain_ext.cli import streams, styling
from facechain_ext.cli.main import main

NAMES = ["李明.jpg", "caf\udce9.jpg", "ok\x1b[2J\n.jpg", "Ünï.jpg"]

Answer = Callable[[Any], None]


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Answer:
    """Let `facechain styles list` give any result."""

    def give(result: Any) -> None:
        monkeypatch.setattr(styling, "styles_list", lambda args: result)

    return give


def printed(monkeypatch: pytest.MonkeyPatch, encoding: str, *arguments: str) -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    assert main(["styles", "list", *arguments]) == 0
    assert stream.errors == "strict"
    return stream.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_any_console_can_write_any_name(
    monkeypatch: pytest.MonkeyPatch, answer: Answer, encoding: str
) -> None:
    answer({"photos": NAMES})
    text = printed(monkeypatch, encoding)
    assert len(text.splitlines()) == 5
    assert "\\udce9" in text
    assert "ok\\x1b[2J\\n.jpg" in text
    assert ("李" in text) == (encoding == "utf-8")
    assert json.loads(printed(monkeypatch, encoding, "--json")) == {"photos": NAMES}


def test_a_reader_that_stops_reading_is_no_error(
    monkeypatch: pytest.MonkeyPatch, answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    answer({"names": ["x" * 100] * 1000})
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert main(["styles", "list"]) == 0
        with pytest.raises(SystemExit) as left:
            main(["--help"])
        assert left.value.code == 0
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_a_full_disk_behind_stdout_is_told(
    monkeypatch: pytest.MonkeyPatch, answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    answer({"a": 1})
    with Path("/dev/full").open("w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert main(["styles", "list"]) == 2
    assert capsys.readouterr().err == "facechain: The disk is full.\n"


@pytest.mark.parametrize("stderr", [None, "closed", "broken"])
def test_work_goes_on_where_nobody_reads_the_progress(
    monkeypatch: pytest.MonkeyPatch, stderr: str | None
) -> None:
    read, write = os.pipe()
    os.close(read)
    stream = os.fdopen(write, "w", encoding="utf-8")
    if stderr == "closed":
        stream.close()
    monkeypatch.setattr(sys, "stderr", stream if stderr else None)
    streams.say("step 1")
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        if stderr == "broken":
            os.dup2(nowhere.fileno(), stream.fileno())
    stream.close()


class Stdin(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stdin", "expected"),
    [(Stdin("y\n"), True), (Stdin("YES\n"), True), (Stdin("no\n"), False), (Stdin(""), False),
     (io.StringIO("y\n"), False), (None, False)],
)  # fmt: skip
def test_only_a_person_at_the_terminal_agrees(
    monkeypatch: pytest.MonkeyPatch, stdin: object, expected: bool
) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    assert streams.agreed("Delete?") is expected


def test_a_closed_or_garbled_stdin_agrees_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = Stdin("y\n")
    closed.close()
    garbled = io.TextIOWrapper(io.BytesIO(b"\xff\xfe\n"), encoding="utf-8")
    monkeypatch.setattr(garbled, "isatty", lambda: True, raising=False)
    for stdin in (closed, garbled):
        monkeypatch.setattr(sys, "stdin", stdin)
        assert streams.agreed("Delete?") is False
