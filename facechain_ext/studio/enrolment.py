"""From uploads to a person of the library: judged, and what can be used kept."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

from facechain_ext.base.events import Event, PhotoPrepared, Stage
from facechain_ext.base.records import Photo, PreparedPhoto
from facechain_ext.config import PrepareConfig
from facechain_ext.dataset.prepare import prepare
from facechain_ext.dataset.review import require_usable, review
from facechain_ext.library.people import PeopleLibrary, Person, slugify
from facechain_ext.nets import FaceNets
from facechain_ext.nets.attributes import vote
from facechain_ext.studio.uploads import Upload


@dataclass(frozen=True)
class Enrolment:
    """Judges uploads, and keeps the accepted ones."""

    nets: FaceNets
    library: PeopleLibrary

    def check(self, uploads: Sequence[Upload], config: PrepareConfig) -> Iterator[PhotoPrepared]:
        """Judge each upload by itself, then tell again of those that change beside the others."""
        prepared: list[PreparedPhoto] = []
        for photo in prepare(uploads, config, self.nets):
            prepared.append(photo)
            yield PhotoPrepared(photo, len(prepared), len(uploads))
        for number, (before, after) in enumerate(zip(prepared, review(prepared), strict=True), 1):
            if after is not before:
                yield PhotoPrepared(after, number, len(uploads))

    def enrol(
        self, name: str, uploads: Sequence[Upload], config: PrepareConfig
    ) -> Generator[Event, None, Person]:
        """Judge the uploads, then keep the accepted photos and their crops in the library.

        Raises NoUsablePhotos, or InvalidInput for the name, before anything is written.
        """
        slugify(name)
        yield Stage("prepare", len(uploads))
        latest: dict[int, PreparedPhoto] = {}
        for event in self.check(uploads, config):
            latest[event.done] = event.photo
            yield event
        instances = require_usable(latest.values())
        person = self.library.create_or_get(name, config.trigger_word)
        accepted = {instance.name for instance in instances}
        photos = [p for p in uploads if isinstance(p, Photo) and p.name in accepted]
        person.save_photos(photos if config.keep_photos else [])
        person.save_instances(instances)
        return person.save(attributes=vote([instance.attributes for instance in instances]))
