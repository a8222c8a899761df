"""The floors of ARCHITECTURE.md, checked on the imports that the files really make."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

PACKAGE = Path(__file__).parents[1] / "facechain_ext"

FLOORS = (
    {"base", "installing"},
    {"config", "imaging", "training/fast"},
    {"client", "diffusion", "lora", "nets", "styles"},
    {"dataset", "training"},
    {"library", "portrait"},
    {"talking", "templates", "tryon"},
    {"studio"},
    {"jobs"},
    {"standalone", "ui/page", "webui/host"},
    {
        "ui/looks",
        "ui/people",
        "ui/portraits",
        "ui/settings",
        "ui/talking",
        "webui/a1111",
        "webui/forge",
    },
    {"ui"},
    {"api"},
    {"cli", "webui"},
)
"""Every folder with the files that lie in it; it imports from the floors below its own alone."""

HEIGHT = {folder: height for height, floor in enumerate(FLOORS) for folder in floor}

ONLY_IN = {
    "gradio": "ui",
    "fastapi": "api",
    "pydantic": "api",
    "uvicorn": "api",
    "httpx": "client",
    "modules": "webui",
    "modules_forge": "webui",
    "backend": "webui",
    "networks": "webui",
    "huggingface_guess": "webui",
    "ldm_patched": "webui",
    "lib_controlnet": "webui",
    "internal_controlnet": "webui",
}


def folder_of(path: Path) -> str:
    """Return the folder of the package that a file lies in, "" for the package itself."""
    return path.relative_to(PACKAGE).parent.as_posix().removeprefix(".")


def folder_named(module: str) -> str:
    """Return the folder that a module of ours lies in, or is."""
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return folder_of(path / "__init__.py" if path.is_dir() else path)


def imports_of(source: str) -> Iterator[str]:
    """Yield the modules that a file imports, from wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the floor they come from"
            assert node.module is not None
            parts = PACKAGE.parent.joinpath(*node.module.split("."))
            for name in (alias.name for alias in node.names):
                is_module = (parts / name).is_dir() or (parts / f"{name}.py").is_file()
                yield f"{node.module}.{name}" if is_module else node.module


def violations(folder: str, source: str) -> list[str]:
    """List the imports of a file in `folder` that reach up, sideways or into a foreign world."""
    found = []
    for name in imports_of(source):
        top = name.split(".")[0]
        if ONLY_IN.get(top, folder) not in (folder, folder.split("/")[0]):
            found.append(f"{folder} imports {name}")
        theirs = folder_named(name) if top == "facechain_ext" else ""
        if theirs not in ("", folder) and HEIGHT[theirs] >= HEIGHT[folder]:
            found.append(f"{folder} imports {name}, which is not below it")
    return found


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_down(path: Path) -> None:
    folder = folder_of(path)
    if folder:
        assert folder in HEIGHT, f"{path} stands on no floor; add its folder to FLOORS"
        assert violations(folder, path.read_text(encoding="utf-8")) == []


def test_no_module_lies_loose() -> None:
    loose = {path.name for path in PACKAGE.glob("*.py")} - {"__init__.py", "__main__.py"}
    assert loose == set()


@pytest.mark.parametrize(
    ("folder", "source"),
    [
        ("imaging", "from facechain_ext.nets import FaceNets"),
        ("nets", "import facechain_ext.lora.adapter"),
        ("base", "from facechain_ext.studio import studio"),
        ("base", "from facechain_ext.config import TrainConfig"),
        ("portrait", "from facechain_ext.library.people import Person"),
        ("training", "def f():\n    from facechain_ext.portrait.fuse import fuse"),
        ("ui/page", "from facechain_ext.ui import tab"),
        ("ui/people", "from facechain_ext.ui.portraits import desk"),
        ("webui/host", "from facechain_ext.webui.settings import chosen"),
        ("studio", "import gradio as gr"),
        ("ui", "from fastapi import FastAPI"),
        ("api", "from modules import shared"),
        ("dataset", "import pydantic.fields"),
        ("api", "import httpx"),
        ("client", "from facechain_ext.api.jobs import JobList"),
    ],
)
def test_a_wrong_import_is_seen(folder: str, source: str) -> None:
    assert violations(folder, source)


@pytest.mark.parametrize(
    ("folder", "source"),
    [
        ("ui/people", "import gradio as gr\nfrom facechain_ext.ui.page import markup"),
        ("webui/forge", "from backend import memory_management"),
        ("cli", "from facechain_ext import __version__\nfrom facechain_ext.cli import commands"),
        ("training", "from facechain_ext.training.fast.kernels import silu"),
    ],
)
def test_a_right_import_passes(folder: str, source: str) -> None:
    assert violations(folder, source) == []


def test_importing_the_package_is_free() -> None:
    assert [*imports_of((PACKAGE / "__init__.py").read_text(encoding="utf-8"))] == []
