"""A1111Host over LDM's real classes: what pictures, settings and users do to the model."""

from __future__ import annotations

import gc
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file, save_file

from facechain_ext.base.errors import InvalidInput, ModelUnavailable, UnsupportedCheckpoint
from facechain_ext.base.host import GenerationRequest, LoraUse
from tests.contract.conftest import Webui
from tests.contract.lending import fingerprint, fingerprint_of, finished, in_slices, make_lora


def model_of(webui: Webui) -> Any:
    return webui.shared.sd_model


def differs(webui: Webui, checkpoint: Path) -> bool:
    """Tell whether a weight of the loaded model is not the file's."""
    state, file = model_of(webui).state_dict(), load_file(checkpoint)
    return any(not torch.equal(state[name], tensor) for name, tensor in file.items())


def is_mirrored(unet: Any) -> bool:
    """Tell whether somebody computes with the tensors of an LDM UNet through a mirror of it."""
    first = unet.input_blocks[0][0].weight.data_ptr()
    mirrors = (each for each in gc.get_objects() if type(each) is UNet2DConditionModel)
    return any(mirror.conv_in.weight.data_ptr() == first for mirror in mirrors)


@pytest.fixture
def other(a1111: Webui, tmp_path: Path) -> Any:
    """A second checkpoint, in a folder of its own that a test may take away."""
    folder = tmp_path / "others"
    shutil.copytree(a1111.checkpoint.parent, folder)
    path = folder / "other.safetensors"
    (folder / a1111.checkpoint.name).unlink()
    weights = load_file(a1111.checkpoint).items()
    save_file(
        {key: value * 1.5 if value.is_floating_point() else value for key, value in weights}, path
    )
    info = a1111.module("modules.sd_models").CheckpointInfo(str(path))
    info.register()
    return info


def select(webui: Webui, title: str) -> None:
    """Choose a checkpoint as a user does in the webui."""
    webui.shared.opts.sd_model_checkpoint = title
    webui.module("modules.sd_models").reload_model_weights()


def test_the_webuis_own_model_is_lent(a1111: Webui, a1111_host: Any) -> None:
    unet = model_of(a1111).model.diffusion_model
    with a1111_host.borrow_model(for_training=True) as model:
        assert model.unet is unet
        assert model.vae is model_of(a1111).first_stage_model
        assert is_mirrored(unet)
    assert not is_mirrored(unet), "its tensors would stay on the card when it is moved away"


def test_what_is_trained_is_where_the_model_was_moved_to(
    a1111: Webui, a1111_host: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    unet = model_of(a1111).model.diffusion_model

    def moved(module: Any, *where: Any) -> Any:
        for weight in module.parameters():
            weight.data = weight.data.clone()
        return module

    monkeypatch.setattr(type(unet), "to", moved)
    with a1111_host.borrow_model(for_training=True) as model:
        ours, theirs = (
            {weight.data_ptr() for weight in each.parameters()} for each in (model.denoiser, unet)
        )
        assert ours == theirs


def test_a_lora_that_a_picture_left_in_the_weights_is_taken_out(
    a1111: Webui, a1111_host: Any
) -> None:
    lora = make_lora(a1111_host)
    list(a1111_host.generate(GenerationRequest("a", steps=1, loras=(LoraUse(lora, 1.0),))))
    assert differs(a1111, a1111.checkpoint)
    with a1111_host.borrow_model(for_training=True):
        assert not differs(a1111, a1111.checkpoint)
        assert a1111.module("networks").loaded_networks == []
    assert not differs(a1111, a1111.checkpoint)


def test_what_else_a_picture_leaves_behind_is_undone(a1111: Webui, a1111_host: Any) -> None:
    hypernetwork = a1111.module("modules.hypernetworks.hypernetwork")
    hijack, unet = a1111.module("modules.sd_hijack"), a1111.module("modules.sd_unet")
    hypernetwork.loaded.append("anime")
    hijack.model_hijack.circular_enabled = True
    unet.current_unet = object()
    with a1111_host.borrow_model(for_training=True):
        assert hypernetwork.loaded == []
        assert not hijack.model_hijack.circular_enabled
        assert unet.current_unet is None
        assert a1111.module("modules.sd_models").token_merging[-1] == 0


def test_a_checkpoint_chosen_meanwhile_makes_way_and_comes_back(
    a1111: Webui, a1111_host: Any, other: Any
) -> None:
    before = fingerprint(a1111_host)
    with a1111_host.job("Training"):
        assert fingerprint(a1111_host) == before
        select(a1111, other.title)
        assert a1111_host.current_checkpoint().name == "tiny"
        with a1111_host.borrow_model(for_training=True) as model:
            assert fingerprint_of(model) == before
            assert a1111.shared.opts.sd_model_checkpoint == other.title
        assert not differs(a1111, Path(other.filename))
        assert model_of(a1111).sd_checkpoint_info is other
    assert a1111_host.current_checkpoint().name == "other"
    assert fingerprint(a1111_host) != before


def test_it_comes_back_after_an_error_too(a1111: Webui, a1111_host: Any, other: Any) -> None:
    with pytest.raises(ZeroDivisionError), a1111_host.job("Training"):
        fingerprint(a1111_host)
        select(a1111, other.title)
        with a1111_host.borrow_model(for_training=True):
            raise ZeroDivisionError
    assert not differs(a1111, Path(other.filename))


def test_a_checkpoint_whose_file_is_gone_ends_the_job(
    a1111: Webui, a1111_host: Any, other: Any
) -> None:
    select(a1111, other.title)
    with pytest.raises(ModelUnavailable, match=r"other\.safetensors is gone"):  # noqa: SIM117
        with a1111_host.job("Training"):
            fingerprint(a1111_host)
            select(a1111, a1111.checkpoint.name)
            Path(other.filename).unlink()
            fingerprint(a1111_host)
    assert not differs(a1111, a1111.checkpoint)
    assert fingerprint(a1111_host)


def test_so_does_one_that_cannot_be_read_again(a1111: Webui, a1111_host: Any, other: Any) -> None:
    select(a1111, other.title)
    with pytest.raises(ModelUnavailable, match="could not be loaded again"):  # noqa: SIM117
        with a1111_host.job("Training"):
            fingerprint(a1111_host)
            select(a1111, a1111.checkpoint.name)
            Path(other.filename).write_bytes(b"overwritten")
            fingerprint(a1111_host)
    assert not differs(a1111, a1111.checkpoint)


def test_a_model_that_is_not_loaded_yet_is_loaded(a1111: Webui, a1111_host: Any) -> None:
    a1111.shared.sd_model = None
    assert fingerprint(a1111_host)
    a1111.shared.sd_model = None
    a1111.module("modules.sd_models").checkpoints_list.clear()
    with pytest.raises(ModelUnavailable, match="no checkpoint"):
        fingerprint(a1111_host)


@pytest.mark.parametrize(
    ("move", "call"),
    [
        ("send_model_to_cpu", lambda webui: webui.unload_model_weights()),
        ("send_model_to_device", lambda webui: webui.send_model_to_device(webui.shared.sd_model)),
    ],
)
def test_moving_the_model_in_the_middle_waits_for_the_slice_and_changes_no_result(
    a1111: Webui,
    a1111_host: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    move: str,
    call: Callable[[Any], Any],
) -> None:
    sd_models, before = a1111.module("modules.sd_models"), fingerprint(a1111_host)
    with a1111_host.job("Training"):
        unbroken = finished(in_slices(a1111_host, tmp_path / "one"))
    original, moved = getattr(sd_models, move), []

    def seen(model: Any) -> None:
        moved.append(is_mirrored(model.model.diffusion_model))
        original(model)

    monkeypatch.setattr(sd_models, move, seen)
    with a1111_host.job("Training"):
        work = in_slices(a1111_host, tmp_path / "many")
        next(work)
        client = threading.Thread(target=call, args=(sd_models,))
        client.start()
        while not a1111_host.others_waiting() and client.is_alive():
            threading.Event().wait(0.005)
        assert moved == []
        next(work)
        client.join(120)
        assert moved == [False], "its tensors were still trained on"
        broken = finished(work)
    assert all(broken.state[key].equal(unbroken.state[key]) for key in unbroken.state)
    with a1111_host.borrow_model(for_training=True), a1111_host.borrow_model(for_training=False):
        assert getattr(sd_models, move) is not seen
    assert getattr(sd_models, move) is seen
    assert fingerprint(a1111_host) == before


def refused(host: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match), host.borrow_model(for_training=True):
        pytest.fail("it was lent")
    assert host.queue._lock.acquire(blocking=False)
    host.queue._lock.release()


def test_settings_that_no_training_works_with_are_refused(a1111: Webui, a1111_host: Any) -> None:
    a1111.shared.cmd_opts.lowvram = True
    refused(a1111_host, InvalidInput, "--medvram")
    a1111.shared.cmd_opts.lowvram = False
    a1111.shared.opts.fp8_storage = "Enable"
    refused(a1111_host, InvalidInput, "8 bits")
    a1111.shared.opts.fp8_storage = "Disable"
    assert fingerprint(a1111_host)


def test_the_sdxl_refiner_is_refused_with_a_sentence(a1111: Webui, a1111_host: Any) -> None:
    """A model of sgm's is told by its conditioner; the refiner's has one text encoder."""
    model_of(a1111).conditioner = torch.nn.Module()
    model_of(a1111).conditioner.embedders = [torch.nn.Identity()]
    refused(a1111_host, UnsupportedCheckpoint, "SDXL")


def test_with_medvram_everything_but_the_unet_waits(a1111: Webui, a1111_host: Any) -> None:
    model_of(a1111).lowvram = True
    with a1111_host.borrow_model(for_training=False) as model:
        assert model.parked
    assert a1111.module("modules.lowvram").calls == ["send_everything_to_cpu"] * 2


def test_a_model_that_was_unloaded_is_put_back_to_work_before_drawing(
    a1111: Webui, a1111_host: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, sd_models = [], a1111.module("modules.sd_models")
    monkeypatch.setattr(sd_models, "send_model_to_device", sent.append)
    list(a1111_host.generate(GenerationRequest("a", steps=1)))
    assert sent == []
    monkeypatch.setattr(sd_models, "model_target_device", lambda m: torch.device("meta"))
    list(a1111_host.generate(GenerationRequest("a", steps=1)))
    assert sent == [model_of(a1111)]
