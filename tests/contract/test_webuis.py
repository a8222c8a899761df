"""What a Host inside a webui keeps to: others use the same model, and have their turn."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from facechain_ext.base.errors import Cancelled
from facechain_ext.base.events import Step
from facechain_ext.base.host import GenerationRequest, LoraUse
from facechain_ext.diffusion.pixels import to_pixels
from facechain_ext.diffusion.sampler import sample
from tests.contract.conftest import IN_WEBUIS
from tests.contract.lending import fingerprint, finished, in_slices, make_lora, steps, training

pytestmark = pytest.mark.slow(15)


@pytest.fixture(params=IN_WEBUIS)
def host(request: pytest.FixtureRequest, host_in: Callable[[str], Any]) -> Any:
    return host_in(request.param)


def lock_of(host: Any) -> Any:
    return host.queue._lock


def is_free(host: Any) -> bool:
    if free := lock_of(host).acquire(blocking=False):
        lock_of(host).release()
    return bool(free)


@contextmanager
def somebody_else(host: Any, work: Any = lambda: None) -> Iterator[threading.Event]:
    """Another client, who waits for the model in a thread; the event tells that they had it."""
    served = threading.Event()

    def request() -> None:
        with lock_of(host):
            work()
            served.set()

    thread = threading.Thread(target=request)
    thread.start()
    while not host.others_waiting() and not served.is_set():
        threading.Event().wait(0.005)
    yield served
    thread.join(120)


def test_the_model_is_ours_alone_until_it_is_given_back(host: Any) -> None:
    with host.borrow_model(for_training=True):
        assert not is_free(host)
    assert is_free(host)
    with pytest.raises(ZeroDivisionError), host.borrow_model(for_training=True):
        raise ZeroDivisionError
    assert is_free(host)


def test_others_are_served_within_a_step_and_the_result_is_the_same(
    host: Any, tmp_path: Path
) -> None:
    lora, before = make_lora(host), fingerprint(host)
    with host.job("Training"):
        unbroken = finished(in_slices(host, tmp_path / "one"))
    picture = GenerationRequest("a", steps=1, loras=(LoraUse(lora, 1.0),))
    with host.job("Training"):
        work = in_slices(host, tmp_path / "many")
        assert isinstance(next(work), Step)
        with somebody_else(host) as served:
            assert not served.is_set()
            following = next(work)  # of the next slice, after the other's turn
            assert served.is_set()
            assert isinstance(following, Step)
            assert following.step == 2
        broken = finished(work)
    assert broken.steps == unbroken.steps
    assert all(broken.state[key].equal(unbroken.state[key]) for key in unbroken.state)
    list(host.generate(picture))
    assert fingerprint(host) == before


@pytest.mark.parametrize("clip_skip", [None, 3])
def test_a_prompt_is_read_in_a_training_as_in_a_picture(host: Any, clip_skip: int | None) -> None:
    """Forge Neo leaves out the text encoder's last layer unless its user says otherwise."""
    from modules import shared

    if clip_skip is not None:
        shared.opts.CLIP_stop_at_last_layers = clip_skip
    request = GenerationRequest("fcsks, photo", seeds=(1,), steps=1, width=64, height=64)
    (drawn,) = host.generate(request)
    with host.borrow_model(for_training=True) as model, torch.no_grad():
        both = model.encode_prompts([request.prompt, ""])
        rows = both.select(torch.tensor([0])), both.select(torch.tensor([1]))
        size = {"seeds": [1], "width": 64, "height": 64, "steps": 1}
        latents = sample(model, *rows, **size, guidance_scale=model.default_guidance_scale)
        (ours,) = to_pixels(model.decode_latents(latents))
    assert np.abs(drawn.pixels.astype(int) - ours).max() <= 1


def test_training_shows_in_the_webuis_progress_until_it_is_over(host: Any, tmp_path: Path) -> None:
    from modules import shared

    with host.job("Train Ana"), host.borrow_model(for_training=True) as model:
        for event in training(host, model, tmp_path):
            host.progress(event)
            assert shared.state.job == "Train Ana"
            if isinstance(event, Step):
                assert (shared.state.sampling_step, shared.state.sampling_steps) == (event.step, 3)
                assert str(event.step) in shared.state.textinfo
        assert shared.state.current_image.size == (64, 64)
    assert shared.state.job == ""


@pytest.mark.parametrize(
    ("button", "kept"), [("stop_generating", [1, 2, 3, 4]), ("interrupt", []), ("skip", [5])]
)
def test_pictures_that_a_stop_lets_end_are_kept(host: Any, button: str, kept: list[int]) -> None:
    """The webui's Interrupt, pressed once, lets what is being drawn end, where more is to come."""
    from modules import shared

    request = GenerationRequest("a", seeds=(1, 2, 3, 4, 5), steps=2, width=64, height=64)
    pressed: list[None] = []
    drawn: list[int] = []

    def on_step(*_: int) -> None:
        if not pressed:
            pressed.append(getattr(shared.state, button)())

    with host.job("Portraits"), suppress(Cancelled):
        drawn.extend(image.seed for image in host.generate(request, on_step))
    assert drawn == kept
    assert not (shared.state.interrupted or shared.state.stopping_generation)


@pytest.mark.parametrize("button", ["interrupt", "skip", "stopping_generation"])
def test_the_webuis_buttons_stop_a_training(host: Any, button: str, tmp_path: Path) -> None:
    from modules import shared

    before = fingerprint(host)
    with host.job("Training"), host.borrow_model(for_training=True) as model:  # noqa: SIM117
        with pytest.raises(Cancelled):
            for _ in steps(training(host, model, tmp_path)):
                press = getattr(shared.state, button)
                press() if callable(press) else setattr(shared.state, button, True)
    assert fingerprint(host) == before
    with host.job("Training"):
        assert not host.cancelled()


def test_the_time_left_is_told_from_the_pace_of_now(host: Any) -> None:
    import time

    from modules import shared

    with host.job("Training"), host.borrow_model(for_training=True):
        host.progress(Step(15, 20, 0.1, 1e-3, 2.0, eta_seconds=10.0))
        passed = time.time() - shared.state.time_start
        progress = shared.state.sampling_step / shared.state.sampling_steps
        assert passed / progress - passed == pytest.approx(10, abs=1)  # as the webui reckons


def test_the_second_pass_starts_from_the_picture_not_its_latents(host: Any, tmp_path: Path) -> None:
    from modules import processing, shared

    def asked() -> str | None:
        next(host.generate(GenerationRequest("a", steps=1, hires_scale=1.5)))
        upscaler: str | None = processing.jobs[-1].hr_upscaler
        return upscaler

    def upscaler(name: str, path: Path | None) -> SimpleNamespace:
        return SimpleNamespace(name=name, local_data_path=path and str(path))

    weights = tmp_path / "weights.pth"
    weights.touch()
    shared.sd_upscalers.append(upscaler("Lanczos", None))
    assert asked() == "Lanczos"
    shared.sd_upscalers += [upscaler("mine", weights), upscaler("yours", weights)]
    assert asked() == "mine"
    shared.opts.facechain_upscaler = "auto"
    assert asked() == "mine"
    shared.opts.facechain_upscaler = "yours"
    assert asked() == "yours"
    shared.opts.facechain_upscaler = "Lanczos"
    assert asked() == "Lanczos"
    next(host.generate(GenerationRequest("a", steps=1)))
    assert processing.jobs[-1].hr_upscaler is None
