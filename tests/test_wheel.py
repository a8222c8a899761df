"""A wheel, which knows no top level, has the page's style and script too."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ASSETS = ("style.css", "javascript/facechain.js")
READ = "import sys; from facechain_ext.ui.server import read_asset; " + (
    "sys.stdout.buffer.write(read_asset(sys.argv[1]).encode('utf-8'))"
)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a wheel would put into site-packages."""
    # Not imported here: it wants to come before whatever has imported distutils.
    if int(version("setuptools").split(".")[0]) < 68:
        pytest.skip("setuptools is too old to read pyproject.toml")
    folder = tmp_path_factory.mktemp("built")
    base, packages = folder / "info", folder / "site packages"
    base.mkdir()
    python(
        ROOT, "setup.py", "-q",
        "egg_info", "--egg-base", str(base), "build_py", "--build-lib", str(packages),
    )  # fmt: skip
    return packages


def python(cwd: Path, *arguments: str, **variables: str) -> bytes:
    return subprocess.run(
        [sys.executable, "-W", "ignore", *arguments],
        cwd=cwd,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        check=True,
    ).stdout


@pytest.mark.parametrize("asset", ASSETS)
def test_the_page_finds_its_style_and_script(installed: Path, asset: str) -> None:
    read = python(installed.parent, "-c", READ, asset, PYTHONPATH=str(installed))
    assert read.decode("utf-8").splitlines() == (ROOT / asset).read_text("utf-8").splitlines()


def test_nothing_but_packages_is_installed(installed: Path) -> None:
    assert [path.name for path in installed.iterdir()] == ["facechain_ext"]


def test_the_package_in_the_repository_stays_without_copies() -> None:
    ui = ROOT / "facechain_ext" / "ui"
    assert [path.name for path in ui.iterdir() if path.suffix in (".css", ".js")] == []
