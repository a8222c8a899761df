from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facechain_ext.base.errors import Cancelled, InvalidInput
from facechain_ext.base.host import GenerationRequest, LoraUse, Unavailable
from facechain_ext.base.infotext import parse_infotext
from facechain_ext.base.records import LoraFile, Pixels
from facechain_ext.imaging.files import decode, read_png_text
from facechain_ext.lora.adapter import inject
from facechain_ext.lora.checkpoint import save_lora
from facechain_ext.standalone.diffusers_host import DiffusersHost, default_data_dir

pytestmark = pytest.mark.slow(12)

REQUEST = GenerationRequest("fcsks, photo", "blurry", seeds=(1, 2, 3, 4, 5), steps=2)


@pytest.fixture
def host(tmp_path: Path, small_folder: Path) -> DiffusersHost:
    return DiffusersHost(tmp_path / "données é", small_folder, device="cpu")


@pytest.fixture
def lora(host: DiffusersHost) -> LoraFile:
    with (
        host.borrow_model(for_training=True) as model,
        inject(model, "attention", rank=4, alpha=4, seed=0) as adapter,
    ):
        state = {key: tensor + 0.05 for key, tensor in adapter.state().items()}
    return save_lora(host.paths.lora_dir / "ana.safetensors", state, {})


def test_a_seed_is_a_picture_whatever_the_batch(host: DiffusersHost) -> None:
    together = {image.seed: image.pixels for image in host.generate(REQUEST)}
    (alone,) = host.generate(REQUEST.for_seeds([5]))
    assert list(together) == [1, 2, 3, 4, 5]
    assert np.abs(together[5].astype(int) - alone.pixels).max() <= 1
    assert np.abs(together[5].astype(int) - together[4]).max() > 1


def test_the_checkpoint_decides_size_and_guidance(host: DiffusersHost) -> None:
    (image,) = host.generate(REQUEST.for_seeds([1]))
    prompt, negative, fields = parse_infotext(image.infotext)
    assert image.pixels.shape == (64, 64, 3)
    assert (prompt, negative) == ("fcsks, photo", "blurry")
    assert fields["Size"] == "64x64"
    assert fields["CFG scale"] == "3"
    assert (fields["Steps"], fields["Sampler"], fields["Seed"]) == ("2", "DPM++ 2M", "1")


def test_a_lora_changes_the_picture_and_nothing_stays(host: DiffusersHost, lora: LoraFile) -> None:
    plain = GenerationRequest("a", seeds=(1,), steps=2)
    with_lora = GenerationRequest("a", seeds=(1,), steps=2, loras=(LoraUse(lora, 0.9),))
    (before,) = host.generate(plain)
    (changed,) = host.generate(with_lora)
    (after,) = host.generate(plain)
    assert not np.array_equal(before.pixels, changed.pixels)
    assert np.array_equal(before.pixels, after.pixels)
    assert "<lora:ana:0.9>" in changed.infotext
    assert parse_infotext(changed.infotext)[2]["Lora hashes"] == f"ana: {lora.sha256[:12]}"


def test_a_lora_of_the_text_encoder_alone_changes_the_picture(host: DiffusersHost) -> None:
    with (
        host.borrow_model(for_training=True) as model,
        inject(
            model, "attention", rank=4, alpha=4, seed=0, text_encoders=model.text_targets()
        ) as adapter,
    ):
        state = adapter.state()
    text = {key: tensor + 0.2 for key, tensor in state.items() if key.startswith("lora_te_")}
    lora = save_lora(host.paths.lora_dir / "words.safetensors", text, {})
    plain = GenerationRequest("a", seeds=(1,), steps=2)
    (before,) = host.generate(plain)
    (changed,) = host.generate(replace(plain, loras=(LoraUse(lora, 1.0),)))
    assert not np.array_equal(before.pixels, changed.pixels)
    assert np.array_equal(before.pixels, next(iter(host.generate(plain))).pixels)


def test_sdxl_draws_with_its_own_lora_which_sd1_refuses(
    tmp_path: Path, tiny_sdxl_file: Path, host: DiffusersHost
) -> None:
    xl = DiffusersHost(tmp_path, tiny_sdxl_file, device="cpu")
    with (
        xl.borrow_model(for_training=True) as model,
        inject(model, "attention", rank=4, alpha=4, seed=0) as adapter,
    ):
        state = {key: tensor + 0.05 for key, tensor in adapter.state().items()}
    own = save_lora(xl.paths.lora_dir / "xl.safetensors", state, {})
    plain = GenerationRequest("a", seeds=(1,), steps=2, width=64, height=128)
    with_lora = replace(plain, loras=(LoraUse(own, 0.9),))
    (before,) = xl.generate(plain)
    (changed,) = xl.generate(with_lora)
    assert before.pixels.shape == (128, 64, 3)
    assert not np.array_equal(before.pixels, changed.pixels)
    with pytest.raises(InvalidInput, match=r"^xl\.safetensors is a LoRA for SDXL; .* 1\.x\.$"):
        next(host.generate(with_lora))


def test_other_samplers_are_refused(host: DiffusersHost) -> None:
    with pytest.raises(InvalidInput, match="Euler"):
        next(host.generate(GenerationRequest("a", sampler_name="Euler a")))


def test_steps_are_told_and_cancelling_stops(host: DiffusersHost) -> None:
    told: list[tuple[int, int, int]] = []

    def on_step(index: int, step: int, steps: int) -> None:
        told.append((index, step, steps))
        host.cancel()

    with pytest.raises(Cancelled):
        list(host.generate(REQUEST, on_step))
    assert told == [(0, 0, 2)]


def test_what_is_drawn_is_seen_while_it_is(host: DiffusersHost) -> None:
    seen: list[Pixels | None] = []
    list(host.generate(REQUEST, lambda *_: seen.append(host.preview())))
    first, second = seen[:2]
    assert first is None  # nothing has been taken from the noise yet
    assert second is not None
    assert second.dtype == np.uint8
    assert second.shape == (32, 4 * 32, 3)  # as many as are drawn at once
    assert host.preview() is None


def test_a_picture_that_is_seen_comes_out_as_one_that_is_not(host: DiffusersHost) -> None:
    plain = [image.pixels for image in host.generate(REQUEST)]
    watched = [image.pixels for image in host.generate(REQUEST, lambda *_: host.preview())]
    assert all(map(np.array_equal, plain, watched))


def test_a_saved_picture_carries_its_parameters_and_the_marker(host: DiffusersHost) -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    first = host.save_image(pixels, "a man\nSteps: 20", host.paths.output_dir / "ana", "01-7")
    second = host.save_image(pixels, "again", host.paths.output_dir / "ana", "01-7")
    text = read_png_text(first.read_bytes())
    assert text["parameters"] == "a man\nSteps: 20"
    assert "compositeWithTrainedAlgorithmicMedia" in text["XML:com.adobe.xmp"]
    assert np.array_equal(decode(first.read_bytes(), name=first.name), pixels)
    assert (first.name, second.name) == ("01-7.png", "01-7-2.png")


def test_what_only_the_webui_has_is_said(host: DiffusersHost) -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    for answer in (host.restore_face(pixels), host.tag(pixels)):
        assert isinstance(answer, Unavailable)
        assert answer.reason.endswith(".")


def test_the_data_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FACECHAIN_DATA_DIR", str(tmp_path))
    assert default_data_dir() == tmp_path.resolve()
