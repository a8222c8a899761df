from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from torch import Tensor

from facechain_ext.base.errors import UnsupportedCheckpoint
from facechain_ext.diffusion.checkpoint import (
    SD1_COMPONENTS,
    CheckpointInfo,
    inspect,
    read_config,
)
from facechain_ext.diffusion.diffusers_model import DiffusersModel, load_model
from facechain_ext.diffusion.headers import weight_files
from facechain_ext.diffusion.weights import CLIP_TOKENIZER, check_weights, load_tokenizer

pytestmark = pytest.mark.slow(6)


def states(model: DiffusersModel) -> dict[str, Tensor]:
    parts = {"unet": model.unet, "vae": model.vae, "text": model.text_encoder}
    return {f"{at}.{k}": v for at, part in parts.items() for k, v in part.state_dict().items()}


def assert_same(first: dict[str, Tensor], second: dict[str, Tensor]) -> None:
    assert list(first) == list(second)
    assert [key for key in first if not torch.equal(first[key], second[key])] == []


def test_both_layouts_hold_the_same_model(tiny_folder: Path, tiny_file: Path) -> None:
    assert_same(
        states(load_model(tiny_folder, device="cpu")), states(load_model(tiny_file, device="cpu"))
    )


def test_the_names_are_those_that_diffusers_reads(tiny_file: Path) -> None:
    """diffusers' own single-file loader is an independent statement of the same layout."""
    model = load_model(tiny_file, device="cpu")
    source = {"config": str(tiny_file.parent), "local_files_only": True}
    unet = UNet2DConditionModel.from_single_file(load_file(tiny_file), subfolder="unet", **source)
    vae = AutoencoderKL.from_single_file(load_file(tiny_file), subfolder="vae", **source)
    assert_same(unet.state_dict(), model.unet.state_dict())
    assert_same(vae.state_dict(), model.vae.state_dict())


def test_loading_asks_no_network(
    tiny_file: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for path in (tiny_file, tiny_folder):
        load_model(path, device="cpu").encode_prompts(["a photo"])


def test_the_model_is_frozen_and_evaluating(tiny_model: DiffusersModel) -> None:
    for part in (tiny_model.unet, tiny_model.vae, tiny_model.text_encoder):
        assert not part.training
        assert not any(parameter.requires_grad for parameter in part.parameters())


def test_dtype_reaches_unet_and_text_encoder_but_not_the_autoencoder(tiny_file: Path) -> None:
    model = load_model(tiny_file, device="cpu", dtype=torch.bfloat16)
    assert {p.dtype for p in model.unet.parameters()} == {torch.bfloat16}
    assert {p.dtype for p in model.text_encoder.parameters()} == {torch.bfloat16}
    assert {p.dtype for p in model.vae.parameters()} == {torch.float32}


def test_the_file_may_vanish_once_loaded(tiny_file: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_file.parent, tmp_path / "copy"))
    model = load_model(folder / tiny_file.name, device="cpu")
    before = {key: value.clone() for key, value in states(model).items()}
    with (folder / tiny_file.name).open("r+b") as stream:
        stream.write(b"\0" * 1_000_000)
    assert_same(before, states(model))


def rewrite(tiny_file: Path, folder: Path, change: dict[str, Tensor | None]) -> Path:
    copy = Path(shutil.copytree(tiny_file.parent, folder / "copy")) / tiny_file.name
    tensors = load_file(tiny_file) | {k: v for k, v in change.items() if v is not None}
    kept = {k: v for k, v in tensors.items() if k not in change or change[k] is not None}
    save_file(kept, copy)
    return copy


def test_old_text_encoder_names_are_read(tiny_file: Path, tmp_path: Path) -> None:
    prefix = "cond_stage_model.transformer."
    change: dict[str, Tensor | None] = {}
    for key, tensor in load_file(tiny_file).items():
        if key.startswith(prefix):
            change |= {key: None, key.replace("text_model.", ""): tensor}
    old = load_model(rewrite(tiny_file, tmp_path, change), device="cpu")
    assert_same(states(old), states(load_model(tiny_file, device="cpu")))


def test_other_tensors_in_the_file_do_not_matter(tiny_file: Path, tmp_path: Path) -> None:
    extra: dict[str, Tensor | None] = {
        "model_ema.decay": torch.ones(()),
        "cond_stage_model.transformer.text_model.embeddings.position_ids": torch.arange(77)[None],
    }
    more = load_model(rewrite(tiny_file, tmp_path, extra), device="cpu")
    assert_same(states(more), states(load_model(tiny_file, device="cpu")))


@pytest.mark.parametrize(
    "key",
    [
        "model.diffusion_model.out.2.bias",
        "first_stage_model.quant_conv.weight",
        "cond_stage_model.transformer.text_model.final_layer_norm.weight",
    ],
)
def test_a_missing_tensor_is_named(tiny_file: Path, tmp_path: Path, key: str) -> None:
    path = rewrite(tiny_file, tmp_path, {key: None})
    with pytest.raises(UnsupportedCheckpoint, match=f"incomplete: it lacks {key}"):
        load_model(path, device="cpu")


def test_a_misshapen_tensor_is_named(tiny_file: Path, tmp_path: Path) -> None:
    path = rewrite(tiny_file, tmp_path, {"model.diffusion_model.out.2.bias": torch.ones(5)})
    with pytest.raises(UnsupportedCheckpoint, match=r"out\.2\.bias has shape \(5,\), expected"):
        load_model(path, device="cpu")


def test_old_autoencoder_names_are_read(tiny_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "copy"))
    path = folder / "vae" / "diffusion_pytorch_model.safetensors"
    old = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}
    tensors = load_file(path)
    for new, name in old.items():
        tensors = {key.replace(new, name): tensor for key, tensor in tensors.items()}
    path.unlink()
    save_file(tensors, path)
    assert_same(
        states(load_model(folder, device="cpu")), states(load_model(tiny_folder, device="cpu"))
    )


def test_the_half_precision_variant_is_read(tiny_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "copy"))
    path = folder / "unet" / "diffusion_pytorch_model.safetensors"
    path.rename(path.with_name("diffusion_pytorch_model.fp16.safetensors"))
    assert load_model(folder, device="cpu").resolution == 64


@pytest.mark.parametrize("variant", ["bf16", "non_ema", "fp16"])
def test_variants_are_read(tiny_folder: Path, tmp_path: Path, variant: str) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "copy"))
    for path in [*folder.glob("*/*.safetensors")]:
        path.rename(path.with_name(f"{path.stem}.{variant}.safetensors"))
    assert_same(
        states(load_model(folder, device="cpu")), states(load_model(tiny_folder, device="cpu"))
    )


def test_the_best_variant_is_taken(tmp_path: Path) -> None:
    unet = tmp_path / "unet"
    unet.mkdir()
    for end in (".non_ema", ".fp16", ".bf16", ""):
        path = unet / f"diffusion_pytorch_model{end}.safetensors"
        path.touch()
        assert weight_files(unet) == (unet / f"diffusion_pytorch_model{BEST[end]}.safetensors",)


BEST = {".non_ema": ".non_ema", ".fp16": ".fp16", ".bf16": ".fp16", "": ""}


def shard(path: Path, variant: str = "") -> Path:
    """Cut a weight file in two, as diffusers names the parts; returns the index."""
    tensors, names = load_file(path), sorted(load_file(path))
    stem = path.name.removesuffix(".safetensors")
    halves = {1: names[: len(names) // 2], 2: names[len(names) // 2 :]}
    files = {n: f"{stem}{variant}-0000{n}-of-00002.safetensors" for n in halves}
    for number, part in halves.items():
        save_file({name: tensors[name] for name in part}, path.with_name(files[number]))
    index = path.with_name(f"{stem}.safetensors.index{variant}.json")
    where = {name: files[number] for number, part in halves.items() for name in part}
    index.write_text(json.dumps({"metadata": {}, "weight_map": where}), encoding="utf-8")
    path.unlink()
    return index


@pytest.mark.parametrize("variant", ["", ".fp16"])
def test_shards_are_read(tiny_folder: Path, tmp_path: Path, variant: str) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "copy"))
    shard(folder / "unet" / "diffusion_pytorch_model.safetensors", variant)
    shard(folder / "text_encoder" / "model.safetensors", variant)
    assert_same(
        states(load_model(folder, device="cpu")), states(load_model(tiny_folder, device="cpu"))
    )
    info = inspect(folder)
    check_weights(info)
    assert len(info.sha256) == 64
    gone = next((folder / "unet").glob("*-00002-of-*"))
    gone.unlink()
    with pytest.raises(UnsupportedCheckpoint, match=f"unet/ is incomplete: it lacks {gone.name}"):
        load_model(folder, device="cpu")


@pytest.mark.parametrize("content", ["{", "[]", '{"weight_map": {"a": "../b.safetensors"}}'])
def test_a_broken_index_is_refused(tiny_folder: Path, tmp_path: Path, content: str) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "copy"))
    index = shard(folder / "unet" / "diffusion_pytorch_model.safetensors")
    index.write_text(content, encoding="utf-8")
    with pytest.raises(UnsupportedCheckpoint, match="unet/"):
        load_model(folder, device="cpu")


CONV_OUT = "model.diffusion_model.out.2.weight"


@pytest.mark.parametrize("end", ["scale_weight", "weight_scale"])
@pytest.mark.parametrize("each", [False, True])
def test_scaled_float8_is_multiplied_by_its_scale(
    tiny_file: Path, tmp_path: Path, end: str, each: bool
) -> None:
    tensor = load_file(tiny_file)[CONV_OUT]
    scale = tensor.flatten(1).abs().amax(1) / 448 if each else tensor.abs().max()[None] / 448
    small = (tensor / scale.reshape(-1, 1, 1, 1)).to(torch.float8_e4m3fn)
    change = {
        CONV_OUT: small,
        CONV_OUT.replace("weight", end): scale,
        "scaled_fp8": torch.empty(0, dtype=torch.float8_e4m3fn),
    }
    model = load_model(rewrite(tiny_file, tmp_path, change), device="cpu")
    exact = small.float() * scale.reshape(-1, 1, 1, 1)
    torch.testing.assert_close(model.unet.conv_out.weight.detach(), exact, rtol=0, atol=0)
    torch.testing.assert_close(model.unet.conv_out.weight.detach(), tensor, rtol=0.07, atol=1e-3)


def test_whole_numbers_are_never_trained_on(tiny_file: Path, tmp_path: Path) -> None:
    tensor = load_file(tiny_file)[CONV_OUT]
    path = rewrite(tiny_file, tmp_path, {CONV_OUT: tensor.to(torch.uint8)})
    for read in (lambda: check_weights(inspect(path)), lambda: load_model(path, device="cpu")):
        with pytest.raises(UnsupportedCheckpoint, match=r"^tiny\.safetensors .* quantized"):
            read()


def test_weights_that_are_no_numbers_are_named(tiny_file: Path, tmp_path: Path) -> None:
    bad = torch.full_like(load_file(tiny_file)[CONV_OUT], float("nan"))
    path = rewrite(tiny_file, tmp_path, {CONV_OUT: bad})
    with pytest.raises(UnsupportedCheckpoint, match=r"unet\.conv_out\.weight holds .*NaN"):
        load_model(path, device="cpu")


@pytest.mark.parametrize(
    ("key", "tensor", "reason"),
    [
        ("model.diffusion_model.out.2.bias", torch.ones(5), r"has shape \(5,\), expected \(4,\)"),
        ("model.diffusion_model.out.2.bias", None, "lacks model.diffusion_model.out.2.bias"),
        ("first_stage_model.quant_conv.weight", torch.ones(()), r"has shape \(\)"),
        ("first_stage_model.quant_conv.weight", torch.ones(8, 8, dtype=torch.int32), "shape|whole"),
        ("cond_stage_model.transformer.text_model.final_layer_norm.weight", None, "lacks"),
    ],
)
def test_headers_alone_tell_a_bad_tensor(
    tiny_file: Path, tmp_path: Path, key: str, tensor: Tensor | None, reason: str
) -> None:
    path = rewrite(tiny_file, tmp_path, {key: tensor})
    with pytest.raises(UnsupportedCheckpoint, match=rf"^tiny\.safetensors.*{reason}"):
        check_weights(inspect(path))


def test_sound_checkpoints_pass(tiny_file: Path, tiny_folder: Path, tiny_sdxl_file: Path) -> None:
    for path in (tiny_file, tiny_folder, tiny_sdxl_file):
        check_weights(inspect(path))


@pytest.mark.parametrize(
    ("component", "changes"),
    [
        ("unet", {"block_out_channels": "wide"}),
        ("unet", {"down_block_types": ["Nowhere"]}),
        ("vae", {"latent_channels": "four"}),
        ("text_encoder", {"hidden_size": "large"}),
    ],
)
def test_a_config_that_describes_nothing_is_told(
    tiny_folder: Path, tmp_path: Path, component: str, changes: dict[str, object]
) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "copy"))
    config = folder / component / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | changes), encoding="utf-8")
    with pytest.raises(UnsupportedCheckpoint, match=rf"{component}/"):
        load_model(folder, device="cpu")


def test_sd1_configs_describe_sd1() -> None:
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(read_config(SD1_COMPONENTS, "unet"))
        vae = AutoencoderKL.from_config(read_config(SD1_COMPONENTS, "vae"))
    assert sum(p.numel() for p in unet.parameters()) == 859_520_964
    assert sum(p.numel() for p in vae.parameters()) == 83_653_863


def test_sd1_takes_the_shipped_clip_tokenizer() -> None:
    info = CheckpointInfo(Path("x"), "sd1", "epsilon", "ldm", SD1_COMPONENTS)
    tokenizer = load_tokenizer(info)
    ids = tokenizer("A photo of an astronaut, 25!", add_special_tokens=False).input_ids
    assert ids == [320, 1125, 539, 550, 18376, 267, 273, 276, 256]
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id) == (49406, 49407)
    assert CLIP_TOKENIZER.is_dir()


def test_a_damaged_tokenizer_is_told(tiny_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "copy"))
    (folder / "tokenizer" / "vocab.json").write_text('["not a', encoding="utf-8")
    with pytest.raises(UnsupportedCheckpoint, match="its tokenizer/ cannot be read"):
        load_model(folder, device="cpu")
