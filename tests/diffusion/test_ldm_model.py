"""The same checkpoint through LDM's classes and through diffusers is the same model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from facechain_ext.base.errors import Cancelled, InvalidInput, UnsupportedCheckpoint
from facechain_ext.base.events import Step
from facechain_ext.base.host import DiffusionModel
from facechain_ext.config import TrainConfig
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.diffusion.ldm_model import LdmModel
from facechain_ext.lora.adapter import inject
from facechain_ext.training.trainer import resolved, train
from tests.fakes.ldm import load_ldm

QUICK = TrainConfig(
    max_train_steps=3,
    train_batch_size=2,
    rank=2,
    snapshot_every=2,
    samples_per_snapshot=1,
    lr_warmup_steps=1,
)


@pytest.fixture
def ldm(tiny_file: Path) -> Any:
    return load_ldm(tiny_file, tiny_file.parent)


@pytest.fixture
def model(ldm: Any) -> LdmModel:
    return LdmModel.over(ldm)


@pytest.fixture(scope="module")
def mini_ldm(mini: DiffusersModel) -> LdmModel:
    folder = Path(__file__).parents[2] / "facechain_ext" / "weights" / "mini"
    return LdmModel.over(load_ldm(folder / "facechain-mini.safetensors", folder))


def fingerprint(module: nn.Module) -> str:
    """Hash every tensor with its name, and the flags and classes of the modules."""
    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
    for name, part in module.named_modules():
        digest.update(f"{name} {type(part)} {part.training}".encode())
    flags = [parameter.requires_grad for parameter in module.parameters()]
    return digest.hexdigest() + str(flags)


def question(model: DiffusionModel) -> tuple[Tensor, Tensor]:
    side = model.resolution // 8
    generator = torch.Generator().manual_seed(3)
    return torch.randn(2, 4, side, side, generator=generator), torch.tensor([40, 900])


def answer(model: DiffusionModel) -> Tensor:
    latents, timesteps = question(model)
    cond = model.encode_prompts(["photo of fcsks", "a photo"])
    with torch.no_grad():
        return model.predict(latents, timesteps, cond)


def assert_same_model(model: DiffusionModel, other: DiffusionModel) -> None:
    assert (model.family, model.prediction_type) == (other.family, other.prediction_type)
    assert model.resolution == other.resolution
    assert model.default_guidance_scale == other.default_guidance_scale
    assert model.suggested_target_modules == other.suggested_target_modules
    assert model.suggested_learning_rate == other.suggested_learning_rate
    torch.testing.assert_close(model.alphas_cumprod, other.alphas_cumprod, atol=1e-6, rtol=0)
    texts = ["photo of fcsks", ""]
    ours, theirs = (m.encode_prompts(texts).prompt_embeds for m in (model, other))
    torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=0)
    torch.testing.assert_close(answer(model), answer(other), atol=1e-3, rtol=0)
    pixels = torch.rand(2, 3, model.resolution, model.resolution) * 2 - 1
    encoded, expected = (
        m.encode_images(pixels, torch.Generator().manual_seed(1)) for m in (model, other)
    )
    torch.testing.assert_close(encoded, expected, atol=1e-3, rtol=0)
    decoded, pictures = model.decode_latents(expected), other.decode_latents(expected)
    torch.testing.assert_close(decoded, pictures, atol=1e-3, rtol=0)


def test_it_is_the_model_that_diffusers_makes(model: LdmModel, tiny_model: DiffusersModel) -> None:
    assert_same_model(model, tiny_model)


@pytest.mark.model
def test_the_mini_is_the_same_both_ways(mini_ldm: LdmModel, mini: DiffusersModel) -> None:
    assert_same_model(mini_ldm, mini)
    assert len(mini_ldm.lora_targets("all")) == 258
    assert len(mini_ldm.lora_targets("attention")) == 128


@pytest.mark.parametrize("kind", ["attention", "all"])
def test_a_lora_acts_the_same_both_ways(
    model: LdmModel,
    tiny_model: DiffusersModel,
    kind: Any,
    run: Callable[..., Any],
) -> None:
    plain = answer(model)
    state = list_and_result(run(model, target_modules=kind))[1].state
    with inject(model, kind, rank=2, alpha=16, seed=0) as adapter:
        adapter.load(state)
        ours = answer(model)
    with inject(tiny_model, kind, rank=2, alpha=16, seed=0) as adapter:
        adapter.load(state)
        theirs = answer(tiny_model)
    assert (ours - plain).abs().max() > 1e-3
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)


def test_training_is_the_same_both_ways(
    model: LdmModel, tiny_model: DiffusersModel, run: Callable[..., Any]
) -> None:
    ours, theirs = (list_and_result(run(m)) for m in (model, tiny_model))
    losses = [[e.loss for e in events if isinstance(e, Step)] for events, _ in (ours, theirs)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_so_is_that_of_the_text_encoder(
    ldm: Any, model: LdmModel, tiny_model: DiffusersModel, run: Callable[..., Any]
) -> None:
    before = fingerprint(ldm)
    ours, theirs = (list_and_result(run(m, text_encoder_lora=True)) for m in (model, tiny_model))
    losses = [[e.loss for e in events if isinstance(e, Step)] for events, _ in (ours, theirs)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    mine, other = ours[1].state, theirs[1].state
    assert list(mine) == list(other)
    assert len([key for key in mine if key.startswith("lora_te_") and "up" in key]) == 8
    assert fingerprint(ldm) == before


def test_a_text_encoder_that_cannot_be_trained_in_place_is_refused(ldm: Any) -> None:
    config = TrainConfig(text_encoder_lora=True)
    ldm.lowvram = True
    with pytest.raises(InvalidInput, match="--medvram"):
        resolved(LdmModel.over(ldm), config)
    ldm.lowvram, ldm.cond_stage_model = False, nn.Sequential(nn.MultiheadAttention(8, 2))
    with pytest.raises(InvalidInput, match="not CLIP's"):
        resolved(LdmModel.over(ldm), config)


def test_checkpointed_blocks_train_alike_and_are_put_back(
    ldm: Any, model: LdmModel, run: Callable[..., Any]
) -> None:
    before = fingerprint(ldm)
    settings = ({"gradient_checkpointing": "off"}, {"gradient_checkpointing": "on"})
    plain, checkpointed = (list_and_result(run(model, **each))[0] for each in settings)
    losses = [[e.loss for e in events if isinstance(e, Step)] for events in (plain, checkpointed)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert fingerprint(ldm) == before
    assert not any("forward" in module.__dict__ for module in model.denoiser.modules())


def list_and_result(training: Any) -> tuple[list[Any], Any]:
    events = []
    try:
        while True:
            events.append(next(training))
    except StopIteration as stop:
        return events, stop.value


def training_data(model: DiffusionModel) -> Any:
    """Four pictures that share one caption."""
    texts = ("fcsks, photo", "")
    return SimpleNamespace(
        latents=torch.randn(4, 4, 8, 8, generator=torch.Generator().manual_seed(3)),
        loss_weights=torch.ones(4, 1, 8, 8),
        caption_index=torch.zeros(4, dtype=torch.long),
        cond=replace(model.encode_prompts(texts), texts=texts),
        empty_caption=1,
        add_time_ids=None,
    )


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Any]:
    def start(model: DiffusionModel, *, cancelled: Any = lambda: False, **changes: Any) -> Any:
        settings = {**QUICK.__dict__, **changes}
        return train(
            model,
            training_data(model),
            TrainConfig(**settings),
            out_dir=tmp_path / "run",
            score=lambda images: (0.5,) * len(images),
            prompt="fcsks",
            negative_prompt="",
            cancelled=cancelled,
        )

    return start


def test_training_in_place_leaves_every_weight(
    ldm: Any, model: LdmModel, run: Callable[..., Any]
) -> None:
    before = fingerprint(ldm)
    list_and_result(run(model))
    assert fingerprint(ldm) == before


def test_so_does_a_training_that_is_cancelled(
    ldm: Any, model: LdmModel, run: Callable[..., Any]
) -> None:
    before, asked = fingerprint(ldm), []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 2

    with pytest.raises(Cancelled):
        list_and_result(run(model, cancelled=cancelled))
    assert fingerprint(ldm) == before


def test_so_does_one_that_fails_or_is_dropped(
    ldm: Any, model: LdmModel, run: Callable[..., Any]
) -> None:
    before = fingerprint(ldm)

    def fail() -> bool:
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="disk"):
        list_and_result(run(model, cancelled=fail))
    assert fingerprint(ldm) == before
    training = run(model)
    assert isinstance(next(training), Step)
    training.close()
    assert fingerprint(ldm) == before


def test_gradients_reach_the_input_but_never_the_model(model: LdmModel) -> None:
    latents, timesteps = question(model)
    cond = model.encode_prompts(["a", "b"])
    model.predict(latents.requires_grad_(), timesteps, cond).sum().backward()
    assert latents.grad is not None
    assert not cond.prompt_embeds.requires_grad


def test_prompts_encoded_in_inference_mode_can_be_trained_with(model: LdmModel) -> None:
    with torch.inference_mode():
        cond = model.encode_prompts(["a"])
    assert not cond.prompt_embeds.is_inference()


def test_parts_in_half_precision_come_back_bit_for_bit(ldm: Any) -> None:
    ldm.first_stage_model.half()
    before = fingerprint(ldm)
    model = LdmModel.over(ldm, parked=True)
    pixels = torch.rand(1, 3, 64, 64) * 2 - 1
    assert model.decode_latents(model.encode_images(pixels)).isfinite().all()
    assert fingerprint(ldm) == before


@pytest.mark.skipif(not torch.cuda.is_available(), reason="LDM is halved on a GPU only")
def test_a_half_precision_unet_answers_in_the_inputs_dtype(ldm: Any) -> None:
    exact = answer(LdmModel.over(ldm))
    ldm.cond_stage_model.device = "cuda"
    half = LdmModel.over(ldm.half().cuda())
    latents, timesteps = question(half)
    cond = half.encode_prompts(["photo of fcsks", "a photo"])
    with torch.no_grad():
        prediction = half.predict(latents.cuda(), timesteps.cuda(), cond)
    assert prediction.dtype == torch.float32
    torch.testing.assert_close(prediction.cpu(), exact, atol=0.05, rtol=0.05)


def refuse(ldm: Any, *words: str) -> None:
    with pytest.raises(UnsupportedCheckpoint) as raised:
        LdmModel.over(ldm)
    assert all(word in str(raised.value) for word in words)


def test_other_families_are_refused_with_a_sentence(ldm: Any) -> None:
    refuse(SimpleNamespace(conditioner=object()), "SDXL", "Choose")
    refuse(SimpleNamespace(model=object()), "neither")
    ldm.parameterization = "x0"
    refuse(ldm, "'x0'")
    ldm.model.diffusion_model.num_classes = "sequential"
    refuse(ldm, "unCLIP")
    ldm.model.diffusion_model.input_blocks[0][0] = nn.Conv2d(9, 32, 3)
    refuse(ldm, "9 input channels")


@pytest.fixture
def sd2(ldm: Any, tiny_file: Path) -> Any:
    """The tiny model with a UNet in Stable Diffusion 2's form: linear projections, wide context."""
    from tests.fakes.ldm import quiet_ldm, unet_config

    config = json.loads((tiny_file.parent / "unet" / "config.json").read_text(encoding="utf-8"))
    params = unet_config({**config, "cross_attention_dim": 1024})["params"]
    with quiet_ldm(tiny_file.parent):
        from ldm.modules.diffusionmodules.openaimodel import UNetModel

        ldm.model.diffusion_model = UNetModel(**params, use_linear_in_transformer=True).eval()
    ldm.parameterization = "v"
    ldm.get_learned_conditioning = lambda texts: torch.randn(len(texts), 77, 1024)
    return ldm


def test_stable_diffusion_2_is_trained_like_1(sd2: Any, run: Callable[..., Any]) -> None:
    model = LdmModel.over(sd2)
    assert (model.family, model.prediction_type, model.resolution) == ("sd2", "v_prediction", 768)
    targets = model.lora_targets("all")
    assert len(targets) == 258
    assert isinstance(
        model.denoiser.get_submodule(targets["lora_unet_mid_block_attentions_0_proj_in"]), nn.Linear
    )
    before = fingerprint(sd2)
    events, chosen = list_and_result(run(model, samples_per_snapshot=0))
    assert len([event for event in events if isinstance(event, Step)]) == 3
    assert any("attn2_to_k" in name for name in chosen.state)
    assert fingerprint(sd2) == before


def test_v_prediction_is_read_off_the_model(ldm: Any) -> None:
    ldm.parameterization = "v"
    assert LdmModel.over(ldm).prediction_type == "v_prediction"
