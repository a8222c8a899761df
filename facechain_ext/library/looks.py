"""All looks that are kept: found, added, deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from facechain_ext.base.errors import FaceChainError, InvalidInput, quoted
from facechain_ext.base.records import Pixels
from facechain_ext.config import TrainStyleConfig
from facechain_ext.imaging.encode import encode_png
from facechain_ext.imaging.files import write_atomic
from facechain_ext.imaging.thumbnail import shrunk
from facechain_ext.library.locking import is_claimed, locked
from facechain_ext.library.look import Look, write_caption
from facechain_ext.library.look_manifest import MANIFEST, LookManifest, as_its_style
from facechain_ext.library.names import checked
from facechain_ext.library.person import DRAFT, LOCK, PATIENCE, begun_folders, remove_folder
from facechain_ext.library.settling import claim_of, discard_draft, new_draft, run_claim
from facechain_ext.styles.foreign import slug

LONGEST_SIDE = 1536
"""Pixels that are kept of a picture: more than any checkpoint is trained with."""


@dataclass(frozen=True)
class Looks:
    """All looks that are kept, each in a folder of root."""

    root: Path

    def all(self) -> list[Look]:
        """Return the looks that can be read, by folder name."""
        return [look for look in self._found() if isinstance(look, Look)]

    def damaged(self) -> list[FaceChainError]:
        """Return what is wrong with those that cannot be read."""
        return [error for error in self._found() if isinstance(error, FaceChainError)]

    def _found(self) -> list[Look | FaceChainError]:
        return [_read(path.parent) for path in sorted(self.root.glob(f"[!.]*/{MANIFEST}"))]

    def get(self, name: str) -> Look:
        """Find a look by its name or folder; raises InvalidInput."""
        look = self.find(name)
        if look is None:
            known = ", ".join(each.name for each in self.all()) or "none"
            raise InvalidInput(
                f"There are no pictures of a style {quoted(name)}; there are: {known}."
            )
        return look

    def find(self, name: str) -> Look | None:
        """Find a look; None where there is none. Raises InvalidInput for a damaged one."""
        folder = self.root / slug(name)
        return Look.read(folder) if (folder / MANIFEST).is_file() else None

    @contextmanager
    def draft(self, name: str, config: TrainStyleConfig) -> Iterator[Callable[[Pixels, str], None]]:
        """Yield what keeps a picture and its caption; when all are kept, the look is there.

        Raises InvalidInput for a name that cannot be, or that a look has. What is broken off
        leaves nothing.
        """
        name = checked(name, "a style")
        self.require_free(name)
        folder, held = new_draft(self.root)
        try:
            (folder / "pictures").mkdir()
            yield lambda pixels, caption: _keep(folder / "pictures", pixels, caption)
            created = datetime.now(timezone.utc).isoformat()
            manifest = LookManifest(name, created, **as_its_style(config))
            write_atomic(folder / MANIFEST, manifest.to_json().encode("utf-8"))
            with locked(self.root / LOCK, patience=PATIENCE):
                self.require_free(name)
                folder.replace(self.root / slug(name))
        finally:
            discard_draft(folder, held)

    def require_free(self, name: str) -> None:
        """Raise InvalidInput where there are pictures under a name."""
        look = self.find(name)
        if look is not None:
            raise InvalidInput(
                f"There are pictures of {look.name} already: train on those by leaving the "
                "pictures out, delete them, or choose another name."
            )

    def delete(self, name: str) -> None:
        """Remove a look's pictures and trainings; its LoRAs and its style stay.

        Raises InvalidInput where there is none, or while it is being trained on.
        """
        look = self.get(name)
        with look.changing():
            if any(is_claimed(run_claim(folder)) for folder in begun_folders(look.folder)):
                raise InvalidInput(f"{look.name} is being trained on. Stop that first.")
            remove_folder(look.folder)

    def settle(self) -> None:
        """Remove the drafts that a crash has left."""
        for folder in self.root.glob(f"{DRAFT}*"):
            if folder.is_dir() and not is_claimed(claim_of(folder)):
                remove_folder(folder)


def _keep(folder: Path, pixels: Pixels, caption: str) -> None:
    path = folder / f"{len([*folder.glob('*.png')]):03d}.png"
    write_caption(path, caption)
    write_atomic(path, encode_png(shrunk(pixels, LONGEST_SIDE)))


def _read(folder: Path) -> Look | FaceChainError:
    try:
        return Look.read(folder)
    except FaceChainError as error:
        return error
