"""From uploads to a person of the library: judged, and what can be used kept."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from facechain_ext.base.events import Event, PhotoPrepared, Stage
from facechain_ext.base.records import Photo, PreparedPhoto
from facechain_ext.config import PrepareConfig
from facechain_ext.dataset.prepare import prepare
from facechain_ext.dataset.review import require_usable, review
from facechain_ext.library.names import checked
from facechain_ext.library.people import PeopleLibrary, Person
from facechain_ext.nets import FaceNets
from facechain_ext.nets.attributes import vote
from facechain_ext.studio.uploads import Upload

Judged = list[PreparedPhoto]


@dataclass(frozen=True)
class Enrolment:
    """Judges uploads, and keeps the accepted ones."""

    nets: FaceNets
    library: PeopleLibrary

    def check(
        self, uploads: Sequence[Upload], config: PrepareConfig
    ) -> Generator[PhotoPrepared, None, Judged]:
        """Judge each upload by itself, then tell again of those whose verdict the others change.

        Returns what became of all, in their order.
        """
        prepared: Judged = []
        for photo in prepare(uploads, config, self.nets):
            prepared.append(photo)
            yield PhotoPrepared(photo, len(prepared), len(uploads))
        judged = review(prepared)
        for number, (before, after) in enumerate(zip(prepared, judged, strict=True), 1):
            if after.verdict != before.verdict:
                yield PhotoPrepared(after, number, len(uploads))
        return judged

    def judge(
        self, name: str, uploads: Sequence[Upload], config: PrepareConfig
    ) -> Generator[Event, None, Judged]:
        """Judge the uploads of a person, who may be new; nothing is written.

        Raises NoUsablePhotos, or InvalidInput for the name.
        """
        checked(name)
        yield Stage("prepare", len(uploads))
        judged = yield from self.check(uploads, config)
        require_usable(judged)
        return judged

    @contextmanager
    def drafted(
        self, name: str, uploads: Sequence[Upload], judged: Judged, config: PrepareConfig
    ) -> Iterator[Person]:
        """Write the accepted photos and their crops for a library that may take them in.

        Photos are told by their place among the uploads: names may come twice.
        """
        instances = {n: p.instance for n, p in enumerate(judged) if p.instance is not None}
        photos = (
            upload
            for number, upload in enumerate(uploads if config.keep_photos else ())
            if number in instances and isinstance(upload, Photo)
        )
        with self.library.draft(name, config.trigger_word) as draft:
            draft.save_photos(photos)
            draft.save_instances([*instances.values()])
            yield draft.save(attributes=vote([i.attributes for i in instances.values()]))

    def enrol(
        self, name: str, uploads: Sequence[Upload], config: PrepareConfig
    ) -> Generator[Event, None, Person]:
        """Judge the uploads, then keep the accepted photos and their crops in the library.

        They take the place of earlier ones in one step, when all are written. Raises what `judge`
        raises.
        """
        judged = yield from self.judge(name, uploads, config)
        with self.drafted(name, uploads, judged, config) as draft:
            return self.library.adopt(draft)
