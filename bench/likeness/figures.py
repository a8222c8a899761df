"""The bench's numbers, from everybody's embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Person = Mapping[str, Array]
"""Embeddings of one person by one embedder: pictures' name -> (N, D), NaN rows without a face."""


@dataclass(frozen=True)
class Row:
    """How like the right person one kind of picture is, on average over people.

    similarity: to the normalised mean of the kept-back photos; a picture without a face counts 0.
    stranger: mean similarity to everybody else. rank_1: share of pictures that are more like
    their own person than like any other; no face counts as a miss. faces: share with a face.
    """

    similarity: float
    stranger: float
    rank_1: float
    faces: float


def reference(embeddings: Array) -> Array:
    """Return the normalised mean of the rows that have a face, (D,)."""
    mean = np.nanmean(embeddings, axis=0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)


def gallery(people: Mapping[str, Person]) -> Array:
    """Return everybody's reference from the kept-back photos, (people, D), in their order."""
    return np.stack([reference(person["held_back"]) for person in people.values()])


def row(people: Mapping[str, Person], pictures: str, strangers: Array | None = None) -> Row:
    """Compare one kind of picture of everybody with everybody's kept-back photos.

    strangers: references (K, D) of people of whom no pictures were made.
    """
    known = gallery(people)
    if strangers is not None:
        known = np.concatenate([known, strangers])
    each = [_compare(person[pictures] @ known.T, at) for at, person in enumerate(people.values())]
    return Row(*(float(np.mean(column)) for column in zip(*each, strict=True)))


def _compare(similarities: Array, own: int) -> tuple[float, float, float, float]:
    """Return a person's own row of figures; similarities: (pictures, people)."""
    found = ~np.isnan(similarities[:, own])
    filled = np.nan_to_num(similarities)
    others = np.delete(filled[found], own, axis=1)
    hits = found & (filled.argmax(axis=1) == own)
    stranger = float(others.mean()) if others.size else 0.0
    return float(filled[:, own].mean()), stranger, float(hits.mean()), float(found.mean())


def mean_gain(people: Mapping[str, Person], better: str, worse: str) -> tuple[float, float]:
    """Return by how much one kind beats another, and its standard error over people."""
    gains = [_own(person, better).mean() - _own(person, worse).mean() for person in people.values()]
    return float(np.mean(gains)), float(np.std(gains, ddof=1) / np.sqrt(len(gains)))


def top_beats_random(
    people: Mapping[str, Person], judged: Mapping[str, Person], pictures: str
) -> float:
    """Return how often the top-ranked portrait beats another one drawn at random.

    Ranked by likeness to the training photos (people); beaten by likeness to the kept-back ones
    (judged, which may be another embedder's).
    """
    shares = []
    for name, person in people.items():
        ranking = np.nan_to_num(person[pictures] @ reference(person["trained"]))
        top = int(np.argmax(ranking))
        own = _own(judged[name], pictures)
        shares.append(float(np.mean(own[top] > np.delete(own, top))))
    return float(np.mean(shares))


def _own(person: Person, pictures: str) -> Array:
    """Return similarities to the person's kept-back photos, 0 without a face, (N,)."""
    similarities = person[pictures] @ reference(person["held_back"])
    return np.asarray(np.nan_to_num(similarities), np.float32)
