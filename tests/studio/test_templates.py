"""People come into a template, over a host that paints what it is told and a library made here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from facechain_ext.base.errors import InvalidInput, NoFaceFound, NoPortraitFound, PersonNotFound
from facechain_ext.base.events import Candidate, PortraitsFinished, Stage
from facechain_ext.base.host import GeneratedImage, GenerationRequest, StepCallback
from facechain_ext.base.infotext import parse_infotext
from facechain_ext.base.records import Instance, Photo, Pixels, Rejection, Score
from facechain_ext.base.repainting import RepaintRequest
from facechain_ext.config import PrepareConfig, TemplateConfig
from facechain_ext.dataset.prepare import prepare
from facechain_ext.imaging.encode import encode_png
from facechain_ext.jobs.kinds import KINDS
from facechain_ext.jobs.template_work import MakeTemplate
from facechain_ext.library.people import PeopleLibrary, Run
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.acquaintance import Acquaintance
from facechain_ext.portrait.head_mask import faces_mask
from facechain_ext.portrait.infotext import source_of
from facechain_ext.portrait.numbered import MOST_FACES, NumberedFace, number_faces
from facechain_ext.studio import templates
from facechain_ext.studio.templates import Templates
from facechain_ext.templates.gallery import Gallery

pytestmark = pytest.mark.slow(12)

CONFIG = TemplateConfig(candidates=2, attempts=2, seed=7)


class Painter:
    """Paints nothing: what it is given is the outcome. requests: what was asked."""

    def __init__(self) -> None:
        self.requests: list[RepaintRequest] = []

    def repaint(
        self, request: RepaintRequest, on_step: StepCallback | None = None
    ) -> Iterator[GeneratedImage]:
        self.requests.append(request)
        for seed in request.drawing.seeds:
            yield GeneratedImage(request.pixels, seed, f"{seed}\nSteps: 2, Size: 192x192")

    def preview(self) -> None:
        return None


@pytest.fixture(scope="module")
def nets() -> FaceNets:
    return FaceNets()


@pytest.fixture(scope="module")
def her(nets: FaceNets) -> Instance:
    (prepared,) = prepare([Photo("her.jpg", astronaut())], PrepareConfig(size=256), nets)
    assert prepared.instance is not None
    return prepared.instance


@pytest.fixture
def group() -> Photo:
    """Her, and beside her the mirror of her, darker, smaller and out of line."""
    her = np.ascontiguousarray(astronaut()[:300, 60:360])
    other = (cv2.resize(her, (270, 270))[:, ::-1] * 0.8).astype(np.uint8)
    canvas = np.full((300, 570, 3), 90, np.uint8)
    canvas[:, :300], canvas[30:, 300:] = her, other
    return Photo("group.png", canvas)


@pytest.fixture
def made(tmp_path: Path, nets: FaceNets, her: Instance) -> Templates:
    """Ana is in the library, who is the astronaut, and Ben, who is nobody."""
    library = PeopleLibrary(tmp_path / "people", tmp_path / "lora", tmp_path / "out")
    library.create_or_get("Ana", "fcsks").save_instances([her])
    nobody = -her.embedding
    library.create_or_get("Ben", "fcsks").save_instances([replace(her, embedding=nobody)])
    trained: Any = SimpleNamespace(
        request=lambda name, config: GenerationRequest(name, config.prompt, steps=config.steps),
        mismatch=lambda name: "",
    )
    host: Any = Painter()
    return Templates(host, nets, library, trained)


def finished(events: Iterator[Any]) -> PortraitsFinished:
    *_, last = events
    assert isinstance(last, PortraitsFinished)
    return last


def picture(made: Templates, template: Photo, cast: dict[int, str], **changes: Any) -> Pixels:
    done = finished(made.make(template, cast, replace(CONFIG, **changes)))
    return done.ranked[0].pixels


def test_faces_are_numbered_from_the_left(made: Templates, group: Photo) -> None:
    faces = made.look(group)
    assert [face.number for face in faces] == [1, 2]
    assert faces[0].face.center[0] < 300 < faces[1].face.center[0]


def test_a_template_is_looked_at_once(
    made: Templates, group: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []

    def number(template: Photo, nets: FaceNets) -> list[NumberedFace]:
        looked.append(template.name)
        return number_faces(template, nets)

    monkeypatch.setattr(templates, "number_faces", number)
    read_again = replace(group, name="again.png", pixels=group.pixels.copy())
    other = replace(group, name="other.png", pixels=group.pixels[1:].copy())
    first = made.look(group)
    assert made.look(read_again) == first
    made.look(other)
    made.look(group)
    assert looked == ["group.png", "other.png", "group.png"]


def test_who_is_trained_is_proposed_where_nothing_is_said(made: Templates, group: Photo) -> None:
    run = Run("20260101-000000", "ana.safetensors", "", "mini", 0.5, (50,))
    made.library.get("Ana").add_run(run)
    _, cast = made.checked(group, {}, CONFIG)
    assert [*cast.values()] == ["Ana"]


def test_one_face_changes_and_every_other_pixel_stays(made: Templates, group: Photo) -> None:
    before = group.pixels.copy()
    after = picture(made, group, {1: "Ana"})
    first, second = made.look(group)
    changed = (after != before).any(axis=2)
    assert np.array_equal(group.pixels, before)
    assert changed[faces_mask([first.mesh], before.shape[:2]) > 0].mean() > 0.3
    assert not changed[:, 300:].any()
    assert not changed[faces_mask([second.mesh], before.shape[:2]) > 0].any()


def test_events_tell_the_way_and_the_infotext_everybody(made: Templates, group: Photo) -> None:
    events = list(made.make(group, {2: "Ana"}, CONFIG))
    assert events[0] == Stage("face 2: Ana", 2)
    assert [event for event in events if isinstance(event, Candidate)] == [
        Candidate(1, 2),
        Candidate(2, 2),
    ]
    (portrait,) = events[-1].ranked
    fields = parse_infotext(portrait.infotext)[2]
    assert fields["FaceChain template"] == "group.png"
    assert fields["FaceChain faces"].startswith("2 Ana (seed 7, similarity 0.")
    assert source_of(portrait.infotext) == "compositeWithTrainedAlgorithmicMedia"
    assert portrait.score.similarity is not None
    assert portrait.score.similarity > 0.6


def test_the_whole_counts_as_its_least_alike_person(
    made: Templates, group: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter([0.9, 0.5, 0.8, 0.3])
    monkeypatch.setattr(Acquaintance, "judge", lambda *_: Score(next(scores)))
    done = finished(made.make(group, {1: "Ana", 2: "Ben"}, replace(CONFIG, count=2)))
    assert [p.score.similarity for p in done.ranked] == [0.8, 0.3]
    assert "1 Ana (seed 7, similarity 0.900)" in done.ranked[0].infotext
    assert "2 Ben (seed 12, similarity 0.300)" in done.ranked[1].infotext


def test_a_face_is_painted_again_until_it_is_good(
    made: Templates, group: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = Score(0.9, Rejection.NOT_ALIKE), Score(0.4)
    scores = iter([bad, bad, good, bad])
    monkeypatch.setattr(Acquaintance, "judge", lambda *_: next(scores))
    events = list(made.make(group, {1: "Ana"}, CONFIG))
    (portrait,) = events[-1].ranked
    told = [(event.done, event.total) for event in events if isinstance(event, Candidate)]
    host: Any = made.host
    assert told == [(1, 2), (2, 2), (3, 4), (4, 4)]
    assert [request.drawing.seeds for request in host.requests] == [(7, 8), (9, 10)]
    assert (portrait.seed, portrait.score.similarity) == (9, 0.4)


def test_what_never_came_out_is_kept_aside_and_said(
    made: Templates, group: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Acquaintance, "judge", lambda *_: Score(0.2, Rejection.NOT_ALIKE))
    seen: list[Any] = []
    with pytest.raises(NoPortraitFound, match=r"face 1 \(Ana: not alike\)"):
        seen.extend(made.make(group, {1: "Ana"}, CONFIG))
    host: Any = made.host
    assert len(host.requests) == 2


def test_the_painting_starts_from_the_persons_photo(made: Templates, group: Photo) -> None:
    picture(made, group, {2: "Ana"}, strength=0.3)
    host: Any = made.host
    (request,) = host.requests
    assert request.strength == 0.3
    assert 0.02 < (request.mask > 0.5).mean() < 0.3
    assert request.drawing.prompt == "Ana"


@pytest.mark.parametrize("kind", ["face", "hair", "head"])
def test_every_mask_leaves_the_neighbour_alone(made: Templates, group: Photo, kind: str) -> None:
    after = picture(made, group, {1: "Ana"}, mask=kind)
    second = made.look(group)[1]
    kept = faces_mask([second.mesh], group.pixels.shape[:2]) > 0
    assert np.array_equal(after[kept], group.pixels[kept])


def crowd(faces: int, side: int) -> Photo:
    her = cv2.resize(astronaut()[:300, 60:360], (side, side))
    return Photo("crowd.png", np.concatenate([np.concatenate([her] * 10, 1)] * (faces // 10)))


@pytest.mark.parametrize(
    ("template", "cast", "error", "told"),
    [
        (Photo("wall.png", np.full((99, 99, 3), 9, np.uint8)), {}, NoFaceFound, "No face .* wall"),
        (crowd(60, 100), {1: "Ana"}, InvalidInput, f"60 faces; a template may have {MOST_FACES}"),
        (
            Photo("t.png", cv2.resize(astronaut(), (100, 100))),
            {1: "Ana"},
            InvalidInput,
            "Face 1 is only",
        ),
        (None, {1: "Ana", 2: "Ana"}, InvalidInput, "Ana is given two faces"),
        (None, {1: "Ana", 2: "Ben", 3: "Cy"}, PersonNotFound, "Cy"),
        (None, {3: "Ana"}, InvalidInput, "There is no face 3"),
        (None, {}, InvalidInput, "Nobody can be proposed"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_painted(
    made: Templates,
    group: Photo,
    template: Photo | None,
    cast: dict[int, str],
    error: type[Exception],
    told: str,
) -> None:
    with pytest.raises(error, match=told):
        list(made.make(template or group, cast, CONFIG))
    host: Any = made.host
    assert host.requests == []


@pytest.fixture
def kept(made: Templates, group: Photo, tmp_path: Path) -> tuple[Templates, Path]:
    """The group in the gallery, and where it came from."""
    path = tmp_path / "group.png"
    path.write_bytes(encode_png(group.pixels))
    made = replace(made, gallery=Gallery(tmp_path / "own", tmp_path / "none"))
    for name in ("Ana", "Ben"):
        run = Run("20260101-000000", f"{name}.safetensors", "", "mini", 0.5, (50,))
        made.library.get(name).add_run(run)
    made.keep(path, tags=["pair"])
    return made, path


def test_a_template_of_the_gallery_starts_at_once(
    kept: tuple[Templates, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, path = kept
    first = made.look(made.read(path))
    monkeypatch.setattr(templates, "number_faces", lambda *_: pytest.fail("looked again"))
    again = replace(made, _looked={}, _kept={})
    seen = again.look(again.read(again.gallery.get("group").picture))
    assert [face.number for face in seen] == [1, 2]
    for one, other in zip(first, seen, strict=True):
        assert np.allclose(one.face.box, other.face.box, atol=0.01)
        assert np.allclose(one.mesh, other.mesh, atol=1.0)
        assert one.embedding @ other.embedding > 0.99


def test_a_template_of_the_gallery_knows_who_came_last(kept: tuple[Templates, Path]) -> None:
    made, path = kept
    photo = made.read(path)
    finished(made.make(photo, {2: "Ana"}, CONFIG))
    assert made.suggest(photo, made.look(photo)) == {2: "Ana"}
    assert made.checked(photo, {}, CONFIG)[1] == {2: "Ana"}
    made.library.delete("Ana")
    assert "Ana" not in made.suggest(photo, made.look(photo)).values()
    made.remove("group")
    assert not (made.library.get("Ben").folder / "templates.json").exists()


def test_a_picture_that_is_in_no_gallery_is_not_remembered(
    made: Templates, group: Photo, tmp_path: Path
) -> None:
    finished(made.make(group, {2: "Ana"}, CONFIG))
    assert not [*tmp_path.rglob("templates.json")]


def test_people_are_given_the_faces_that_fit(made: Templates, group: Photo) -> None:
    assert sorted(made.seat(group, ["Ben", "Ana"]).values()) == ["Ana", "Ben"]
    with pytest.raises(InvalidInput, match="Ana is named twice"):
        made.seat(group, ["Ana", "ana"])
    with pytest.raises(PersonNotFound, match="Cy"):
        made.seat(group, ["Cy"])
    made.library.create_or_get("Cy", "fcsks").save_instances(
        made.library.get("Ana").load_instances()
    )
    with pytest.raises(InvalidInput, match=r"There is no face for .*: group.png shows 2 faces"):
        made.seat(group, ["Ana", "Ben", "Cy"])


@pytest.mark.parametrize(
    "work",
    [
        MakeTemplate.of_all([(Path("a.png"), {1: "Ana"}), (Path("b.png"), {2: "Ben"})], CONFIG),
        MakeTemplate.from_words("two in a park", ["Ana", "Ben"], CONFIG),
    ],
)
def test_batches_and_words_are_read_back_too(work: MakeTemplate) -> None:
    facts = json.loads(json.dumps(work.facts()))
    assert KINDS["template"](work.person, work.photos, facts) == work
    assert "Ana, Ben" in work.title


@pytest.mark.parametrize(("words", "who"), [("", ["Ana"]), ("  ", ["Ana"]), ("a pair", [])])
def test_words_need_words_and_people(words: str, who: list[str]) -> None:
    with pytest.raises(InvalidInput, match="Say"):
        MakeTemplate.from_words(words, who, CONFIG)


def test_a_job_is_read_back_as_it_was_asked_for(tmp_path: Path) -> None:
    work = MakeTemplate.of(tmp_path / "a.png", {2: "Ben", 1: "Ana"}, CONFIG, tmp_path)
    assert (work.person, work.title) == ("Ben", "Template with Ben, Ana")
    again = KINDS["template"](work.person, work.photos, work.facts())
    assert again == replace(work, folder=tmp_path.absolute())
