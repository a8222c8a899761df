"""From uploads to a person of the library: judged, and what can be used kept."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from facechain_ext.base.errors import InvalidInput, PersonNotFound
from facechain_ext.base.events import Event, PhotoPrepared, Stage
from facechain_ext.base.records import Photo, PreparedPhoto
from facechain_ext.config import PrepareConfig
from facechain_ext.dataset.prepare import prepare
from facechain_ext.dataset.review import require_usable, review
from facechain_ext.library.names import checked
from facechain_ext.library.people import PeopleLibrary, Person
from facechain_ext.library.verdicts import verdicts_of
from facechain_ext.nets import FaceNets
from facechain_ext.nets.attributes import vote
from facechain_ext.studio.uploads import Joined, Upload, read_uploads

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
        self,
        name: str,
        uploads: Sequence[Upload],
        judged: Judged,
        config: PrepareConfig,
        owner: str = "",
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
        with self.library.draft(name, config.trigger_word, owner) as draft:
            draft.save_photos(photos)
            draft.save_instances([*instances.values()], verdicts_of(judged))
            yield draft.save(attributes=vote([i.attributes for i in instances.values()]))

    def enrol(
        self,
        name: str,
        uploads: Sequence[Upload],
        config: PrepareConfig,
        owner: str = "",
        *,
        add: bool = False,
    ) -> Generator[Event, None, Person]:
        """Judge the uploads, then keep the accepted photos and their crops in the library.

        They take the place of earlier ones in one step, when all are written; add: with the earlier
        ones among them. Raises what `judge` raises, and
        InvalidInput where the earlier originals were not kept.
        """
        kept: list[str] = []
        if add:
            uploads, kept = self._with_kept(name, uploads, config)
        judged = yield from self.judge(name, uploads, config)
        judged[: len(kept)] = map(_with_caption, judged, kept)
        with self.drafted(name, uploads, judged, config, owner) as draft:
            return self.library.adopt(draft)

    def _with_kept(
        self, name: str, uploads: Sequence[Upload], config: PrepareConfig
    ) -> tuple[Sequence[Upload], list[str]]:
        """Put a person's kept photos before new ones; return their captions as they stand, too.

        Nothing is put before the first photos. Raises InvalidInput where originals were not kept.
        """
        try:
            person = self.library.get(name)
        except PersonNotFound:
            return uploads, []
        captions = {path.stem: person.caption(path) for path in person.captions()}
        originals = {path.stem: path for path in person.photos()}
        if missing := sorted(set(captions) - set(originals)):
            raise InvalidInput(
                f"The originals of {person.manifest.name} were not kept ({len(missing)} are "
                "missing), so that none can be added: choose all photos again."
            )
        used = [v for v in person.verdicts() if v.stem in captions]
        first = read_uploads([originals[v.stem] for v in used if v.stem], config)
        joined = Joined(first, tuple(verdict.name for verdict in used), uploads)
        return joined, [captions[verdict.stem] for verdict in used if verdict.stem]


def _with_caption(photo: PreparedPhoto, caption: str) -> PreparedPhoto:
    if photo.instance is None:
        return photo
    return replace(photo, instance=replace(photo.instance, caption=caption))
