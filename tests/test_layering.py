"""The floors of ARCHITECTURE.md, checked on the imports that the files really make."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "facechain_ext"

FLOORS = {
    **dict.fromkeys(("errors", "records", "config", "events", "host", "infotext"), 0),
    "imaging": 1,
    **dict.fromkeys(("nets", "diffusion", "lora"), 2),
    **dict.fromkeys(("dataset", "training", "portrait", "talking", "styles"), 3),
    **dict.fromkeys(("store", "runs", "run_events", "studio", "jobs"), 4),
    **dict.fromkeys(("face_training", "finishing", "likeness", "stopwatch"), 4),
    **dict.fromkeys(
        ("standalone", "cli", "flags", "console", "commands", "interrupt", "api", "ui", "webui"), 5
    ),
}
# On these floors the modules are one layer of their own and may use each other.
OPEN_FLOORS = {0, 4, 5}
# Siblings that may meet, and why: a prompt is composed from a style, in the captions' grammar.
ALLOWED_SIBLINGS = {("portrait", "styles"), ("portrait", "dataset")}

ONLY_IN = {
    "gradio": "ui",
    "fastapi": "api",
    "pydantic": "api",
    "modules": "webui",
    "modules_forge": "webui",
    "backend": "webui",
    "networks": "webui",
    "huggingface_guess": "webui",
}


def unit_of(path: Path) -> str:
    """Return the part of the package that a file belongs to: its folder, or its own name."""
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imports_of(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the floor they come from"
            assert node.module is not None
            yield node.module
            if node.module == "facechain_ext":
                yield from (f"facechain_ext.{alias.name}" for alias in node.names)


def violations(unit: str, source: str) -> list[str]:
    """List the imports of a file in `unit` that reach up, sideways or into a foreign world."""
    found = []
    for name in imports_of(source):
        top, *rest = name.split(".")
        if ONLY_IN.get(top, unit) != unit:
            found.append(f"{unit} imports {name}")
        if top == "facechain_ext" and rest and rest[0] in FLOORS and rest[0] != unit:
            mine, theirs = FLOORS[unit], FLOORS[rest[0]]
            sideways = mine == theirs and mine not in OPEN_FLOORS
            if theirs > mine or (sideways and (unit, rest[0]) not in ALLOWED_SIBLINGS):
                found.append(f"{unit} (floor {mine}) imports {name} (floor {theirs})")
    return found


def sources() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py") + sorted(
        PACKAGE.glob("*/__init__.py")
    )


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_down(path: Path) -> None:
    assert unit_of(path) in FLOORS, f"{path} stands on no floor; add it to FLOORS"
    assert violations(unit_of(path), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("unit", "source"),
    [
        ("imaging", "from facechain_ext.nets import FaceNets"),
        ("nets", "import facechain_ext.lora.adapter"),
        ("records", "from facechain_ext import studio"),
        ("training", "def f():\n    from facechain_ext.portrait.fuse import fuse"),
        ("studio", "import gradio as gr"),
        ("ui", "from fastapi import FastAPI"),
        ("api", "from modules import shared"),
        ("dataset", "import pydantic.fields"),
    ],
)
def test_a_wrong_import_is_seen(unit: str, source: str) -> None:
    assert violations(unit, source)


def test_importing_the_package_is_free() -> None:
    assert [*imports_of((PACKAGE / "__init__.py").read_text(encoding="utf-8"))] == []
