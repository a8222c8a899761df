"""Train on whatever a host lends, and hash it before and after."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from facechain_ext.base.events import Event, Step
from facechain_ext.base.host import Host
from facechain_ext.base.records import LoraFile
from facechain_ext.config import TrainConfig
from facechain_ext.lora.adapter import inject
from facechain_ext.lora.checkpoint import save_lora
from facechain_ext.training.select import Chosen
from facechain_ext.training.trainer import Outcome, Training

QUICK = TrainConfig(
    max_train_steps=3,
    train_batch_size=2,
    rank=2,
    snapshot_every=2,
    samples_per_snapshot=1,
    lr_warmup_steps=1,
)


def fingerprint(host: Host) -> str:
    """Hash every tensor that a host lends."""
    with host.borrow_model(for_training=True) as model:
        return fingerprint_of(model)


def fingerprint_of(model: Any) -> str:
    digest = hashlib.sha256()
    for part in (model.unet, model.vae, model.text_encoder):
        for name, tensor in part.state_dict().items():
            digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
        digest.update(str([p.requires_grad for p in part.parameters()]).encode())
        digest.update(str([type(module) for module in part.modules()]).encode())
    return digest.hexdigest()


def new_training(host: Host, model: Any, folder: Path, config: TrainConfig = QUICK) -> Training:
    """Prepare a training on data that the lent model encodes."""
    texts = ("fcsks, photo", "")
    data = SimpleNamespace(
        latents=torch.randn(4, 4, 8, 8, generator=torch.Generator().manual_seed(3)),
        loss_weights=torch.ones(4, 1, 8, 8),
        caption_index=torch.zeros(4, dtype=torch.long),
        cond=replace(model.encode_prompts(texts), texts=texts),
        empty_caption=1,
        add_time_ids=None,
    )
    return Training(
        data=data,
        config=config,
        out_dir=folder,
        score=lambda images: (0.5,) * len(images),
        prompt="fcsks",
        negative_prompt="",
        cancelled=host.cancelled,
        others_waiting=host.others_waiting,
    )


def training(host: Host, model: Any, folder: Path, config: TrainConfig = QUICK) -> Any:
    """Train on a lent model for one slice."""
    return new_training(host, model, folder, config).slice(model)


def in_slices(host: Host, folder: Path) -> Generator[Event, None, Chosen]:
    """Train to the end, giving the model back whenever others wait for it."""
    work: Training | None = None
    outcome: Outcome | None = None
    while not isinstance(outcome, Chosen):
        with host.borrow_model(for_training=True) as model:
            work = work or new_training(host, model, folder)
            outcome = yield from work.slice(model, outcome)
    return outcome


def finished(events: Generator[Event, None, Chosen]) -> Chosen:
    """Run a training to its end."""
    try:
        while True:
            next(events)
    except StopIteration as stop:
        chosen: Chosen = stop.value
        return chosen


def steps(events: Any) -> Any:
    return (event for event in events if isinstance(event, Step))


def make_lora(host: Host, name: str = "ana") -> LoraFile:
    """Save a LoRA that changes pictures into the host's folder, and tell the host."""
    with (
        host.borrow_model(for_training=True) as model,
        inject(model, "attention", rank=4, alpha=4, seed=0) as adapter,
    ):
        state = {key: tensor + 0.05 for key, tensor in adapter.state().items()}
    lora = save_lora(host.paths.lora_dir / f"{name}.safetensors", state, {})
    host.publish_lora(lora)
    return lora
