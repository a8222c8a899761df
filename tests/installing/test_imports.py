from __future__ import annotations

from pathlib import Path

import pytest

from facechain_ext.installing import imports


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of modules that a fresh process finds, and nothing of what is installed here."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(imports, "find_spec", lambda name: (tmp_path / f"{name}.py").is_file())
    return tmp_path


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("", ""),
        ("raise ImportError('peft>=0.17.0 is required.')", "ImportError: peft>=0.17.0 is required"),
        ("def __getattr__(name): raise RuntimeError('late')", "RuntimeError: late"),
        ("import os; os._exit(7)", "Python ended with 7"),
        ("import time; time.sleep(60)", "it took more than"),
    ],
)
def test_an_import_that_fails_is_told_with_its_error(
    site: Path, monkeypatch: pytest.MonkeyPatch, source: str, error: str
) -> None:
    if "sleep" in source:
        monkeypatch.setattr(imports, "LONGEST", 0.2)
    (site / "diffusers.py").write_text(source, encoding="utf-8")
    told = imports.import_errors(imports.HOSTS_OWN)
    assert [*told] == ["diffusers"], "the others are not there"
    assert error in told["diffusers"]
    assert bool(told["diffusers"]) == bool(error)


def test_a_package_is_tried_by_the_name_of_its_module(site: Path) -> None:
    for module in ("PIL", "peft"):
        (site / f"{module}.py").write_text("raise OSError('no such library')", encoding="utf-8")
    told = imports.import_errors(["Pillow", "peft", "ncnn"])
    assert told == dict.fromkeys(["Pillow", "peft"], "OSError: no such library")
