"""Photos judged at the door: one card each, with a thumbnail, the verdict and its sentence."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from pathlib import Path

from facechain_ext.base.errors import FaceChainError, InvalidInput
from facechain_ext.base.records import PreparedPhoto
from facechain_ext.config import PrepareConfig
from facechain_ext.imaging.files import read_photo
from facechain_ext.imaging.thumbnail import thumbnail
from facechain_ext.nets import FaceNets
from facechain_ext.studio.studio import Studio
from facechain_ext.studio.uploads import read_uploads
from facechain_ext.ui.page import markup
from facechain_ext.ui.page.wording import count

MOST_PHOTOS = 20
THUMBNAIL = 144


@dataclass(frozen=True)
class PhotoCheck:
    """Judges uploads beside running jobs: with nets of its own, one set of photos at a time."""

    studio: Studio
    _busy: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def _judging(self) -> Studio:
        return replace(self.studio, nets=FaceNets())

    def cards(self, paths: Sequence[Path], config: PrepareConfig) -> Iterator[str]:
        """Yield all cards again after every verdict; the last ones stand.

        Raises InvalidInput for more than MOST_PHOTOS photos.
        """
        if len(paths) > MOST_PHOTOS:
            raise InvalidInput(
                f"{len(paths)} photos are more than {MOST_PHOTOS}. Choose the {MOST_PHOTOS} best: "
                "sharp, well lit, different days and angles."
            )
        pictures = [(path.name, _thumbnail(path, config)) for path in paths]
        latest: dict[int, PreparedPhoto] = {}
        yield draw(latest, pictures)
        with self._busy:
            uploads = read_uploads(paths, config)
            for event in self._judging.check(uploads, config):
                latest[event.done] = event.photo
                yield draw(latest, pictures)


def draw(judged: Mapping[int, PreparedPhoto], pictures: Sequence[tuple[str, str]]) -> str:
    """Draw a summary and a card for every photo; those without a verdict are being looked at.

    judged: by place, counted from 1. pictures: file name and picture address in the same order.
    """
    cards = (_card(name, uri, judged.get(place)) for place, (name, uri) in enumerate(pictures, 1))
    return f'{_summary(judged.values(), len(pictures))}<ul class="fc-photos">{"".join(cards)}</ul>'


def _summary(judged: Iterable[PreparedPhoto], total: int) -> str:
    photos = list(judged)
    used = sum(photo.verdict.accepted for photo in photos)
    if len(photos) < total:
        return markup.message(f"Looking at photo {len(photos) + 1} of {total} …", "note")
    if not used:
        return markup.message(f"None of {count(total, 'photo')} can be used; see why below.")
    return markup.message(f"{used} of {count(total, 'photo')} can be used.", "good")


def _card(name: str, uri: str, photo: PreparedPhoto | None) -> str:
    if photo is None:
        kind, word, sentence = "waiting", "…", "Waiting to be looked at."
    elif photo.verdict.accepted:
        kind, word, sentence = "good", "✓ used", ""
    else:
        kind, word, sentence = "bad", "✗ not used", photo.verdict.message
    said = f"<p>{escape(sentence)}</p>" if sentence else ""
    image = f'<img src="{uri}" alt="">' if uri else '<span class="fc-nopicture">?</span>'
    return (
        f'<li class="fc-photo fc-{kind}">{image}<div><b>{word}</b>'
        f'<span class="fc-file">{escape(name)}</span>{said}</div></li>'
    )


def _thumbnail(path: Path, config: PrepareConfig) -> str:
    """Return a small picture; none of a file that cannot be read."""
    try:
        pixels = read_photo(path, max_megapixels=config.max_megapixels).pixels
    except FaceChainError:
        return ""
    return thumbnail(pixels, THUMBNAIL)
