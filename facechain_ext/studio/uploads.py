"""Photos as they are handed over: decoded when asked for, or the reason why they cannot be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import overload

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Photo
from facechain_ext.config import PrepareConfig
from facechain_ext.dataset.prepare import Unreadable
from facechain_ext.imaging.files import read_photo

Upload = Photo | Unreadable

MOST_PHOTOS = 200


@dataclass(frozen=True)
class Uploads(Sequence[Upload]):
    """Photos on disk, decoded anew whenever one is looked at; none is kept.

    A photo of 24 megapixels takes 72 MB, so only what is being judged may be in memory.
    """

    paths: tuple[Path, ...]
    max_megapixels: float

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, place: int) -> Upload: ...

    @overload
    def __getitem__(self, place: slice) -> Uploads: ...

    def __getitem__(self, place: int | slice) -> Upload | Uploads:
        if isinstance(place, slice):
            return Uploads(self.paths[place], self.max_megapixels)
        return _read_upload(self.paths[place], self.max_megapixels)

    def __iter__(self) -> Iterator[Upload]:
        """Yield one after the other; unlike a generator, map holds none while it reads the next."""
        return map(self.__getitem__, range(len(self)))


@dataclass(frozen=True)
class Joined(Sequence[Upload]):
    """Photos after others; names: what to call the first ones, whatever their files are called."""

    first: Sequence[Upload]
    names: tuple[str, ...]
    second: Sequence[Upload]

    def __len__(self) -> int:
        return len(self.first) + len(self.second)

    @overload
    def __getitem__(self, place: int) -> Upload: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Upload]: ...

    def __getitem__(self, place: int | slice) -> Upload | Sequence[Upload]:
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        if place < len(self.first):
            return replace(self.first[place], name=self.names[place])
        return self.second[place - len(self.first)]


def told_apart(uploads: Iterable[Upload]) -> Iterator[Upload]:
    """Pass photos on, of one name each: the second `a.jpg` becomes `a (2).jpg`."""
    taken: set[str] = set()

    def named(upload: Upload) -> Upload:
        name, path, number = upload.name, PurePath(upload.name), 2
        while name in taken:
            name, number = f"{path.stem} ({number}){path.suffix}", number + 1
        taken.add(name)
        return replace(upload, name=name)

    return map(named, uploads)  # not a loop, whose variable would hold a photo


def read_uploads(paths: Sequence[Path], config: PrepareConfig) -> Uploads:
    """Take photos; one that cannot be read is in its place with its error.

    Raises InvalidInput for more than MOST_PHOTOS.
    """
    if len(paths) > MOST_PHOTOS:
        raise InvalidInput(
            f"{len(paths):,} photos are more than {MOST_PHOTOS}: choose the best, sharp and well "
            "lit, of different days and angles. Five to fifteen are good."
        )
    return Uploads(tuple(paths), config.max_megapixels)


def _read_upload(path: Path, max_megapixels: float) -> Upload:
    try:
        return read_photo(path, max_megapixels=max_megapixels)
    except InvalidInput as error:
        # A new error, since the trace of this one holds the file's bytes.
        return Unreadable(path.name, type(error)(str(error)))
