"""ForgeHost in a fake Forge that draws for real: a tiny checkpoint, real LoRAs, a real lock."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from facechain_ext.base.errors import (
    Cancelled,
    InvalidInput,
    ModelUnavailable,
    UnsupportedCheckpoint,
)
from facechain_ext.base.events import Preview, Stage, Step
from facechain_ext.base.host import GenerationRequest, LoraUse, Unavailable
from facechain_ext.base.infotext import parse_infotext
from facechain_ext.base.records import LoraFile
from facechain_ext.imaging.files import decode, read_png_text
from facechain_ext.lora.adapter import inject
from facechain_ext.lora.checkpoint import save_lora

pytestmark = pytest.mark.slow(10)

REQUEST = GenerationRequest("fcsks, photo", "blurry", seeds=(1, 2, 3, 4, 5), steps=2)


@pytest.fixture
def host(webui: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    from facechain_ext.webui.forge import host as forge
    from facechain_ext.webui.forge import thread

    # In Forge our jobs have threads of their own: the tests' thread is no main thread here.
    monkeypatch.setattr(thread, "main_thread", lambda: None)
    return forge.ForgeHost()


@pytest.fixture
def lora(host: Any) -> LoraFile:
    with (
        host.borrow_model(for_training=True) as model,
        inject(model, "attention", rank=4, alpha=4, seed=0) as adapter,
    ):
        state = {key: tensor + 0.05 for key, tensor in adapter.state().items()}
    return save_lora(host.paths.lora_dir / "ana.safetensors", state, {})


def is_free(webui: Any) -> bool:
    if free := webui.lock.acquire(blocking=False):
        webui.lock.release()
    return bool(free)


def test_folders_are_the_webuis(webui: Any, host: Any) -> None:
    assert host.paths.data_dir == webui.root
    assert host.paths.lora_dir == webui.root / "models" / "Lora"
    webui.module("modules.shared").cmd_opts.facechain_data_dir = str(webui.root / "people")
    assert host.paths.data_dir == webui.root / "people"


def test_checkpoints_are_the_webuis(webui: Any, host: Any) -> None:
    assert [ref.path for ref in host.checkpoints()] == [webui.checkpoint]
    assert host.current_checkpoint().name == "tiny"
    webui.module("modules.sd_models").checkpoints_list.clear()
    with pytest.raises(ModelUnavailable, match="no checkpoint"):
        host.current_checkpoint()


# Lending


def test_the_model_is_a_copy_that_can_be_trained_and_forge_makes_room(
    webui: Any, host: Any
) -> None:
    memory = webui.module("backend.memory_management")
    with host.borrow_model(for_training=True) as model:
        assert memory.calls == ["unload_all_models"]
        assert not is_free(webui)
        weight = model.denoiser.conv_in.weight
        assert not weight.is_inference()
        weight.detach().clone().requires_grad_().sum().backward()
    assert is_free(webui)
    assert memory.calls == ["unload_all_models", "soft_empty_cache"]


def test_a_job_goes_on_with_its_copy_whatever_is_selected_meanwhile(
    webui: Any, host: Any, tmp_path: Path
) -> None:
    sd_models, shared = webui.module("modules.sd_models"), webui.module("modules.shared")
    with host.job("Training"):
        with host.borrow_model(for_training=True) as first:
            pass
        sd_models.CheckpointInfo(str(tmp_path / "other.safetensors")).register()
        shared.opts.sd_model_checkpoint = "other.safetensors"
        assert host.current_checkpoint().name == "tiny"
        with host.borrow_model(for_training=True) as second:
            assert second is first
    assert host.current_checkpoint().name == "other"


def test_the_copy_is_dropped_with_the_job(host: Any) -> None:
    with host.job("Training"), host.borrow_model(for_training=True) as first:
        pass
    with host.job("Training"), host.borrow_model(for_training=True) as second:
        assert second is not first


def test_everything_is_given_back_after_an_error(webui: Any, host: Any) -> None:
    with pytest.raises(ZeroDivisionError), host.borrow_model(for_training=True):
        raise ZeroDivisionError
    assert is_free(webui)
    assert webui.state.job == ""
    with host.borrow_model(for_training=True):
        assert not is_free(webui)


def test_a_checkpoint_that_is_not_safetensors_is_refused_and_keeps_its_name(
    webui: Any, host: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forge renames a file to *.corrupted when load_file or torch.load cannot read it."""

    from facechain_ext.webui.host.checkpoints import with_defaults

    def rename(path: Any, *args: object, **kwargs: object) -> Any:
        Path(path).rename(f"{path}.corrupted")
        raise ValueError("File corrupted")

    monkeypatch.setattr(safetensors.torch, "load_file", rename)
    monkeypatch.setattr(torch, "load", rename)
    for name in ("broken.safetensors", "old.ckpt"):
        path = tmp_path / name
        path.write_bytes(b"not a checkpoint")
        webui.module("modules.sd_models").CheckpointInfo(str(path)).register()
        webui.module("modules.shared").opts.sd_model_checkpoint = name
        with pytest.raises(UnsupportedCheckpoint), host.borrow_model(for_training=True):
            pass
        asked = with_defaults(GenerationRequest("a"), path)
        assert (asked.width, asked.height, asked.guidance_scale) == (512, 512, 7.0)
        assert path.read_bytes() == b"not a checkpoint"
    assert is_free(webui)


# Drawing


def test_a_seed_is_a_picture_whatever_the_batch(webui: Any, host: Any) -> None:
    together = {image.seed: image.pixels for image in host.generate(REQUEST)}
    (alone,) = host.generate(REQUEST.for_seeds([5]))
    assert list(together) == [1, 2, 3, 4, 5]
    assert [job.seed for job in webui.jobs] == [[1, 2, 3, 4], [5], [5]]
    assert np.abs(together[5].astype(int) - alone.pixels).max() <= 1
    assert np.abs(together[5].astype(int) - together[4]).max() > 1


def test_it_is_drawn_on_the_main_thread_and_nothing_is_saved(webui: Any, host: Any) -> None:
    (image,) = host.generate(REQUEST.for_seeds([1]))
    assert webui.module("modules_forge.main_thread").threads == ["forge-main"]
    (job,) = webui.jobs
    assert (job.do_not_save_samples, job.do_not_save_grid) == (True, True)
    assert job.scripts.alwayson_scripts == []
    assert job.closed
    prompt, negative, fields = parse_infotext(image.infotext)
    assert (prompt, negative) == ("fcsks, photo", "blurry")
    assert (fields["Size"], fields["CFG scale"]) == ("64x64", "3.0")


def test_forge_is_told_what_to_load_where_its_page_was_never_built(webui: Any, host: Any) -> None:
    model_data = webui.module("modules.sd_models").model_data
    next(host.generate(REQUEST))
    assert model_data.forge_loading_parameters["checkpoint_info"].name == "tiny.safetensors"


def test_a_lora_changes_the_picture(host: Any, lora: LoraFile) -> None:
    plain = GenerationRequest("a", seeds=(1,), steps=2)
    with_lora = GenerationRequest("a", seeds=(1,), steps=2, loras=(LoraUse(lora, 0.9),))
    (before,) = host.generate(plain)
    (changed,) = host.generate(with_lora)
    assert not np.array_equal(before.pixels, changed.pixels)
    assert changed.infotext.startswith("a <lora:ana:0.9>\n")


def test_a_lora_that_forge_does_not_see_is_refused(host: Any, tmp_path: Path) -> None:
    missing = LoraFile(tmp_path / "gone.safetensors", "fcsks", "")
    with pytest.raises(InvalidInput, match="gone"):
        next(host.generate(GenerationRequest("a", loras=(LoraUse(missing, 1.0),))))


def test_a_lora_that_no_prompt_can_name_is_refused(webui: Any, host: Any, lora: LoraFile) -> None:
    """The webui's own script was read and failed before it registered what it can do."""
    del webui.module("modules.extra_networks").extra_network_registry["lora"]
    with pytest.raises(InvalidInput, match="did not load"):
        next(host.generate(GenerationRequest("a", loras=(LoraUse(lora, 1.0),))))


def test_a_finished_lora_is_listed(webui: Any, host: Any, lora: LoraFile) -> None:
    host.publish_lora(lora)
    assert "ana" in webui.module("networks").available_networks


def test_samplers_go_by_the_webuis_names(webui: Any, host: Any) -> None:
    for name in ("", "Euler a", "DPM++ 2M Karras"):
        list(host.generate(GenerationRequest("a", steps=1, sampler_name=name)))
    asked = [(job.sampler_name, job.scheduler) for job in webui.jobs]
    assert asked == [("DPM++ 2M", "Automatic"), ("Euler a", "Automatic"), ("DPM++ 2M", "Karras")]
    for name in ("Heun", "Euler a Hein"):
        with pytest.raises(InvalidInput, match=name):
            next(host.generate(GenerationRequest("a", sampler_name=name)))


def test_a_second_larger_pass_is_asked_for(webui: Any, host: Any) -> None:
    next(host.generate(GenerationRequest("a", steps=1, hires_scale=1.5, hires_strength=0.4)))
    (job,) = webui.jobs
    assert (job.enable_hr, job.hr_scale, job.denoising_strength) == (True, 1.5, 0.4)
    assert job.hr_cfg == job.cfg_scale == 3.0


def test_an_error_on_the_main_thread_is_raised_here_and_stays_out_of_forges(
    webui: Any, host: Any
) -> None:
    webui.module("modules.processing").fail_with.append(ZeroDivisionError("of the host"))
    with pytest.raises(ZeroDivisionError, match="of the host"):
        next(host.generate(REQUEST))
    assert webui.module("modules_forge.main_thread").last_exception is None
    assert is_free(webui)


def test_it_draws_fewer_at_a_time_when_memory_runs_out(webui: Any, host: Any) -> None:
    fail_with = webui.module("modules.processing").fail_with
    fail_with.append(torch.cuda.OutOfMemoryError("CUDA out of memory"))
    images = list(host.generate(REQUEST))
    assert [image.seed for image in images] == [1, 2, 3, 4, 5]
    assert [job.seed for job in webui.jobs] == [[1, 2, 3, 4], [1, 2], [3, 4], [5]]


def test_others_have_their_turn_between_pictures(webui: Any, host: Any) -> None:
    pictures = host.generate(REQUEST)
    next(pictures)
    assert is_free(webui)
    assert len(list(pictures)) == 4


# State


def test_steps_are_told(host: Any) -> None:
    told: list[tuple[int, int, int]] = []
    list(host.generate(REQUEST, lambda *step: told.append(step)))
    assert told == [(0, 0, 2), (0, 1, 2), (4, 0, 2), (4, 1, 2)]


def test_the_interrupt_button_stops_our_drawing(webui: Any, host: Any) -> None:
    with host.job("Portraits"):
        pictures = host.generate(REQUEST, lambda *step: webui.state.interrupt())
        with pytest.raises(Cancelled):
            next(pictures)
        assert host.cancelled()
        assert not webui.state.interrupted
    assert is_free(webui)


def test_skipped_pictures_are_left_out(webui: Any, host: Any) -> None:
    def skip_the_first(picture: int, step: int, steps: int) -> None:
        if picture == 0:
            webui.state.skip()

    assert [image.seed for image in host.generate(REQUEST, skip_the_first)] == [5]


def test_cancelling_stops_our_drawing(webui: Any, host: Any) -> None:
    with host.job("Portraits"), pytest.raises(Cancelled):
        list(host.generate(REQUEST, lambda *step: host.cancel()))
    with host.job("Portraits"):
        assert not host.cancelled()
        assert len(list(host.generate(REQUEST.for_seeds([1])))) == 1


def test_cancelling_leaves_somebody_elses_job_alone(webui: Any, host: Any) -> None:
    with host.job("Training"):
        with host.borrow_model(for_training=True):
            pass
        with webui.lock:
            webui.state.begin(job="somebody's txt2img")
            host.cancel()
            assert not webui.state.interrupted
        assert host.cancelled()


def test_somebody_elses_interrupt_is_not_ours(webui: Any, host: Any) -> None:
    with host.job("Training"):
        with webui.lock:
            webui.state.begin(job="somebody's txt2img")
            webui.state.interrupt()
            assert not host.cancelled()
        with host.borrow_model(for_training=True):
            assert not host.cancelled()
            webui.state.interrupt()
            assert host.cancelled()
        assert host.cancelled()


def test_training_shows_in_the_webuis_progress(webui: Any, host: Any) -> None:
    picture = np.full((8, 8, 3), 7, np.uint8)
    with host.job("Training Ana"):
        host.progress(Stage("cache"))
        with host.borrow_model(for_training=True):
            assert (webui.state.job, webui.state.textinfo) == ("Training Ana", "cache")
            host.progress(Step(3, 40, 0.5, 1e-3, 2.0, 18.0))
            assert (webui.state.sampling_step, webui.state.sampling_steps) == (3, 40)
            assert webui.state.textinfo == "step 3 of 40, loss 0.5000"
            host.progress(Preview(3, (picture, picture), (0.1, None)))
            assert webui.state.current_image.size == (16, 8)
        assert webui.state.job == ""


def test_waiting_requests_are_seen_and_served_between_slices(webui: Any, host: Any) -> None:
    served = threading.Event()

    def request() -> None:
        with webui.lock:
            served.set()

    with host.job("Training"):
        with host.borrow_model(for_training=True):
            assert not host.others_waiting()
            threading.Thread(target=request).start()
            while not host.others_waiting():
                threading.Event().wait(0.01)
            assert not served.is_set()
        assert served.wait(120)
        with host.borrow_model(for_training=True):
            assert not host.others_waiting()


# Tools


def test_pictures_are_saved_beside_each_other(host: Any, tmp_path: Path) -> None:
    pixels = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
    first = host.save_image(pixels, "a\nSteps: 2", tmp_path / "new", "01-7")
    second = host.save_image(pixels, "a\nSteps: 2", tmp_path / "new", "01-7")
    assert (first.name, second.name) == ("00000-7.png", "00001-7.png")
    text = read_png_text(second.read_bytes())
    assert text["parameters"] == "a\nSteps: 2"
    assert "compositeWithTrainedAlgorithmicMedia" in text["XML:com.adobe.xmp"]
    assert np.array_equal(decode(first.read_bytes(), name="01-7.png"), pixels)


def test_tools_without_weights_say_so_and_fetch_nothing(host: Any) -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    for answer in (host.upscale(pixels, 16), host.restore_face(pixels), host.tag(pixels)):
        assert isinstance(answer, Unavailable)
        assert answer.reason.endswith(".")


def test_tags_come_without_escapes(webui: Any, host: Any) -> None:
    folder = webui.root / "models" / "torch_deepdanbooru"
    folder.mkdir(parents=True)
    (folder / "model.pt").touch()
    tags = host.tag(np.zeros((8, 8, 3), np.uint8))
    assert tags == ["smile", "solo", "tree (plant)"]


def test_faces_are_restored_where_all_weights_are_there(webui: Any, host: Any) -> None:
    folder = webui.root / "models" / "Codeformer"
    folder.mkdir(parents=True)
    for name in ("codeformer.pth", "detection_Resnet50_Final.pth", "parsing_parsenet.pth"):
        (folder / name).touch()
    restored = host.restore_face(np.zeros((8, 8, 3), np.uint8))
    assert restored.min() == 255
    next(host.generate(GenerationRequest("a", steps=1, restore_faces=True)))
    assert webui.jobs[-1].restore_faces


def test_the_best_upscaler_with_weights_is_used(webui: Any, host: Any, tmp_path: Path) -> None:
    from types import SimpleNamespace

    def model(name: str, path: str) -> Any:
        scaler = SimpleNamespace(
            upscale=lambda image, scale, _: image.resize((image.width * 4, image.height * 4))
        )
        return SimpleNamespace(name=name, local_data_path=path, data_path=path, scaler=scaler)

    weights = tmp_path / "weights.pth"
    weights.touch()
    webui.module("modules.shared").sd_upscalers += [
        model("R-ESRGAN 4x+", "https://example.org/weights.pth"),
        model("mine", str(weights)),
    ]
    larger = host.upscale(np.full((8, 6, 3), 9, np.uint8), 20)
    assert larger.shape == (20, 15, 3)
