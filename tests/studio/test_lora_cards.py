"""LoRA files as styles: cards, families, and what is no LoRA at all."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.host import Family
from facechain_ext.imaging.encode import encode_png
from facechain_ext.studio.lora_cards import picture_beside, read_card, style_of, why_unfit

ATTENTION = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
WIDTHS: dict[Family, int] = {"sd1": 768, "sd2": 1024, "sdxl": 2048}
PICTURE = encode_png(np.full((300, 400, 3), 90, np.uint8))


def lora(folder: Path, width: int = 768, name: str = "ink", **metadata: str) -> Path:
    path = folder / f"{name}.safetensors"
    down, up = torch.zeros(4, width), torch.zeros(320, 4)
    save_file(
        {f"{ATTENTION}.lora_down.weight": down, f"{ATTENTION}.lora_up.weight": up},
        path,
        {key.replace("__", "."): value for key, value in metadata.items()},
    )
    return path


def plain(folder: Path, *keys: str) -> Path:
    path = folder / "whole.safetensors"
    save_file({key: torch.zeros(2, 2) for key in keys}, path)
    return path


def test_a_style_is_made_of_what_lies_beside_a_lora(tmp_path: Path) -> None:
    path = lora(tmp_path, modelspec__license="CC0", ss_base_model_version="sd_v1")
    card = {"activation text": "inkwash", "preferred weight": 0.6, "negative text": "photo"}
    path.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    info = {"model": {"name": "Ink Wash"}, "trainedWords": ["other"], "baseModel": "SD 1.5"}
    path.with_suffix(".civitai.info").write_text(json.dumps(info), encoding="utf-8")
    (tmp_path / "ink.preview.png").write_bytes(PICTURE)
    style = style_of(path)
    assert (style.name, style.title, style.prompt) == ("ink", "Ink Wash", "{person}, inkwash")
    assert (style.style_lora, style.style_lora_weight) == ("ink", 0.6)
    assert (style.negative_prompt, style.licence, style.base_model) == ("photo", "CC0", "SD 1.5")
    assert style.preview.startswith("data:image/jpeg;base64,")
    assert len(style.preview) < 20_000
    assert read_card(path).sources["licence"] == "modelspec"


def test_a_lora_that_says_nothing_is_a_style_by_its_name(tmp_path: Path) -> None:
    style = style_of(lora(tmp_path, name="Ink Wash v2"))
    assert (style.name, style.title, style.prompt) == ("ink-wash-v2", "Ink Wash v2", "{person}")
    assert style.preview == ""


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe{}", b"[1]", b"", b"[" * 99_999])
def test_a_damaged_sidecar_says_nothing(tmp_path: Path, content: bytes) -> None:
    path = lora(tmp_path, modelspec__trigger_phrase="ink")
    path.with_suffix(".json").write_bytes(content)
    path.with_suffix(".civitai.info").write_bytes(content)
    (tmp_path / "ink.png").write_bytes(content)
    assert style_of(path).prompt == "{person}, ink"


@pytest.mark.parametrize("own", WIDTHS)
@pytest.mark.parametrize("family", WIDTHS)
def test_a_lora_fits_checkpoints_of_its_own_family_alone(
    tmp_path: Path, own: Family, family: Family
) -> None:
    told = why_unfit(lora(tmp_path, WIDTHS[own]), family)
    assert (told == "") == (own == family)
    assert told == "" or ("is a LoRA for" in told and "has no effect" in told)


def test_without_a_checkpoint_nothing_is_unfit(tmp_path: Path) -> None:
    assert why_unfit(lora(tmp_path, 2048), None) == ""


@pytest.mark.parametrize(
    ("base_model", "unfit"),
    [("SDXL 1.0", True), ("Pony", True), ("Illustrious", True), ("SD 1.5", False), ("SD1", False),
     ("Flux.1 D", True), ("SD 2.1", True), ("", False), ("my own", False)],
)  # fmt: skip
def test_where_the_layers_do_not_say_it_the_card_does(
    tmp_path: Path, base_model: str, unfit: bool
) -> None:
    assert bool(why_unfit(lora(tmp_path, 192), "sd1", base_model)) == unfit


@pytest.mark.parametrize(
    "key",
    ["model.diffusion_model.input_blocks.0.0.weight", "first_stage_model.encoder.conv_in.weight",
     "down_blocks.0.resnets.0.conv1.weight"],
)  # fmt: skip
def test_a_whole_checkpoint_is_told_in_one_sentence(tmp_path: Path, key: str) -> None:
    path = plain(tmp_path, key)
    for told in (why_unfit(path, "sd1"), raised(path)):
        assert told.startswith("whole.safetensors is a whole checkpoint, not a LoRA")
        assert told.count(".") == 2


def raised(path: Path) -> str:
    with pytest.raises(InvalidInput) as error:
        style_of(path)
    return str(error.value)


def test_what_is_no_lora_or_damaged_is_told(tmp_path: Path) -> None:
    assert raised(plain(tmp_path, "emb_params")) == "whole.safetensors holds no LoRA."
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"\x10\0\0\0\0\0\0\0{")
    assert "broken.safetensors is not a valid .safetensors file" in why_unfit(broken, "sd1")


def test_a_lora_of_another_world_is_named(tmp_path: Path) -> None:
    path = plain(tmp_path, "lora_unet_double_blocks_0_img_attn_proj.lora_down.weight")
    assert (
        why_unfit(path, "sd1") == "whole.safetensors is a LoRA for Flux, which does not work here."
    )


def test_the_picture_that_a_style_names_must_lie_beside_it(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "secret.png").write_bytes(PICTURE)
    (tmp_path / "folder" / "own.png").write_bytes(PICTURE)
    style = tmp_path / "folder" / "style.json"
    assert picture_beside(style, "./styles/own.png").startswith("data:image/jpeg")
    for named in ("../secret.png", "C:\\secret.png", "gone.png", "..", ""):
        assert picture_beside(style, named) == ""
