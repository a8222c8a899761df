"""What pip says of an installation, against what is there afterwards."""

from __future__ import annotations

import pytest
from packaging.requirements import Requirement

from facechain_ext.installing import adding, pip

BROKE_OFF = pip.Answer(False, "Successfully\npip._vendor...InvalidVersion: 'built-by-hand'")
FAILED = pip.Answer(False, "ERROR: No space left on device")


@pytest.mark.parametrize(
    ("said", "there", "reason"),
    [
        (BROKE_OFF, ("peft",), ""),
        (BROKE_OFF, (), "pip._vendor...InvalidVersion: 'built-by-hand'"),
        (FAILED, ("peft",), "No space left on device"),
    ],
)
def test_pip_may_break_off_once_all_is_installed(
    monkeypatch: pytest.MonkeyPatch, said: pip.Answer, there: tuple[str, ...], reason: str
) -> None:
    taken: list[str] = []
    states = [{"torch": "2.1.2"}, {"torch": "2.1.2", **dict.fromkeys(there, "0.13.2")}]
    monkeypatch.setattr(adding, "everything_installed", lambda: states[min(len(taken), 1)])
    monkeypatch.setattr(adding, "import_errors", lambda names: dict.fromkeys(names, ""))
    monkeypatch.setattr(adding, "unmet", lambda _: [])
    monkeypatch.setattr(adding, "pinned", lambda _: [])
    monkeypatch.setattr(adding, "rivals", lambda _: [])
    monkeypatch.setattr(adding, "bounds", lambda *_: [])
    monkeypatch.setattr(pip, "install", lambda *_: taken.append("asked") or said)
    monkeypatch.setattr(pip, "uninstall", lambda names: pip.Answer(True, ""))
    told = adding.add([Requirement("peft>=0.13")])
    assert told == (f"{reason}; taken out again: peft" if reason and there else reason)
