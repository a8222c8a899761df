"""Judging accepted photos against each other: near copies, other people, a common description."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.errors import NoUsablePhotos
from facechain_ext.base.records import Attributes, Instance, PreparedPhoto, Reason, Verdict
from facechain_ext.dataset.captions import subject
from facechain_ext.dataset.copies import are_copies
from facechain_ext.dataset.verdicts import ACCEPTED, DISAGREEMENT, rejection
from facechain_ext.nets.attributes import vote

SAME_PERSON_AT_LEAST = 0.35
"""Similarity of a photo to the mean of others of its person.

3,000 draws of three photos of one person: .36 at least, 99 % above .49; a stranger against the mean
of two to five: .39 at most, 99.9 % below .35.
"""

Judged = list[PreparedPhoto]


def review(prepared: Iterable[PreparedPhoto]) -> Judged:
    """Reject near copies and photos of somebody else, then give all one age and gender.

    Of near copies a colour photo stays before a grey one, then the one that tells more of the face:
    the larger, sharper, less compressed. The largest group of photos that agree is the
    person; where several groups are equally large (as when two photos disagree), nobody can tell
    and all stay, with a warning in their verdicts. Keeps the order.
    """
    photos = _with_verdict(list(prepared), ACCEPTED)
    return _described_together(_without_strangers(_without_copies(photos)))


def require_usable(prepared: Iterable[PreparedPhoto]) -> list[Instance]:
    """Return the accepted pictures; raises NoUsablePhotos with every verdict if there are none."""
    judged = list(prepared)
    usable = [photo.instance for photo in judged if photo.instance is not None]
    if not usable:
        reasons = " ".join(photo.verdict.message for photo in judged) or "No photo was given."
        raise NoUsablePhotos(f"None of the photos can be used. {reasons}")
    return usable


def _without_copies(photos: Judged) -> Judged:
    kept: list[Instance] = []
    verdicts: dict[int, Verdict] = {}
    for index, instance in sorted(_accepted(photos), key=lambda item: _rank(item[1])):
        original = next((other for other in kept if are_copies(instance, other)), None)
        if original is None:
            kept.append(instance)
        else:
            verdicts[index] = rejection(Reason.DUPLICATE, name=instance.name, other=original.name)
    return _rejected(photos, verdicts)


def _rank(instance: Instance) -> tuple[bool, float, float]:
    """Order copies, the best first."""
    return instance.attributes.monochrome, -instance.detail, -instance.quality


def _without_strangers(photos: Judged) -> Judged:
    accepted = _accepted(photos)
    if len(accepted) < 2:
        return photos
    embeddings = np.stack([instance.embedding for _, instance in accepted])
    group = largest_group(embeddings)
    if group is None:
        return _with_verdict(photos, DISAGREEMENT)
    verdicts = {
        index: rejection(
            Reason.OTHER_PERSON, name=instance.name, count=len(group), similarity=similarity
        )
        for (index, instance), similarity in zip(
            accepted, similarities(embeddings, group), strict=True
        )
        if similarity < SAME_PERSON_AT_LEAST
    }
    return _rejected(photos, verdicts)


def largest_group(embeddings: NDArray[np.float32]) -> list[int] | None:
    """Return the indices of the photo that most others resemble, and of those others.

    None when another such group, with nobody in common, is as large. embeddings: (N, D).
    """
    alike = embeddings @ embeddings.T >= SAME_PERSON_AT_LEAST
    sizes = alike.sum(axis=1)
    largest = alike[int(np.argmax(sizes))]
    rivals = (sizes == sizes.max()) & ~(alike & largest).any(axis=1)
    return None if rivals.any() else [int(index) for index in np.flatnonzero(largest)]


def similarities(embeddings: NDArray[np.float32], group: Sequence[int]) -> list[float]:
    """Return everybody's similarity to the mean of the group, oneself left out."""
    member = np.isin(np.arange(len(embeddings)), group)
    others = embeddings[member].sum(axis=0) - embeddings * member[:, None]
    lengths = np.maximum(np.linalg.norm(others, axis=1), 1e-6)
    return [float(value) for value in (embeddings * others).sum(axis=1) / lengths]


def _described_together(photos: Judged) -> Judged:
    """Say one age and gender in all captions: single readings err, the person stays the same."""
    common = vote([instance.attributes for _, instance in _accepted(photos)])
    return [
        photo
        if photo.instance is None
        else replace(photo, instance=_described(photo.instance, common))
        for photo in photos
    ]


def _described(instance: Instance, common: Attributes) -> Instance:
    attributes = replace(instance.attributes, gender=common.gender, age=common.age)
    text = instance.caption.replace(subject(instance.attributes), subject(attributes), 1)
    return replace(instance, attributes=attributes, caption=text)


def _accepted(photos: Judged) -> list[tuple[int, Instance]]:
    return [(index, p.instance) for index, p in enumerate(photos) if p.instance is not None]


def _with_verdict(photos: Judged, verdict: Verdict) -> Judged:
    return [replace(p, verdict=verdict) if p.verdict.accepted else p for p in photos]


def _rejected(photos: Judged, verdicts: Mapping[int, Verdict]) -> Judged:
    return [
        PreparedPhoto(photo.name, verdicts[index]) if index in verdicts else photo
        for index, photo in enumerate(photos)
    ]
