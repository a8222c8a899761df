"""Photos judged against each other."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from facechain_ext.base.errors import NoUsablePhotos
from facechain_ext.base.records import (
    Attributes,
    Embedding,
    Gender,
    Instance,
    Pixels,
    PreparedPhoto,
    Reason,
)
from facechain_ext.dataset.review import (
    largest_group,
    require_usable,
    review,
    similarities,
)
from facechain_ext.dataset.verdicts import rejection
from facechain_ext.imaging.files import decode, encode_jpeg, resize

Named = Callable[..., PreparedPhoto]


def person(number: int, likeness: float = 1.0, variant: int = 0) -> Embedding:
    """A unit vector with the given similarity to its person; people are orthogonal."""
    vector = np.zeros(128, np.float32)
    vector[number] = likeness
    vector[64 + variant] = np.sqrt(1 - likeness**2)
    return vector


def people(named: Named, *numbers: int) -> list[PreparedPhoto]:
    return [named(f"{i}.jpg", embedding=person(number, 0.8, i)) for i, number in enumerate(numbers)]


def reasons(photos: list[PreparedPhoto]) -> list[Reason | None]:
    return [photo.verdict.reason for photo in photos]


def test_somebody_else_is_rejected(named: Named) -> None:
    judged = review(people(named, 0, 0, 1, 0))
    assert reasons(judged) == [None, None, Reason.OTHER_PERSON, None]
    assert judged[2].instance is None
    assert "2.jpg seems to show somebody else than the 3 photos" in judged[2].verdict.message


def test_two_against_one(named: Named) -> None:
    assert reasons(review(people(named, 1, 0, 0))) == [Reason.OTHER_PERSON, None, None]


def test_two_strangers_do_not_outvote_three(named: Named) -> None:
    judged = review(people(named, 1, 0, 2, 0, 0, 1))
    other = Reason.OTHER_PERSON
    assert reasons(judged) == [other, None, other, None, None, other]


@pytest.mark.parametrize("numbers", [(0, 1), (0, 1, 2), (0, 0, 1, 1)])
def test_where_nobody_can_tell_all_stay_with_a_warning(
    named: Named, numbers: tuple[int, ...]
) -> None:
    judged = review(people(named, *numbers))
    assert reasons(judged) == [None] * len(numbers)
    assert all("do not seem to show the same person" in p.verdict.message for p in judged)


def test_photos_that_agree_carry_no_warning(named: Named) -> None:
    assert {p.verdict.message for p in review(people(named, 0, 0))} == {"Accepted."}


def test_a_second_review_forgets_the_warning(named: Named) -> None:
    first = review(people(named, 0, 1))
    again = review([*first, named("2.jpg", embedding=person(0, 0.8, 2))])
    assert reasons(again) == [None, Reason.OTHER_PERSON, None]
    assert again[0].verdict.message == "Accepted."


def test_earlier_rejections_are_left_alone(named: Named) -> None:
    blurred = PreparedPhoto("x.jpg", rejection(Reason.BLURRED, name="x.jpg"))
    judged = review([blurred, *people(named, 0, 1)])
    assert judged[0] is blurred
    assert review([blurred]) == [blurred]
    assert review([]) == []


def test_largest_group_holds_chains_together() -> None:
    """A photo unlike some of the others still belongs where most are like it."""
    vectors = np.eye(4, dtype=np.float32)
    vectors[:3, :3] = [[1, 0.5, 0.2], [0.5, 1, 0.5], [0.2, 0.5, 1]]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert largest_group(vectors) == [0, 1, 2]


def test_similarities_leave_oneself_out() -> None:
    vectors = np.stack([person(0), person(0), person(1)])
    assert similarities(vectors, [0, 1]) == pytest.approx([1, 1, 0])
    assert similarities(vectors, [0])[0] == pytest.approx(0)


def test_of_near_copies_the_better_stays(named: Named, judge, astronaut: Pixels) -> None:
    saved = decode(encode_jpeg(resize(astronaut, (420, 420)), quality=70), name="small.jpg")
    trimmed = np.ascontiguousarray(astronaut[10:480, 20:500])
    copies = [judge(saved, name="small.jpg"), named("original.png"), judge(trimmed, name="cut.png")]
    judged = review(copies)
    assert sorted(map(str, reasons(judged))) == ["None", "Reason.DUPLICATE", "Reason.DUPLICATE"]
    kept = next(p for p in judged if p.instance is not None)
    best = max((p.instance for p in copies if p.instance), key=lambda i: i.quality)
    assert kept.name == best.name
    assert f"almost the same picture as {kept.name}" in next(
        p.verdict.message for p in judged if p.instance is None
    )


def grey(pixels: Pixels) -> Pixels:
    return np.repeat(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)


def mirrored(pixels: Pixels) -> Pixels:
    return np.ascontiguousarray(pixels[:, ::-1])


WORSE = {
    "grey": lambda pixels: grey(resize(pixels, (1536, 1536))),
    "small": lambda pixels: resize(pixels, (400, 400)),
    "blurred": lambda pixels: cv2.GaussianBlur(pixels, (0, 0), 1.2),
    "squeezed": lambda pixels: decode(encode_jpeg(pixels, quality=30), name="a"),
    "mirrored and small": lambda pixels: resize(mirrored(pixels), (400, 400)),
}


@pytest.mark.parametrize("worse", WORSE)
def test_of_copies_the_colourful_large_sharp_one_stays(judge, astronaut: Pixels, worse) -> None:
    copies = [judge(WORSE[worse](astronaut), name="worse.jpg"), judge(astronaut, name="good.jpg")]
    assert [photo.verdict.reason for photo in copies] == [None, None]
    assert reasons(review(copies)) == [Reason.DUPLICATE, None]
    assert reasons(review(copies[::-1])) == [None, Reason.DUPLICATE]


def test_another_moment_is_no_copy(named: Named, instance: Instance) -> None:
    """The same person with another expression: the mouth is drawn wider and lower."""
    size = instance.pixels.shape[0]
    changed = instance.pixels.copy()
    x, y = np.rint(instance.landmarks[13]).astype(int).tolist()
    cv2.ellipse(changed, (x, y + size // 60), (size // 24, size // 30), 0, 0, 360, (70, 20, 25), -1)
    judged = review([named("a"), named("b", pixels=changed)])
    assert reasons(judged) == [None, None]


def test_all_captions_say_one_age_and_gender(named: Named) -> None:
    ages = [(Gender.MAN, 33.0), (Gender.WOMAN, 36.0), (Gender.WOMAN, 41.0)]
    photos = [
        named(
            f"{i}.jpg",
            embedding=person(0, 0.8, i),
            attributes=Attributes(gender, age, smiling=i == 0),
            caption=f"fcsks, portrait photo of a {words}, my own words",
        )
        for i, ((gender, age), words) in enumerate(
            zip(ages, ("young man", "middle aged woman", "lady I wrote about"), strict=True)
        )
    ]
    instances = require_usable(review(photos))
    assert [i.caption.split(" of a ")[1] for i in instances] == [
        "middle aged woman, my own words",
        "middle aged woman, my own words",
        "lady I wrote about, my own words",
    ]
    assert {(i.attributes.gender, i.attributes.age) for i in instances} == {(Gender.WOMAN, 36.0)}
    assert [i.attributes.smiling for i in instances] == [True, False, False]


def test_nothing_usable_lists_every_reason() -> None:
    photos = [
        PreparedPhoto("a.jpg", rejection(Reason.NO_FACE, name="a.jpg")),
        PreparedPhoto("b.jpg", rejection(Reason.BLURRED, name="b.jpg")),
    ]
    with pytest.raises(NoUsablePhotos, match=r"No face was found in a\.jpg.*in b\.jpg is blurred"):
        require_usable(photos)
    with pytest.raises(NoUsablePhotos, match="No photo was given"):
        require_usable([])
