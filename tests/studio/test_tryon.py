"""Clothes are put on a photo, or kept while whoever wears them becomes the person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from skimage.data import astronaut

from facechain_ext.base.errors import InvalidInput, NoFaceFound, PersonNotFound
from facechain_ext.base.events import Candidate, PortraitsFinished
from facechain_ext.base.host import CheckpointRef, GeneratedImage, GenerationRequest, StepCallback
from facechain_ext.base.infotext import parse_infotext
from facechain_ext.base.records import Photo
from facechain_ext.base.repainting import RepaintRequest
from facechain_ext.config import PrepareConfig, TryOnConfig
from facechain_ext.dataset.prepare import prepare
from facechain_ext.diffusion.checkpoint import MINI_COMPONENTS
from facechain_ext.jobs.kinds import KINDS
from facechain_ext.jobs.tryon_work import TryOn as Work
from facechain_ext.library.people import PeopleLibrary
from facechain_ext.nets import FaceNets
from facechain_ext.studio import tryon
from facechain_ext.studio.outfit import Outfit
from facechain_ext.studio.templates import Templates
from facechain_ext.studio.tryon import TryOn
from tests.tryon.conftest import drawn_shirt, shirt_mask

pytestmark = pytest.mark.slow(10)

CONFIG = TryOnConfig(candidates=1, attempts=1, seed=7)
WORN = replace(CONFIG, way="worn")
FULL = CheckpointRef("full", Path("full.safetensors"))
MINI = CheckpointRef("mini", MINI_COMPONENTS / "facechain-mini.safetensors")


class Painter:
    """Paints what is masked red, or nothing at all. requests: what was asked."""

    def __init__(self, checkpoint: CheckpointRef) -> None:
        self.requests: list[RepaintRequest] = []
        self.checkpoint = checkpoint

    def current_checkpoint(self) -> CheckpointRef:
        return self.checkpoint

    def repaint(
        self, request: RepaintRequest, on_step: StepCallback | None = None
    ) -> Iterator[GeneratedImage]:
        self.requests.append(request)
        pixels = request.pixels.copy()
        if request.strength == 1.0:
            pixels[200:][request.mask[200:] > 0.5] = (200, 30, 30)
        for seed in request.drawing.seeds:
            yield GeneratedImage(pixels, seed, f"{seed}\nSteps: 2, Size: 192x192")

    def preview(self) -> None:
        return None


@pytest.fixture(scope="module")
def nets() -> FaceNets:
    return FaceNets()


@pytest.fixture(scope="module")
def her() -> Photo:
    return Photo("her.jpg", astronaut())


@pytest.fixture(scope="module")
def shirt() -> Outfit:
    picture = Photo("shirt.png", drawn_shirt((40, 110, 80), (255, 255, 255)))
    return Outfit(picture, shirt_mask())


@pytest.fixture
def made(tmp_path: Path, nets: FaceNets, her: Photo) -> TryOn:
    """Ana is in the library, who is the astronaut."""
    (prepared,) = prepare([her], PrepareConfig(size=256), nets)
    assert prepared.instance is not None
    library = PeopleLibrary(tmp_path / "people", tmp_path / "lora", tmp_path / "out")
    library.create_or_get("Ana", "fcsks").save_instances([prepared.instance])
    trained: Any = SimpleNamespace(
        request=lambda name, config: GenerationRequest(
            f"{name}, {config.prompt}", steps=config.steps
        ),
        mismatch=lambda name: "",
    )
    host: Any = Painter(FULL)
    return TryOn(host, nets, library, Templates(host, nets, library, trained))


def finished(events: Iterator[Any]) -> PortraitsFinished:
    *_, last = events
    assert isinstance(last, PortraitsFinished)
    return last


def requests(made: TryOn) -> list[RepaintRequest]:
    host: Any = made.host
    return list(host.requests)


def test_a_fitted_garment_needs_no_checkpoint(made: TryOn, shirt: Outfit, her: Photo) -> None:
    done = finished(made.make(replace(shirt, photo=her), replace(CONFIG, seam=0.0)))
    (portrait,) = done.ranked
    assert requests(made) == []
    assert np.array_equal(portrait.pixels[:150], her.pixels[:150])
    assert np.abs(portrait.pixels[400:450, 150:230].mean(axis=(0, 1)) - (40, 110, 80)).max() < 15
    assert portrait.score.similarity == pytest.approx(1, abs=1e-3)
    fields = parse_infotext(portrait.infotext)[2]
    assert fields["FaceChain try-on"] == "fitted"
    assert fields["FaceChain garment"] == "shirt.png"
    assert fields["FaceChain seam"] == "0"


def test_the_edge_alone_is_painted(made: TryOn, shirt: Outfit, her: Photo) -> None:
    config = replace(CONFIG, seam=0.2, count=2, prompt="linen")
    events = list(made.make(replace(shirt, photo=her, person="Ana"), config))
    (request,) = requests(made)
    assert (request.strength, request.drawing.seeds) == (0.2, (7, 8))
    assert request.drawing.prompt.startswith("linen")
    assert 0 < request.mask.mean() < 0.15
    assert request.mask[:150].max() == 0
    assert [e for e in events if isinstance(e, Candidate)] == [Candidate(1, 2), Candidate(2, 2)]
    assert [p.seed for p in events[-1].ranked] == [7, 8]
    assert "FaceChain person: Ana" in events[-1].ranked[0].infotext


def test_a_checkpoint_of_faces_paints_no_clothes(made: TryOn, shirt: Outfit, her: Photo) -> None:
    host: Any = made.host
    host.checkpoint = MINI
    done = finished(made.make(replace(shirt, photo=her), CONFIG))
    assert requests(made) == []
    assert any("mini knows faces alone" in note for note in done.notes)


def test_an_outfit_is_fitted_once(
    made: TryOn, shirt: Outfit, her: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it is asked for: checked, queued and made."""
    laid: list[str] = []

    def dress(figure: Any, garment: Any) -> Any:
        laid.append(garment.name)
        return real(figure, garment)

    real = tryon.dress
    monkeypatch.setattr(tryon, "dress", dress)
    outfit = replace(shirt, photo=her)
    made.check(outfit, CONFIG)
    finished(made.make(replace(outfit, photo=replace(her)), CONFIG))
    assert laid == ["shirt.png"]
    made.check(outfit, replace(CONFIG, part="upper"))
    assert laid == ["shirt.png"] * 2


def test_worn_clothes_stay_pixel_for_pixel(made: TryOn, her: Photo) -> None:
    outfit = Outfit(her, person="Ana")
    config = replace(WORN, background="on a beach")
    done = finished(made.make(outfit, config))
    around, face = requests(made)
    (portrait,) = done.ranked
    assert around.drawing.prompt == "Ana, on a beach"
    assert around.strength == 1.0
    clothes = around.mask < 0.5
    assert clothes[330:480, 120:250].mean() > 0.95
    assert np.array_equal(portrait.pixels[clothes], her.pixels[clothes])
    assert np.abs(portrait.pixels[300:400, 480:] - np.array((200, 30, 30))).max() == 0
    assert face.drawing.prompt.startswith("Ana")
    assert "FaceChain background: on a beach" in portrait.infotext


def test_without_words_for_it_what_is_around_stays(made: TryOn, her: Photo) -> None:
    done = finished(made.make(Outfit(her, person="Ana"), WORN))
    assert len(requests(made)) == 1
    assert np.array_equal(done.ranked[0].pixels[330:], her.pixels[330:])


def test_a_checkpoint_of_faces_draws_no_background(made: TryOn, her: Photo) -> None:
    host: Any = made.host
    host.checkpoint = MINI
    config = replace(WORN, background="on a beach")
    done = finished(made.make(Outfit(her, person="Ana"), config))
    assert len(requests(made)) == 1
    assert any("background stays" in note for note in done.notes)


WALL = Photo("wall.png", np.full((99, 99, 3), 9, np.uint8))


@pytest.mark.parametrize(
    ("outfit", "config", "error", "told"),
    [
        ({}, CONFIG, InvalidInput, "Choose a photo"),
        ({"photo": WALL}, CONFIG, NoFaceFound, "No face was found in wall"),
        ({"photo": "her", "garment": WALL}, CONFIG, InvalidInput, "No garment .* wall"),
        ({"photo": "her", "person": "Cy"}, CONFIG, PersonNotFound, "Cy"),
        ({}, WORN, InvalidInput, "Say who"),
        ({"person": "Ana"}, WORN, InvalidInput, "Nobody wears the clothes in shirt"),
        ({"person": "Cy"}, WORN, PersonNotFound, "Cy"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_painted(
    made: TryOn,
    shirt: Outfit,
    her: Photo,
    outfit: dict[str, Any],
    config: TryOnConfig,
    error: type[Exception],
    told: str,
) -> None:
    changes = {name: her if value == "her" else value for name, value in outfit.items()}
    if "garment" in changes:
        changes["alpha"] = None
    with pytest.raises(error, match=told):
        list(made.make(replace(shirt, **changes), config))
    with pytest.raises(error, match=told):
        made.check(replace(shirt, **changes), config)
    assert requests(made) == []


def test_a_job_is_read_back_as_it_was_asked_for(tmp_path: Path) -> None:
    work = Work("Ana", (tmp_path / "shirt.png", tmp_path / "her.jpg"), CONFIG, tmp_path)
    assert work.title == "Clothes on Ana"
    assert Work().title == "Clothes on a photo"
    again = KINDS["try-on"](work.person, work.photos, work.facts())
    assert again == replace(work, folder=tmp_path.absolute())
