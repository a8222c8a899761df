"""Every way to fail ends in one line and its exit code."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from facechain_ext.base.errors import Cancelled, InvalidInput, describe
from facechain_ext.cli import styling
from facechain_ext.cli.main import main

Captured = pytest.CaptureFixture[str]


def fail(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def command(args: Any) -> None:
        raise error

    monkeypatch.setattr(styling, "styles_list", command)


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (InvalidInput("No."), 2, "No."),
        (Cancelled("Stopped while drawing."), 130, "Stopped while drawing."),
        (KeyboardInterrupt(), 130, "Stopped."),
        (MemoryError(), 2, "There is not enough memory for this"),
        (OSError(errno.ENOSPC, "x", "/a/b.png"), 2, "The disk is full: /a/b.png."),
        (PermissionError(errno.EACCES, "x", "/a"), 2, "There is no permission for that, or an"),
        (OSError(errno.EROFS, "x", "/a"), 2, "That disk can only be read, not written: /a."),
        (OSError(errno.ENAMETOOLONG, "x", "/a"), 2, "The name is too long for this disk: /a."),
        (IsADirectoryError(errno.EISDIR, "x", "/a"), 2, "That is a folder, not a file: /a."),
        (OSError(errno.ESTALE, "Stale file handle", b"/a"), 2, "The system reports Stale file"),
        (OSError("odd"), 2, "The system reports odd."),
        (OSError(), 2, "The system reports OSError."),
    ],
    ids=str,
)
def test_each_error_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, error: BaseException, code: int, told: str
) -> None:
    fail(monkeypatch, error)
    assert main(["styles", "list"]) == code
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith(f"facechain: {told}")
    assert output.err.count("\n") == 1
    assert "Errno" not in output.err


def test_both_paths_of_a_move_are_told() -> None:
    assert describe(OSError(errno.ENOSPC, "x", "/a", 0, "/b")) == "The disk is full: /a -> /b."


@pytest.mark.parametrize("error", [RecursionError("deep\n" * 99), KeyError("x"), RuntimeError()])
def test_what_nobody_foresaw_is_one_line_and_a_log(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, tmp_path: Path, error: Exception
) -> None:
    fail(monkeypatch, error)
    assert main(["styles", "list", "--data-dir", str(tmp_path)]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert f"a fault of the program, not yours ({type(error).__name__}" in err
    assert err.endswith(f"report it with {tmp_path / 'last-error.log'}\n")
    assert "Traceback" in (tmp_path / "last-error.log").read_text(encoding="utf-8")


def test_without_a_data_folder_the_log_is_a_temporary_file(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    fail(monkeypatch, KeyError("\udcff"))
    assert main(["styles", "list", "--data-dir", str(tmp_path / "none")]) == 1
    (log,) = tmp_path.iterdir()
    assert str(log) in capsys.readouterr().err
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    assert main(["styles", "list", "--data-dir", str(tmp_path / "none")]) == 1
    assert "The log could not be written." in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["trian"],
        ["check"],
        ["check", "--frobnicate", "a.jpg"],
        ["train", "--name", "A", "--steps", "many"],
        ["train", "--name", "A", "--seed", "nan"],
        ["train", "--name", "A", "--noise-offset", "nan"],
        ["train", "--name", "A", "--alpha", "inf"],
        ["train", "--name", "A", "--steps", "9" * 5000],
        ["train", "--name", "A", "--selection", "bset"],
        ["train", "--name", "A", "--trigger-word", ""],
        ["train", "--name", "A", "--trigger-word", "<lora:x:1>"],
        ["train", "--name", "A", "--face-prior", "a\0b"],
        ["portrait", "--name", "A", "--width", "100"],
        ["portrait", "--name", "A", "--prompt", "x" * 9999],
        ["portrait", "--name", "A", "--min-face-share", "0.9", "--max-face-share", "0.2"],
        ["ui", "--port", "99999999"],
        ["ui", "--port=-1"],
        ["ui", "--port", "0"],
        ["check", ""],
        ["check", "a.jpg", "--data-dir", ""],
        ["check", "~nobody-of-this-name/a.jpg"],
        ["demo", "--out", "/dev/null/demo"],
        ["portrait", "--name", "\udcff"],
    ],
    ids=str,
)
@pytest.mark.parametrize("as_json", [False, True])
def test_wrong_arguments_are_one_short_line(
    capsys: Captured, tmp_path: Path, arguments: list[str], as_json: bool
) -> None:
    data_dir = [] if "--data-dir" in arguments or not arguments else ["--data-dir", str(tmp_path)]
    assert main([*arguments, *data_dir, *(["--json"] if as_json else [])]) == 2
    output = capsys.readouterr()
    assert output.err.startswith("facechain: ")
    assert output.err.count("\n") == 1
    assert len(output.err) < 600
    assert output.out.startswith('{"error": ') if as_json else output.out == ""


def test_a_user_without_a_home_is_asked_for_a_folder(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("FACECHAIN_DATA_DIR", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert main(["people", "list"]) == 2
    assert re.fullmatch(r"facechain: .*no home folder.*--data-dir.*\n", capsys.readouterr().err)


def test_ctrl_c_while_it_starts_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise KeyboardInterrupt", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path(__file__).parents[2]}"}
    done = subprocess.run(
        [sys.executable, "-m", "facechain_ext.cli", "styles", "list"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "facechain: Stopped.\n")
    assert signal.getsignal(signal.SIGINT) is not None
