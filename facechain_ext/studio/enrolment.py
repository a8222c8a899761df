"""From uploads to a person of the library: judged, and what can be used kept."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from facechain_ext.base.events import Event, PhotoPrepared, Stage
from facechain_ext.base.records import Photo, PreparedPhoto
from facechain_ext.config import PrepareConfig
from facechain_ext.dataset.prepare import prepare
from facechain_ext.dataset.review import require_usable, review
from facechain_ext.library.names import checked, tidy
from facechain_ext.library.people import PeopleLibrary, Person
from facechain_ext.library.verdicts import stems_of, verdicts_of
from facechain_ext.nets import FaceNets
from facechain_ext.nets.attributes import vote
from facechain_ext.studio.kept import Kept, kept_photos
from facechain_ext.studio.uploads import Upload, told_apart

Judged = list[PreparedPhoto]
NEW_PERSON = Kept()


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
        for photo in prepare(told_apart(uploads), config, self.nets):
            prepared.append(photo)
            yield PhotoPrepared(photo, len(prepared), len(uploads))
        judged = review(prepared)
        for number, (before, after) in enumerate(zip(prepared, judged, strict=True), 1):
            if after.verdict != before.verdict:
                yield PhotoPrepared(after, number, len(uploads))
        return judged

    def judge(
        self, name: str, uploads: Sequence[Upload], config: PrepareConfig, owner: str = ""
    ) -> Generator[Event, None, Judged]:
        """Judge the uploads of a person, who may be new; nothing is written.

        Raises NoUsablePhotos, or InvalidInput for the name.
        """
        self.library.require_owner(checked(name), owner)
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
        *,
        kept: Kept = NEW_PERSON,
    ) -> Iterator[Person]:
        """Write the accepted photos and their crops for a library that may take them in.

        Photos are told by their place among the uploads, of which those that are kept come first.
        """
        stems = stems_of(judged, kept.stems)
        crops = {stems[n]: p.instance for n, p in enumerate(judged) if p.instance is not None}
        with self.library.draft(name, config.trigger_word, owner) as draft:
            draft.save_originals(_originals(uploads, stems, kept) if config.keep_photos else ())
            draft.save_instances([*crops.values()], verdicts_of(judged, stems), stems=[*crops])
            yield draft.save(attributes=vote([crop.attributes for crop in crops.values()]))

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
        ones among them, which keep their stems and captions. Raises what `judge` raises, and
        InvalidInput where the earlier originals were not kept or have changed meanwhile.
        """
        if not add:
            judged = yield from self.judge(name, uploads, config, owner)
            with self.drafted(name, uploads, judged, config, owner) as draft:
                return self.library.adopt(draft)
        kept = kept_photos(self.library, name)
        name = kept.person.manifest.name if kept.person else tidy(name)
        uploads = kept.before(uploads, config)
        judged = yield from self.judge(name, uploads, config, owner)
        judged = kept.with_captions(judged, config.trigger_word)
        kept.require_unchanged(self.library, name)
        drafted = self.drafted(name, uploads, judged, config, owner, kept=kept)
        with drafted as draft, self.library.changing():
            kept.require_unchanged(self.library, name)
            return self.library.adopt(draft)


def _originals(
    uploads: Sequence[Upload], stems: Mapping[int, str], kept: Kept
) -> Iterator[tuple[str, Photo | Path]]:
    """Yield the accepted photos; a kept one as its file, which is not compressed once more."""
    for number, stem in stems.items():
        original = kept.photos[number].original if number < len(kept.photos) else uploads[number]
        if isinstance(original, (Photo, Path)):
            yield stem, original
