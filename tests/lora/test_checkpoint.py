from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.utils import USE_PEFT_BACKEND
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from facechain_ext.base.errors import InvalidInput
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.lora.adapter import LoraAdapter, inject
from facechain_ext.lora.checkpoint import describe, read_lora, save_lora, write_sidecars
from facechain_ext.lora.merge import merged
from facechain_ext.lora.state import LoraState, average
from tests.pipelines import pipeline_of

pytestmark = pytest.mark.slow(6)

Predict = Callable[[DiffusersModel], Tensor]
METADATA = {"ss_output_name": "anna-1", "facechain.trigger_word": "fcsks", "modelspec.title": "x"}


def test_a_saved_lora_reads_back_bit_for_bit(lora: LoraState, tmp_path: Path) -> None:
    file = save_lora(tmp_path / "new" / "anna-1.safetensors", lora, METADATA)
    state, metadata = read_lora(file.path)
    assert set(state) == set(lora)
    assert all(torch.equal(state[key], lora[key]) for key in lora)
    assert state.name == "anna-1.safetensors"
    assert metadata.items() > METADATA.items()
    assert (file.name, file.trigger_word, file.weight) == ("anna-1", "fcsks", 1.0)
    assert describe(file.path) == file


def test_a_saved_lora_acts_the_same_in_a_fresh_model(
    new_tiny_model: Callable[[], DiffusersModel],
    predict: Predict,
    lora: LoraState,
    tmp_path: Path,
) -> None:
    first, second = new_tiny_model(), new_tiny_model()
    with inject(first, "all", rank=4, alpha=2.0, seed=1) as adapter:
        adapter.load(lora)
        expected = predict(first)
    path = save_lora(tmp_path / "x.safetensors", lora, {}).path
    with inject(second, "all", rank=4, alpha=2.0, seed=7) as adapter:
        adapter.load(read_lora(path)[0])
        torch.testing.assert_close(predict(second), expected, atol=1e-4, rtol=0)


@pytest.mark.skipif(not USE_PEFT_BACKEND, reason="diffusers wants newer transformers for LoRA")
def test_diffusers_loads_the_file(
    new_tiny_model: Callable[[], DiffusersModel],
    predict: Predict,
    lora: LoraState,
    tmp_path: Path,
) -> None:
    first, second = new_tiny_model(), new_tiny_model()
    with inject(first, "all", rank=4, alpha=2.0, seed=1) as adapter:
        adapter.load(lora)
        expected = predict(first)
    path = save_lora(tmp_path / "x.safetensors", lora, METADATA).path
    pipeline = pipeline_of(second)
    assert (predict(second) - expected).abs().max() > 0.01
    pipeline.load_lora_weights(str(path.parent), weight_name=path.name, local_files_only=True)
    torch.testing.assert_close(predict(second), expected, atol=1e-4, rtol=0)


@pytest.mark.skipif(not USE_PEFT_BACKEND, reason="diffusers wants newer transformers for LoRA")
def test_diffusers_loads_the_text_encoders_layers(
    new_tiny_model: Callable[[], DiffusersModel],
    predict: Predict,
    disturb: Callable[[LoraAdapter], None],
    tmp_path: Path,
) -> None:
    first, second = new_tiny_model(), new_tiny_model()
    texts = ["a photo of fcsks"]
    plain = first.encode_prompts(texts).prompt_embeds
    with (
        inject(
            first, "attention", rank=4, alpha=2.0, seed=1, text_encoders=first.text_targets()
        ) as adapter,
        torch.no_grad(),
    ):
        disturb(adapter)
        read, expected = first.encode_prompts(texts).prompt_embeds, predict(first)
        path = save_lora(tmp_path / "x.safetensors", adapter.state(), METADATA).path
    assert (read - plain).abs().max() > 1e-3
    pipeline = pipeline_of(second)
    pipeline.load_lora_weights(str(path.parent), weight_name=path.name, local_files_only=True)
    torch.testing.assert_close(second.encode_prompts(texts).prompt_embeds, read, atol=1e-4, rtol=0)
    with torch.no_grad():
        torch.testing.assert_close(predict(second), expected, atol=1e-4, rtol=0)


def test_the_hashes_are_those_of_sd_scripts(lora: LoraState, tmp_path: Path) -> None:
    """model hash: of the file's tensors; the webui computes the same from the file."""
    path = save_lora(tmp_path / "x.safetensors", lora, METADATA).path
    data = path.read_bytes()
    body = data[8 + int.from_bytes(data[:8], "little") :]
    metadata = read_lora(path)[1]
    assert metadata["sshs_model_hash"] == hashlib.sha256(body).hexdigest()
    assert metadata["sshs_legacy_hash"] == legacy_hash(lora, METADATA, tmp_path)
    assert describe(path).sha256 == metadata["sshs_model_hash"]


def test_a_lora_from_elsewhere_is_hashed_alike(lora: LoraState, tmp_path: Path) -> None:
    ours = save_lora(tmp_path / "ours.safetensors", lora, METADATA)
    save_file(dict(lora), tmp_path / "theirs.safetensors")
    theirs = describe(tmp_path / "theirs.safetensors")
    assert theirs.sha256 == ours.sha256
    assert (theirs.trigger_word, theirs.weight) == ("", 1.0)


def legacy_hash(lora: LoraState, metadata: dict[str, str], folder: Path) -> str:
    """sd-scripts: write the tensors with the ss_ metadata alone, hash 64 KiB from 1 MiB on."""
    kept = {key: value for key, value in metadata.items() if key.startswith("ss_")}
    save_file(dict(lora), folder / "kept.safetensors", kept)
    data = (folder / "kept.safetensors").read_bytes()
    return hashlib.sha256(data[1 << 20 :][: 1 << 16]).hexdigest()[:8]


def test_metadata_does_not_change_the_hash(lora: LoraState, tmp_path: Path) -> None:
    first = save_lora(tmp_path / "a.safetensors", lora, METADATA)
    second = save_lora(tmp_path / "b.safetensors", lora, {"facechain.person": "Anna"})
    assert first.sha256 == second.sha256


def test_a_failed_write_leaves_the_old_file(
    lora: LoraState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_lora(tmp_path / "x.safetensors", lora, METADATA).path
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="no space"):
        save_lora(path, lora, {})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("lora_unet_a.hada_w1_a", "a LoHa"),
        ("lora_unet_a.lokr_w1", "a LoKr"),
        ("lora_unet_a.dora_scale", "a DoRA"),
        ("lora_unet_a.lora_mid.weight", "third factor"),
        ("unet.a.lora_A.weight", "lora_unet_a is a LoRA without lora_up"),
        ("model.diffusion_model.out.2.bias", "no LoRA layers"),
        ("lora_unet_a.lora_down.weight", "damaged"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path: Path, key: str, reason: str) -> None:
    path = tmp_path / "style.safetensors"
    save_file({key: torch.ones(2, 2)}, path)
    with pytest.raises(InvalidInput, match=rf"style\.safetensors .*{reason}"):
        read_lora(path)


def test_factors_of_unlike_rank_are_refused(lora: LoraState, tmp_path: Path) -> None:
    key = next(key for key in lora if key.endswith("to_k.lora_up.weight"))
    save_file({**lora, key: torch.ones(len(lora[key]), 3)}, tmp_path / "x.safetensors")
    with pytest.raises(InvalidInput, match=r"factors of .*to_k do not match"):
        read_lora(tmp_path / "x.safetensors")


@pytest.mark.parametrize("content", [None, b"", b"not safetensors at all"])
def test_a_broken_file_is_refused_and_kept(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"x\.safetensors"):
        read_lora(path)
    assert path.exists() == (content is not None)


def test_sidecars_are_what_the_webui_reads(lora: LoraState, tmp_path: Path) -> None:
    metadata = {"facechain.trigger_word": "fcsks", "ss_base_model_version": "sd_v1"}
    file = save_lora(tmp_path / "ünna.v1.safetensors", lora, metadata)
    picture = np.full((8, 8, 3), 200, np.uint8)
    write_sidecars(file, notes="Anna, 7 photos", preview=picture)
    card = json.loads((tmp_path / "ünna.v1.json").read_text(encoding="utf-8"))
    assert card["activation text"] == "fcsks"
    assert card["preferred weight"] == 1.0
    assert card["sd version"] == "SD1"
    assert card["notes"] == "Anna, 7 photos"
    assert (tmp_path / "ünna.v1.preview.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("version", "card"), [("sdxl_base_v1-0", "SDXL"), ("sd_v2_v", "SD2"), ("", "Unknown")]
)
def test_the_card_tells_the_family(
    lora: LoraState, tmp_path: Path, version: str, card: str
) -> None:
    file = save_lora(tmp_path / "x.safetensors", lora, {"ss_base_model_version": version})
    write_sidecars(file)
    told = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))
    assert told["sd version"] == card


def test_the_mean_of_snapshots(lora: LoraState, tmp_path: Path) -> None:
    other = LoraState({key: tensor + 1 for key, tensor in lora.items()}, name="other")
    mean = average([lora, other, other])
    key = next(iter(lora))
    torch.testing.assert_close(mean[key], lora[key] + 2 / 3)
    assert mean[key].dtype == torch.float32
    path = save_lora(tmp_path / "mean.safetensors", mean, {}).path
    assert set(load_file(path)) == set(lora)


def test_the_mean_of_one_is_itself(lora: LoraState) -> None:
    mean = average([lora])
    assert all(torch.equal(mean[key], lora[key]) for key in lora)


def test_unlike_snapshots_have_no_mean(lora: LoraState) -> None:
    with pytest.raises(InvalidInput, match="no LoRA"):
        average([])
    with pytest.raises(InvalidInput, match="same layers"):
        average([lora, LoraState({"a.alpha": torch.ones(())}, name="b")])


def test_half_precision_is_stored_and_hashed_as_it_is(lora: LoraState, tmp_path: Path) -> None:
    file = save_lora(tmp_path / "x.safetensors", lora, METADATA, precision="float16")
    tensors, metadata = load_file(file.path), read_lora(file.path)[1]
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    assert all(torch.equal(tensors[key], lora[key].half()) for key in lora)
    data = file.path.read_bytes()
    body = hashlib.sha256(data[8 + int.from_bytes(data[:8], "little") :]).hexdigest()
    assert metadata["sshs_model_hash"] == body == file.sha256
    assert metadata["modelspec.hash_sha256"] == f"0x{body}"


def test_values_are_stored_in_full(lora: LoraState, tmp_path: Path) -> None:
    path = save_lora(tmp_path / "x.safetensors", lora, {}).path
    with safe_open(str(path), framework="pt") as file:
        assert {file.get_tensor(key).dtype for key in file.keys()} == {torch.float32}  # noqa: SIM118


@pytest.mark.model
def test_a_lora_of_the_mini_survives_its_file(
    mini: DiffusersModel, disturb: Callable[[LoraAdapter], None], tmp_path: Path
) -> None:
    latents, timesteps = torch.randn(1, 4, 24, 24), torch.tensor([400])
    cond = mini.encode_prompts(["fcsks, portrait photo of a woman"])
    with torch.no_grad():
        plain = mini.predict(latents, timesteps, cond)
        with inject(mini, "all", rank=16, alpha=16.0, seed=1) as adapter:
            disturb(adapter)
            expected = mini.predict(latents, timesteps, cond)
            path = save_lora(tmp_path / "x.safetensors", adapter.state(), {}).path
        assert torch.equal(mini.predict(latents, timesteps, cond), plain)
        with merged(mini, [(read_lora(path)[0], 1.0)]):
            found = mini.predict(latents, timesteps, cond)
    assert (expected - plain).abs().max() > 0.01
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
