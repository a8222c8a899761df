from __future__ import annotations

import hashlib
import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from facechain_ext.base.errors import UnsupportedCheckpoint
from facechain_ext.diffusion import checkpoint
from facechain_ext.diffusion.checkpoint import CONFIGS, SD1_COMPONENTS, checkpoint_name, inspect

UNET = "model.diffusion_model."
ATTENTION = UNET + "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"
Layout = dict[str, tuple[int, ...]]

# The tensors by which the published layouts are known; the rest of the files does not matter.
SD1: Layout = {
    UNET + "input_blocks.0.0.weight": (320, 4, 3, 3),
    UNET + "input_blocks.1.1.proj_in.weight": (320, 320, 1, 1),
    ATTENTION: (320, 768),
    "first_stage_model.decoder.conv_in.weight": (512, 4, 3, 3),
    "cond_stage_model.transformer.text_model.final_layer_norm.weight": (768,),
}
SD2: Layout = {
    **{key: shape for key, shape in SD1.items() if not key.startswith("cond_stage")},
    UNET + "input_blocks.1.1.proj_in.weight": (320, 320),
    ATTENTION: (320, 1024),
    "cond_stage_model.model.ln_final.weight": (1024,),
}
SDXL_ATTENTION = UNET + "input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight"
SDXL: Layout = {
    UNET + "input_blocks.0.0.weight": (320, 4, 3, 3),
    UNET + "input_blocks.4.1.proj_in.weight": (640, 640),
    SDXL_ATTENTION: (640, 2048),
    UNET + "label_emb.0.0.weight": (1280, 2816),
    "conditioner.embedders.0.transformer.text_model.final_layer_norm.weight": (768,),
    "conditioner.embedders.1.model.ln_final.weight": (1280,),
    "first_stage_model.decoder.conv_in.weight": (512, 4, 3, 3),
}
REFINER: Layout = {
    UNET + "input_blocks.0.0.weight": (384, 4, 3, 3),
    UNET + "input_blocks.4.1.proj_in.weight": (768, 768),
    SDXL_ATTENTION: (768, 1280),
    UNET + "label_emb.0.0.weight": (1536, 2560),
    "conditioner.embedders.0.model.ln_final.weight": (1280,),
    "first_stage_model.decoder.conv_in.weight": (512, 4, 3, 3),
}


def without(layout: Layout, part: str) -> Layout:
    return {key: shape for key, shape in layout.items() if part not in key}


INPAINTING = {**SD1, UNET + "input_blocks.0.0.weight": (320, 9, 3, 3)}
EDITING = {**SD1, UNET + "input_blocks.0.0.weight": (320, 8, 3, 3)}
REFUSED: dict[str, tuple[Layout, str]] = {
    "refiner": (REFINER, "SDXL refiner"),
    "sdxl_inpainting": ({**SDXL, UNET + "input_blocks.0.0.weight": (320, 9, 3, 3)}, "inpainting"),
    "sdxl_no_vae": (without(SDXL, "first_stage"), "VAE"),
    "sdxl_no_text": (without(SDXL, "conditioner"), "pair of text encoders"),
    "sdxl_half_text": (without(SDXL, "embedders.1"), "pair of text encoders"),
    "sdxl_only_text": ({key: s for key, s in SDXL.items() if "embedders" in key}, "no such UNet"),
    "sdxl_odd_size": ({**SDXL, SDXL_ATTENTION: (640, 1664)}, "another size"),
    "playground": ({**SDXL, "edm_mean": (4,)}, "EDM"),
    "unclip": ({**SD2, UNET + "label_emb.0.0.weight": (1280, 2048)}, "unCLIP"),
    "sd2_kernels": ({**SD2, UNET + "input_blocks.1.1.proj_in.weight": (320, 320, 1, 1)}, "form"),
    "depth": ({**SD2, UNET + "input_blocks.0.0.weight": (320, 5, 3, 3)}, "another form"),
    "sd3": ({UNET + "joint_blocks.0.x_block.attn.qkv.weight": (24, 8)}, "Stable Diffusion 3"),
    "flux": ({"double_blocks.0.img_attn.qkv.weight": (24, 8)}, "Flux"),
    "flux_full": ({UNET + "double_blocks.0.img_attn.qkv.weight": (24, 8)}, "Flux"),
    "inpainting": (INPAINTING, "inpainting"),
    "pix2pix": (EDITING, "InstructPix2Pix"),
    "lora": ({"lora_unet_mid_block_attentions_0_proj_in.lora_down.weight": (4, 8)}, "is a LoRA"),
    "controlnet": ({"control_model.input_blocks.0.0.weight": (320, 4, 3, 3)}, "ControlNet"),
    "vae": ({"first_stage_model.decoder.conv_in.weight": (512, 4, 3, 3)}, "no such UNet"),
    "other": ({"layer.weight": (4, 4)}, "no such UNet"),
    "no_vae": ({key: s for key, s in SD1.items() if "first_stage" not in key}, "VAE"),
    "no_text": ({key: s for key, s in SD1.items() if "cond_stage" not in key}, "text encoder"),
    "linear": ({**SD1, UNET + "input_blocks.1.1.proj_in.weight": (320, 320)}, "another form"),
    "odd_size": ({**SD1, ATTENTION: (320, 512)}, "another size"),
    "cosxl": ({**SDXL, "edm_vpred.sigma_max": (), "edm_vpred.sigma_min": ()}, "EDM"),
    "depth5": ({**SD2, UNET + "input_blocks.0.0.weight": (320, 5, 3, 3)}, "depth checkpoint"),
    "upscaler": ({**SD2, UNET + "input_blocks.0.0.weight": (256, 7, 3, 3)}, "an upscaler"),
    "bnb": ({**SD1, ATTENTION + ".absmax": (4,)}, "quantized"),
    "bnb8": ({**SD1, ATTENTION.replace("weight", "SCB"): (4,)}, "quantized"),
    "chroma": ({"distilled_guidance_layer.x": (2,), "double_blocks.0.y": (2,)}, "Chroma"),
    "auraflow": ({"model.double_layers.0.attn.w1q.weight": (2, 2)}, "AuraFlow"),
    "cascade": ({UNET + "clip_txt_mapper.weight": (2, 2)}, "Stable Cascade"),
    "pixart": ({"y_embedder.y_embedding": (2, 2)}, "PixArt"),
    "lumina": ({"cap_embedder.0.weight": (2,)}, "Lumina"),
    "video": ({**SD2, UNET + "input_blocks.1.1.time_stack.0.x": (2,)}, "a video"),
    "motion": ({"down_blocks.0.motion_modules.0.x": (2,)}, "motion module"),
    "embedding": ({"string_to_param.*": (2, 768)}, "an embedding"),
    "lokr": ({"lora_unet_x.lokr_w1": (2, 2)}, "is a LoRA"),
}


def write(path: Path, layout: Layout, metadata: dict[str, str] | None = None) -> Path:
    save_file({key: np.zeros(shape, np.uint8) for key, shape in layout.items()}, path, metadata)
    return path


@pytest.mark.parametrize("kind", REFUSED)
def test_other_files_are_refused_by_name_and_reason(tmp_path: Path, kind: str) -> None:
    layout, reason = REFUSED[kind]
    path = write(tmp_path / "chosen.safetensors", layout)
    with pytest.raises(UnsupportedCheckpoint, match=rf"^chosen\.safetensors .*{reason}.*\.$"):
        inspect(path)


@pytest.mark.parametrize(("family", "layout"), [("sd1", SD1), ("sd2", SD2), ("sdxl", SDXL)])
def test_full_size_files_take_the_shipped_configs(
    tmp_path: Path, family: str, layout: Layout
) -> None:
    info = inspect(write(tmp_path / "full.safetensors", layout))
    assert (info.family, info.layout, info.prediction_type) == (family, "ldm", "epsilon")
    assert info.components == CONFIGS / family
    assert not info.is_mini
    assert not info.zero_snr


def test_sd1_configs_have_a_name_of_their_own() -> None:
    assert CONFIGS / "sd1" == SD1_COMPONENTS


@pytest.mark.parametrize("text", ["parameterization: v", '    parameterization: "v"  # v-model'])
def test_v_prediction_is_read_from_the_yaml(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "sd1.safetensors", SD1)
    path.with_suffix(".yaml").write_text(f"model:\n  params:\n{text}\n", encoding="utf-8")
    assert inspect(path).prediction_type == "v_prediction"


def test_a_yaml_without_v_means_epsilon(tmp_path: Path) -> None:
    path = write(tmp_path / "sd1.safetensors", SD1)
    path.with_suffix(".yaml").write_text("parameterization: eps\nvae: v\n", encoding="utf-8")
    assert inspect(path).prediction_type == "epsilon"


@pytest.mark.parametrize(
    ("layout", "metadata"),
    [
        ({**SD1, "v_pred": (0,)}, {}),
        ({**SDXL, "v_pred": (0,)}, {}),
        (SD1, {"modelspec.prediction_type": "v"}),
    ],
)
def test_v_prediction_is_read_from_the_file(
    tmp_path: Path, layout: Layout, metadata: dict[str, str]
) -> None:
    path = write(tmp_path / "sd1.safetensors", layout, metadata)
    assert inspect(path).prediction_type == "v_prediction"


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({"modelspec.architecture": "wan2.1-t2v"}, r"says that it is a wan2\.1-t2v"),
        ({"ss_base_model_version": "sd3m"}, "says that it is a sd3m"),
    ],
)
def test_what_no_tensor_tells_is_named_by_the_metadata(
    tmp_path: Path, metadata: dict[str, str], told: str
) -> None:
    path = write(tmp_path / "x.safetensors", {"layer.weight": (4, 4)}, metadata)
    with pytest.raises(UnsupportedCheckpoint, match=rf"^x\.safetensors {told}; only"):
        inspect(path)


def test_an_unknown_prediction_of_a_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "x.safetensors", SD1, {"modelspec.prediction_type": "flow"})
    with pytest.raises(UnsupportedCheckpoint, match="predicts 'flow'"):
        inspect(path)


def test_sd_scripts_says_v_and_zero_snr(tmp_path: Path) -> None:
    metadata = {"ss_base_model_version": "sd_v2_v", "ss_zero_terminal_snr": "True"}
    info = inspect(write(tmp_path / "x.safetensors", SD2, metadata))
    assert (info.prediction_type, info.zero_snr) == ("v_prediction", True)


def test_gguf_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(b"GGUF")
    with pytest.raises(UnsupportedCheckpoint, match="GGUF file, whose weights are quantized"):
        inspect(tmp_path / "x.gguf")


def test_whole_numbers_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_file({key: np.zeros(shape, np.int8) for key, shape in SD1.items()}, path)
    with pytest.raises(UnsupportedCheckpoint, match="quantized"):
        inspect(path)


@pytest.mark.parametrize(
    ("target", "name"), [("model.v1.5", "model.v1.5"), ("model.v1.5.safetensors", "model.v1.5")]
)
def test_a_name_keeps_what_only_looks_like_an_ending(
    tmp_path: Path, target: str, name: str
) -> None:
    path = tmp_path / target
    path.touch() if target.endswith("tensors") else path.mkdir()
    assert checkpoint_name(path) == name


def test_a_link_is_judged_by_its_own_name(tiny_file: Path, tmp_path: Path) -> None:
    """As in Hugging Face's cache: the file behind the link is called by its digest."""
    blob = Path(shutil.copy(tiny_file, tmp_path / "0123abcd"))
    folder = tmp_path / "snapshot"
    shutil.copytree(tiny_file.parent, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    (folder / "model.safetensors").symlink_to(blob)
    info = inspect(folder / "model.safetensors")
    assert (info.name, info.components) == ("model", folder)


def test_pickles_are_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "model.ckpt"
    path.write_bytes(pickle.dumps(_Bomb()))
    with pytest.raises(UnsupportedCheckpoint, match="can run code"):
        inspect(path)


def test_a_pickle_under_a_safe_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(_Bomb()))
    with pytest.raises(UnsupportedCheckpoint, match="not a valid"):
        inspect(path)


class _Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return pytest.fail, ("the pickle was opened",)


@pytest.mark.parametrize("content", [b"", b"abc", b"\xff" * 64, b"\x08" + b"\0" * 7 + b"not json"])
def test_random_bytes_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "noise.safetensors"
    path.write_bytes(content)
    with pytest.raises(UnsupportedCheckpoint, match=r"noise\.safetensors"):
        inspect(path)


def test_a_missing_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedCheckpoint, match="There is no checkpoint"):
        inspect(tmp_path / "none.safetensors")


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedCheckpoint, match="not a diffusers model"):
        inspect(tmp_path)


def test_a_small_file_takes_the_configs_beside_it(tiny_file: Path) -> None:
    info = inspect(tiny_file)
    assert info.components == tiny_file.parent
    assert info.sha256 == hashlib.sha256(tiny_file.read_bytes()).hexdigest()


def test_a_copied_mini_is_known_by_its_shape(
    tiny_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "MINI_COMPONENTS", tiny_file.parent.resolve())
    copied = Path(shutil.copy(tiny_file, tmp_path / "renamed.safetensors"))
    assert inspect(copied).is_mini
    assert inspect(tiny_file).is_mini


def test_a_diffusers_folder(tiny_folder: Path) -> None:
    info = inspect(tiny_folder)
    weights = tiny_folder / "unet" / "diffusion_pytorch_model.safetensors"
    assert (info.layout, info.family, info.components) == ("diffusers", "sd1", tiny_folder)
    assert info.sha256 == hashlib.sha256(weights.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"addition_embed_type": "text_time"}, "no text_encoder_2"),
        ({"addition_embed_type": "image"}, "more than a prompt"),
        ({"class_embed_type": "projection"}, "more than a prompt"),
        ({"in_channels": 9}, "9 input channels"),
        ({"in_channels": 3}, "draws pixels"),
        ({"time_cond_proj_dim": 256}, "LCM"),
        ({"encoder_hid_dim": 4096}, "another text encoder"),
        ({"quantization_config": {"load_in_8bit": True}}, "quantized"),
        ({"_class_name": "UNetSpatioTemporalConditionModel"}, "SpatioTemporal"),
    ],
)
def test_other_folders_are_refused(
    tiny_folder: Path, tmp_path: Path, changes: dict[str, object], reason: str
) -> None:
    folder = _copy(tiny_folder, tmp_path)
    config = folder / "unet" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | changes), encoding="utf-8")
    with pytest.raises(UnsupportedCheckpoint, match=reason):
        inspect(folder)


def test_a_second_text_encoder_needs_a_unet_that_reads_it(
    tiny_folder: Path, tmp_path: Path
) -> None:
    folder = _copy(tiny_folder, tmp_path)
    (folder / "text_encoder_2").mkdir()
    with pytest.raises(UnsupportedCheckpoint, match="more than a prompt"):
        inspect(folder)


def test_an_sdxl_folder_and_file(tiny_sdxl_folder: Path, tiny_sdxl_file: Path) -> None:
    folder, file = inspect(tiny_sdxl_folder), inspect(tiny_sdxl_file)
    assert (folder.layout, folder.family, folder.components) == (
        "diffusers",
        "sdxl",
        tiny_sdxl_folder,
    )
    assert (file.layout, file.family, file.components) == ("ldm", "sdxl", tiny_sdxl_file.parent)


def test_the_refiners_folder_is_refused(tiny_sdxl_folder: Path, tmp_path: Path) -> None:
    folder = _copy(tiny_sdxl_folder, tmp_path)
    shutil.rmtree(folder / "text_encoder")
    with pytest.raises(UnsupportedCheckpoint, match="SDXL refiner"):
        inspect(folder)


def test_a_missing_second_encoder_is_told(tiny_sdxl_folder: Path, tmp_path: Path) -> None:
    folder = _copy(tiny_sdxl_folder, tmp_path)
    (folder / "text_encoder_2" / "model.safetensors").unlink()
    with pytest.raises(UnsupportedCheckpoint, match=r"text_encoder_2/ holds no model\.safetensors"):
        inspect(folder)


@pytest.mark.parametrize(
    ("settings", "prediction_type", "zero_snr"),
    [({}, "epsilon", False), ({"prediction_type": "v_prediction"}, "v_prediction", True)],
)
def test_a_folders_schedule_is_read(
    tiny_sdxl_folder: Path,
    tmp_path: Path,
    settings: dict[str, object],
    prediction_type: str,
    zero_snr: bool,
) -> None:
    folder = _copy(tiny_sdxl_folder, tmp_path)
    config = folder / "scheduler" / "scheduler_config.json"
    changed = {**json.loads(config.read_text()), **settings, "rescale_betas_zero_snr": zero_snr}
    config.write_text(json.dumps(changed), encoding="utf-8")
    info = inspect(folder)
    assert (info.prediction_type, info.zero_snr) == (prediction_type, zero_snr)


def test_edms_schedule_is_refused(tiny_sdxl_folder: Path, tmp_path: Path) -> None:
    folder = _copy(tiny_sdxl_folder, tmp_path)
    config = folder / "scheduler" / "scheduler_config.json"
    config.write_text('{"_class_name": "EDMDPMSolverMultistepScheduler"}', encoding="utf-8")
    with pytest.raises(UnsupportedCheckpoint, match="EDM"):
        inspect(folder)


def test_a_folder_of_pickled_weights_is_refused(tiny_folder: Path, tmp_path: Path) -> None:
    folder = _copy(tiny_folder, tmp_path)
    weights = folder / "vae" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    with pytest.raises(UnsupportedCheckpoint, match=r"vae/ holds no .*never read"):
        inspect(folder)


@pytest.mark.parametrize(
    "settings", [{"_class_name": "FlowMatchEulerDiscreteScheduler"}, {"use_flow_sigmas": True}]
)
def test_flow_matching_is_refused(
    tiny_folder: Path, tmp_path: Path, settings: dict[str, object]
) -> None:
    folder = _copy(tiny_folder, tmp_path)
    config = folder / "scheduler" / "scheduler_config.json"
    config.write_text(json.dumps(settings), encoding="utf-8")
    with pytest.raises(UnsupportedCheckpoint, match="flow matching"):
        inspect(folder)


def test_a_pipeline_without_a_unet_is_named(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text('{"_class_name": "FluxPipeline"}', encoding="utf-8")
    with pytest.raises(UnsupportedCheckpoint, match="is a FluxPipeline, without a UNet"):
        inspect(tmp_path)


def test_an_unknown_prediction_is_refused(tiny_folder: Path, tmp_path: Path) -> None:
    folder = _copy(tiny_folder, tmp_path)
    config = folder / "scheduler" / "scheduler_config.json"
    config.write_text(json.dumps({"prediction_type": "sample"}), encoding="utf-8")
    with pytest.raises(UnsupportedCheckpoint, match="'sample'"):
        inspect(folder)


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_broken_config_is_refused(tiny_folder: Path, tmp_path: Path, content: str) -> None:
    folder = _copy(tiny_folder, tmp_path)
    (folder / "unet" / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(UnsupportedCheckpoint, match="config"):
        inspect(folder)


def _copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))
