"""Installing an optional package: only after agreeing, one at a time, told in one sentence."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from facechain_ext.base.errors import Busy, FaceChainError, InvalidInput
from facechain_ext.installing.optional import NCNN
from facechain_ext.studio import packages
from facechain_ext.studio.packages import find_package, install

ENLARGER = replace(NCNN, requirement="enlarger>=1", module="enlarger_of_a_test")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder where this process finds modules."""
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop(ENLARGER.module, None)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What pip would have been asked for; it succeeds."""
    asked: list[str] = []
    answers(monkeypatch, asked, lambda: "")
    return asked


def answers(monkeypatch: pytest.MonkeyPatch, asked: list[str], answer: Callable[[], str]) -> None:
    def add(wanted: list[object], *, usable: bool) -> str:
        assert usable, "what cannot be imported is not left there"
        asked.extend(map(str, wanted))
        return answer()

    monkeypatch.setattr(packages, "add", add)


def test_nothing_is_installed_without_consent(asked: list[str]) -> None:
    with pytest.raises(InvalidInput, match=r"without your consent: enlarger, for .* licence"):
        install(ENLARGER, consent=False)
    assert asked == []


def test_what_can_be_imported_is_ready_at_once(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    module = site / f"{ENLARGER.module}.py"
    answers(monkeypatch, asked, lambda: "" * module.write_text(""))
    told = install(ENLARGER, consent=True)
    assert told == "enlarger is installed. It can be used at once."
    assert asked == ["enlarger>=1"]
    assert install(ENLARGER, consent=False) == "enlarger is installed already."
    assert asked == ["enlarger>=1"]


def test_what_this_process_does_not_find_asks_for_a_restart(asked: list[str]) -> None:
    told = install(ENLARGER, consent=True)
    assert told == "enlarger is installed. Restart the program to use it."


def test_a_failure_is_told_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    reason = "there is no connection to the index of packages (NewConnectionError)"
    answers(monkeypatch, [], lambda: reason)
    with pytest.raises(
        FaceChainError, match=r"^enlarger could not be installed: there is no .*\)\.$"
    ):
        install(ENLARGER, consent=True)


def test_two_are_not_installed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, goes_on = threading.Event(), threading.Event()

    def wait() -> str:
        begun.set()
        return "" if goes_on.wait(60) else "nobody let it go on"

    answers(monkeypatch, [], wait)
    first = threading.Thread(target=install, args=(ENLARGER,), kwargs={"consent": True})
    first.start()
    assert begun.wait(60)
    with pytest.raises(Busy, match="being installed"):
        install(ENLARGER, consent=True)
    goes_on.set()
    first.join()
    assert install(ENLARGER, consent=True).startswith("enlarger is installed.")


def test_an_unknown_package_is_refused_with_those_there_are() -> None:
    assert find_package("ncnn") is NCNN
    with pytest.raises(InvalidInput, match="'torch'; there are ncnn, pillow-heif"):
        find_package("torch")
