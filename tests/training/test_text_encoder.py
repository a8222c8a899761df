"""Training the text encoder, too: what is learned, drawn, kept, and left as it was."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.events import Event, Preview
from facechain_ext.config import TrainConfig
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.lora.adapter import inject
from facechain_ext.lora.checkpoint import read_lora, save_lora
from facechain_ext.lora.merge import merged
from facechain_ext.lora.state import LoraState
from facechain_ext.training.accumulation import accumulated
from facechain_ext.training.batches import Batch, Batches
from facechain_ext.training.loss import batch_loss
from facechain_ext.training.memory import GIB, Planner, predicted_peak
from facechain_ext.training.parking import Parking
from facechain_ext.training.previews import Previewer
from facechain_ext.training.select import Chosen
from facechain_ext.training.state import TrainingState, load_state, save_state
from facechain_ext.training.text_encoder import encoded, trained_text_encoders
from facechain_ext.training.trainer import Outcome, Training, resolved
from tests.training.conftest import Data, Lend, training

pytestmark = pytest.mark.slow(20)

CONFIG = TrainConfig(
    max_train_steps=5,
    train_batch_size=4,
    rank=2,
    learning_rate=5e-3,
    snapshot_every=3,
    samples_per_snapshot=1,
    lr_warmup_steps=1,
    caption_dropout=0.3,
    selection="last",
    state_every=2,
    text_encoder_lora=True,
)
TEXTS = ("fcsks, photo", "an photo", "")
New = Callable[..., Training]


@pytest.fixture
def captioned(data: Data, small_model: DiffusersModel) -> Data:
    """Six pictures with two captions, whose texts are known."""
    cond = replace(small_model.encode_prompts(TEXTS), texts=TEXTS)
    return replace(data, cond=cond, caption_index=torch.tensor([0, 1] * 3), empty_caption=2)


@pytest.fixture
def new(captioned: Data, tmp_path: Path) -> New:
    def made(config: TrainConfig = CONFIG, **changes: Any) -> Training:
        settings = {"data": captioned, "config": config, "out_dir": tmp_path / "run"}
        return training(**{**settings, **changes})

    return made


def follow(work: Generator[Event, None, Outcome]) -> tuple[list[Event], Outcome]:
    events: list[Event] = []
    try:
        while True:
            events.append(next(work))
    except StopIteration as stop:
        return events, stop.value


def finish(training: Training, lend: Lend) -> Chosen:
    outcome = follow(training.slice(lend()))[1]
    while isinstance(outcome, TrainingState):
        outcome = follow(training.slice(lend(), outcome))[1]
    return outcome


def moved(state: LoraState, prefix: str) -> bool:
    """Tell whether every up factor of these layers, which start at 0, has been trained."""
    ups = [t for key, t in state.items() if key.startswith(prefix) and ".lora_up" in key]
    return bool(ups) and all(bool(up.abs().max() > 0) for up in ups)


def only(state: LoraState, prefix: str) -> LoraState:
    return LoraState({key: t for key, t in state.items() if key.startswith(prefix)}, name="part")


def everything(module: nn.Module) -> list[object]:
    return [
        [(name, part, part.training, sorted(vars(part))) for name, part in module.named_modules()],
        [(name, p.requires_grad, p.data_ptr()) for name, p in module.named_parameters()],
        {name: tensor.numpy().tobytes() for name, tensor in module.state_dict().items()},
    ]


def same(one: LoraState, other: LoraState) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def test_both_networks_learn(new: New, lend: Lend) -> None:
    state = finish(new(), lend).state
    assert moved(state, "lora_unet_")
    assert moved(state, "lora_te_text_model_encoder_layers_1_self_attn_")
    names = {key.partition(".")[0] for key in only(state, "lora_te_")}
    assert names == {
        f"lora_te_text_model_encoder_layers_{layer}_self_attn_{part}_proj"
        for layer in (0, 1)
        for part in ("q", "k", "v", "out")
    }


def test_without_the_option_prompts_are_read_as_before(new: New, lend: Lend) -> None:
    state = finish(new(replace(CONFIG, text_encoder_lora=False)), lend).state
    assert not only(state, "lora_te_")
    assert moved(state, "lora_unet_")


def test_the_denoiser_begins_alike_with_and_without(lend: Lend) -> None:
    model = lend()
    with inject(model, "all", rank=2, alpha=2, seed=1) as adapter:
        plain = adapter.state()
    with inject(
        model, "all", rank=2, alpha=2, seed=1, text_encoders=model.text_targets()
    ) as adapter:
        assert same(only(adapter.state(), "lora_unet_"), plain)


def test_slices_end_as_an_unbroken_run(new: New, lend: Lend) -> None:
    """With the average kept, which is sampled once more by the encoder it has made."""
    config = replace(CONFIG, selection="average")
    whole = finish(new(config), lend)
    broken = finish(new(config, others_waiting=lambda: True), lend)
    assert same(broken.state, whole.state)
    assert (broken.steps, broken.similarity) == (whole.steps, whole.similarity)


def test_a_saved_state_goes_on_bit_for_bit(new: New, lend: Lend, tmp_path: Path) -> None:
    path, whole = tmp_path / "state.safetensors", finish(new(), lend)
    kept: list[TrainingState] = []
    finish(new(keep=kept.append), lend)
    save_state(path, next(state for state in kept if state.step == 2))
    outcome = follow(new().slice(lend(), load_state(path)))[1]
    assert isinstance(outcome, Chosen)
    assert same(outcome.state, whole.state)


@pytest.mark.parametrize("trainable", [True, False])
def test_the_text_encoder_is_left_as_it_was(new: New, lend: Lend, trainable: bool) -> None:
    model = lend()
    model.text_encoder.requires_grad_(trainable)
    next(model.text_encoder.children()).train()
    before = everything(model.text_encoder), everything(model.unet)
    follow(new().slice(model))
    assert (everything(model.text_encoder), everything(model.unet)) == before
    work = new().slice(model)
    next(work)
    assert everything(model.text_encoder) != before[0]
    work.close()
    assert (everything(model.text_encoder), everything(model.unet)) == before


def test_samples_are_drawn_with_the_trained_text_encoder(new: New, lend: Lend) -> None:
    events, outcome = follow(new().slice(lend()))
    assert isinstance(outcome, Chosen)
    shown = [event for event in events if isinstance(event, Preview)][-1].images[0].astype(int)

    def drawn(*prefixes: str) -> Any:
        model = lend()
        encode = partial(model.encode_prompts, ["fcsks, photo", ""])
        parts = [(only(outcome.state, prefix), 1.0) for prefix in prefixes]
        with merged(model, parts), torch.no_grad():
            preview = Previewer(model, encode, (0,), lambda images: (0.5,)).draw(5, lambda *_: None)
        return preview.images[0].astype(int)

    assert np.abs(shown - drawn("lora_unet_", "lora_te_")).max() <= 1
    assert np.abs(shown - drawn("lora_unet_")).max() > 1


def test_the_file_reads_prompts_as_the_live_adapter(lend: Lend, tmp_path: Path) -> None:
    model = lend()
    plain = model.encode_prompts(TEXTS).prompt_embeds
    with inject(
        model, "all", rank=2, alpha=1.0, seed=1, text_encoders=model.text_targets()
    ) as adapter:
        with torch.no_grad():
            for parameter in adapter.parameters():
                parameter.add_(0.05)
        live = model.encode_prompts(TEXTS).prompt_embeds
        path = save_lora(tmp_path / "x.safetensors", adapter.state(), {}).path
    with merged(model, [(read_lora(path)[0], 1.0)]) as unmatched:
        read = model.encode_prompts(TEXTS).prompt_embeds
    assert unmatched == 0
    torch.testing.assert_close(read, live, atol=1e-4, rtol=0)
    assert (live - plain).abs().max() > 0.01
    assert torch.equal(model.encode_prompts(TEXTS).prompt_embeds, plain)


def test_captions_are_encoded_once_each_and_in_their_places(
    small_model: DiffusersModel, captioned: Data
) -> None:
    rows = torch.tensor([1, 0, 1, 2])
    fresh = encoded(small_model, captioned.cond.select(rows), None)
    torch.testing.assert_close(fresh.prompt_embeds, captioned.cond.prompt_embeds[rows])


def test_a_batch_in_parts_has_the_gradients_of_the_whole(lend: Lend, captioned: Data) -> None:
    model, batch = lend(), batch_of(captioned)

    def loss(part: Batch) -> Tensor:
        part = replace(part, cond=encoded(model, part.cond, None))
        return batch_loss(model, part, model.alphas_cumprod, min_snr_gamma=5.0)

    with inject(
        model, "all", rank=2, alpha=2, seed=1, text_encoders=model.text_targets()
    ) as adapter:
        gradients = []
        for size in (4, 1):
            accumulated(loss, size)(batch).mean().backward()  # type: ignore[no-untyped-call]
            gradients.append([parameter.grad for parameter in adapter.parameters()])
            for parameter in adapter.parameters():
                parameter.grad = None
    assert len(gradients[0]) == len(adapter.parameters())
    for whole, parts in zip(*gradients, strict=True):
        torch.testing.assert_close(parts, whole, atol=1e-6, rtol=1e-3)


def test_the_plan_keeps_the_text_encoder_at_work(small_model: DiffusersModel) -> None:
    off = replace(CONFIG, text_encoder_lora=False)
    trained = [encoder for encoder, _ in trained_text_encoders(small_model, CONFIG)]
    assert trained == [small_model.text_encoder]
    own = sum(p.numel() * p.element_size() for p in small_model.text_encoder.parameters())
    whole, rest = Parking(small_model), Parking(small_model, working=trained)
    assert whole.saves - rest.saves == own
    assert Planner.of(small_model, CONFIG, free=None).parkable == rest.saves
    assert Planner.of(small_model, off, free=None).parkable == whole.saves


def test_the_plan_counts_what_the_text_encoder_needs(small_model: DiffusersModel) -> None:
    def more(micro_batch: int) -> float:
        on, off = (
            predicted_peak(
                small_model,
                replace(CONFIG, text_encoder_lora=trained),
                micro_batch=micro_batch,
                checkpointing=False,
            )
            for trained in (True, False)
        )
        return on - off

    layers = sum(2 * 32 * CONFIG.rank for _ in range(8))
    assert more(1) > 16 * layers
    assert more(2) - more(1) == pytest.approx(more(3) - more(2))
    assert more(2) > more(1)


def test_neither_graph_nor_fused_layers_are_planned(
    small_model: DiffusersModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They give prompts no gradient."""
    monkeypatch.setattr("facechain_ext.training.memory.can_be_fused", lambda denoiser: True)
    monkeypatch.setattr(DiffusersModel, "device", property(lambda model: torch.device("cuda")))
    monkeypatch.setattr("facechain_ext.training.memory.autocast_of", lambda model: torch.bfloat16)
    for trained in (True, False):
        config = replace(CONFIG, text_encoder_lora=trained, target_modules="attention")
        plans = Planner.of(small_model, config, free=80 * GIB).plans
        assert any(plan.graph for plan in plans) != trained
        assert any(plan.fused for plan in plans) != trained


def test_a_half_precision_encoder_gets_gradients_of_full_precision(
    captioned: Data, lend: Lend
) -> None:
    model = lend()
    unet, text = model.unet.to(torch.bfloat16), model.text_encoder
    with inject(
        model, "all", rank=2, alpha=2, seed=1, text_encoders=model.text_targets()
    ) as adapter:
        batch = batch_of(captioned)
        cond = encoded(model, batch.cond, torch.bfloat16)
        assert cond.prompt_embeds.requires_grad
        with torch.autocast("cpu", torch.bfloat16):
            prediction = model.predict(batch.latents, batch.timesteps, cond)
        prediction.square().mean().backward()
        ups = [p for p in adapter.parameters() if p.grad is not None and bool(p.grad.any())]
        assert any(p is q for p in text.parameters() for q in ups)
        assert all(p.grad is None or p.grad.dtype == torch.float32 for p in adapter.parameters())
    assert unet is model.unet


def batch_of(data: Data) -> Batch:
    return Batches(data, batch_size=4, caption_dropout=0.3, timesteps=1000, seed=5).draw()


def test_both_of_sdxls_text_encoders_are_trained(
    new_tiny_sdxl: Callable[[], DiffusersModel],
    captioned: Data,
    new: New,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("facechain_ext.training.previews.PREVIEW_STEPS", 2)
    model = new_tiny_sdxl()
    data = replace(
        captioned,
        cond=replace(model.encode_prompts(TEXTS), texts=TEXTS),
        add_time_ids=torch.tensor([[512.0, 512, 0, 9, 64, 64]] * 6),
    )
    before = [everything(encoder) for encoder in model.text_encoders]
    outcome = follow(new(data=data).slice(model))[1]
    assert isinstance(outcome, Chosen)
    assert moved(outcome.state, "lora_te1_text_model_encoder_layers_0_self_attn_")
    assert moved(outcome.state, "lora_te2_text_model_encoder_layers_0_self_attn_")
    assert [everything(encoder) for encoder in model.text_encoders] == before
    with merged(model, [(outcome.state, 1.0)]) as unmatched:
        assert unmatched == 0


class Untrainable:
    """A model of which nobody has said how to train its text encoders."""

    def __init__(self, model: DiffusersModel) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        if name in ("text_targets", "encode_with_gradients"):
            raise AttributeError(name)
        return getattr(self._model, name)


def test_where_it_cannot_be_had_it_is_refused_before_anything_starts(
    small_model: DiffusersModel,
) -> None:
    model: Any = Untrainable(small_model)
    with pytest.raises(InvalidInput, match="Train the text encoder"):
        resolved(model, CONFIG)
    assert not resolved(model, replace(CONFIG, text_encoder_lora=False)).text_encoder_lora
