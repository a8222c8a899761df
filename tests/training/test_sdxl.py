"""The loop on a tiny SDXL: two encoders' prompts, sizes per picture, and the model given back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from facechain_ext.base.events import Preview
from facechain_ext.config import TrainConfig
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.lora.merge import merged
from facechain_ext.lora.state import LoraState
from facechain_ext.training.batches import Batches
from facechain_ext.training.loss import batch_loss
from facechain_ext.training.trainer import Training
from tests.training.conftest import Data

pytestmark = pytest.mark.slow(8)

CONFIG = TrainConfig(
    max_train_steps=12,
    train_batch_size=2,
    rank=8,
    learning_rate=5e-3,
    lr_warmup_steps=0,
    snapshot_every=12,
    samples_per_snapshot=1,
    selection="last",
)


def test_sdxl_learns_and_is_left_as_it_was(
    new_tiny_sdxl: Callable[[], DiffusersModel], tmp_path: Path
) -> None:
    model = new_tiny_sdxl()
    before = {key: tensor.clone() for key, tensor in model.unet.state_dict().items()}
    data = Data(
        latents=torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(3)),
        loss_weights=torch.ones(2, 1, 8, 8),
        caption_index=torch.zeros(2, dtype=torch.long),
        cond=model.encode_prompts(["fcsks, photo", ""]),
        add_time_ids=torch.tensor([[512.0, 512, 0, 9, 64, 64], [512, 512, 4, 0, 64, 64]]),
    )
    work = Training(
        data=data,
        config=CONFIG,
        out_dir=tmp_path,
        score=lambda images: tuple(0.5 for _ in images),
        prompt="fcsks, photo",
        negative_prompt="",
        cancelled=lambda: False,
    ).slice(model)
    events = []
    try:
        while True:
            events.append(next(work))
    except StopIteration as done:
        chosen = done.value
    (preview,) = (event for event in events if isinstance(event, Preview))
    assert preview.images[0].shape == (64, 64, 3)
    after = model.unet.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[key], before[key]) for key in before)
    plain = loss_of(model, data)
    with merged(model, [(LoraState(chosen.state, name="x"), 1.0)]) as unmatched:
        assert loss_of(model, data) < 0.8 * plain
    assert unmatched == 0


@torch.no_grad()
def loss_of(model: DiffusersModel, data: Data) -> float:
    """Average the loss over other noise than the training saw."""
    batches = Batches(data, batch_size=2, caption_dropout=0.0, timesteps=1000, seed=99)
    losses = [
        batch_loss(model, batches.draw(), model.alphas_cumprod, min_snr_gamma=0.0) for _ in range(6)
    ]
    return float(torch.stack(losses).mean())
