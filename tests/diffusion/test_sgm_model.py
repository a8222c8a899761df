"""The same SDXL through sgm's objects and through diffusers is the same model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import torch

from facechain_ext.base.errors import UnsupportedCheckpoint
from facechain_ext.base.host import DiffusionModel, TargetModules
from facechain_ext.config import TrainConfig
from facechain_ext.diffusion.diffusers_model import DiffusersModel, load_model
from facechain_ext.diffusion.ldm_model import LdmModel
from facechain_ext.diffusion.sgm_model import SgmModel, in_place, with_resolution
from facechain_ext.lora.adapter import inject
from facechain_ext.lora.merge import merged
from tests import models
from tests import tiny_sdxl as sdxl
from tests.fakes.sgm import Engine, load_sgm

UNET = {**sdxl.UNET, "transformer_layers_per_block": [1, 1, 1]}
LATENTS = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(5))
TIMESTEPS = torch.tensor([40, 900])
SIZES = torch.tensor([[512.0, 640, 17, 33, 64, 64], [64, 64, 0, 5, 64, 64]])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sgm") / "model"
    sdxl.save_folder(folder, models._text_config(), UNET)
    models._describe_sdxl(folder)
    return folder


@pytest.fixture
def diffusers(folder: Path) -> DiffusersModel:
    return load_model(folder, device="cpu")


@pytest.fixture
def engine(folder: Path, diffusers: DiffusersModel) -> Engine:
    path = folder.with_name("sgm.safetensors")
    sdxl.save_single_file(folder, path)
    return load_sgm(path, folder, diffusers)


@pytest.fixture
def model(engine: Engine) -> SgmModel:
    return with_resolution(SgmModel.over(engine), 64)


def test_it_is_a_diffusion_model(model: SgmModel, engine: Engine) -> None:
    own: DiffusionModel = model
    assert (own.family, own.prediction_type, own.resolution) == ("sdxl", "epsilon", 64)
    assert own.unet is engine.model.diffusion_model
    assert SgmModel.over(engine).resolution == 1024
    assert isinstance(in_place(engine), SgmModel)


def test_prompts_are_encoded_alike_and_none_is_zeros(
    model: SgmModel, diffusers: DiffusersModel
) -> None:
    texts = ["a photo of fcsks", ""]
    ours, theirs = model.encode_prompts(texts), diffusers.encode_prompts(texts)
    torch.testing.assert_close(ours.prompt_embeds, theirs.prompt_embeds)
    torch.testing.assert_close(ours.pooled_prompt_embeds, theirs.pooled_prompt_embeds)


@pytest.mark.parametrize("sizes", [None, SIZES])
def test_predictions_agree(
    model: SgmModel, diffusers: DiffusersModel, sizes: torch.Tensor | None
) -> None:
    cond = replace(diffusers.encode_prompts(["a photo of fcsks", "b"]), add_time_ids=sizes)
    ours = model.predict(LATENTS, TIMESTEPS, cond)
    theirs = diffusers.predict(LATENTS, TIMESTEPS, cond)
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)


def test_pictures_are_coded_alike(model: SgmModel, diffusers: DiffusersModel) -> None:
    pixels = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    ours, theirs = (
        each.encode_images(pixels, torch.Generator().manual_seed(2)) for each in (model, diffusers)
    )
    torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=0)
    torch.testing.assert_close(
        model.decode_latents(ours), diffusers.decode_latents(ours), atol=1e-3, rtol=0
    )


@pytest.mark.parametrize("kind", get_args(TargetModules))
def test_a_lora_trained_here_acts_the_same_there(
    model: SgmModel, diffusers: DiffusersModel, kind: TargetModules
) -> None:
    assert set(model.lora_targets(kind)) == set(diffusers.lora_targets(kind))
    cond = diffusers.encode_prompts(["a photo of fcsks", "b"])
    plain = model.predict(LATENTS, TIMESTEPS, cond)
    with inject(model, kind, rank=2, alpha=2.0, seed=1) as adapter:
        for parameter in adapter.parameters():
            parameter.data += 0.02
        expected, state = model.predict(LATENTS, TIMESTEPS, cond), adapter.state()
    with merged(diffusers, [(state, 1.0)]) as unmatched:
        found = diffusers.predict(LATENTS, TIMESTEPS, cond)
    assert unmatched == 0
    assert (expected - plain).abs().max() > 0.01
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)
    assert torch.equal(model.predict(LATENTS, TIMESTEPS, cond), plain)


def test_layers_come_in_sgms_order_by_which_older_states_are_numbered(model: SgmModel) -> None:
    names = list(model.lora_targets("all"))
    own = ["lora_unet_" + path.replace(".", "_") for path, _ in model.unet.named_modules()]
    assert names == [name for name in own if name in names]
    assert names != list(LdmModel.lora_targets(model, "all")), "it is diffusers' order as well"


def test_v_is_told(engine: Engine) -> None:
    engine.parameterization = "v"
    assert SgmModel.over(engine).prediction_type == "v_prediction"


def test_a_refiner_is_refused(engine: Engine) -> None:
    del engine.conditioner.embedders[0]  # type: ignore[union-attr]
    with pytest.raises(UnsupportedCheckpoint, match="refiner"):
        in_place(engine)


def test_an_inpainting_model_is_refused(engine: Engine) -> None:
    engine.model.diffusion_model.input_blocks[0][0] = torch.nn.Conv2d(9, 32, 3)
    with pytest.raises(UnsupportedCheckpoint, match="9 input channels"):
        in_place(engine)


def test_a_full_size_one_has_sdxls_suggestions(model: SgmModel) -> None:
    assert TrainConfig().learning_rate is None
    assert (model.default_guidance_scale, model.suggested_learning_rate) == (3.0, 2e-3)
    model.unet.input_blocks[0][0] = torch.nn.Conv2d(4, 320, 3)  # type: ignore[index, operator]
    assert (model.default_guidance_scale, model.suggested_learning_rate) == (5.0, 1e-4)
    assert model.suggested_target_modules == "attention"
