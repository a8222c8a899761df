"""Predicted against measured memory peaks of training, on a CUDA card, as a Markdown table.

A UNet of Stable Diffusion 1.5's size with random weights stands for the real one. Peaks are what
the allocator took from the card above the resident UNet, LoRA and optimizer included.

    python -m bench.train_memory --out bench/train_memory.md
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from facechain_ext.base.errors import OutOfMemory
from facechain_ext.base.host import Conditioning
from facechain_ext.config import TrainConfig
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.lora.adapter import inject
from facechain_ext.training.batches import Batch, Batches
from facechain_ext.training.engine import Engine
from facechain_ext.training.memory import GIB, Plan, Planner, trained_layers

TEXT_WIDTH = 768
SD15 = {
    "sample_size": 64,
    "in_channels": 4,
    "out_channels": 4,
    "block_out_channels": [320, 640, 1280, 1280],
    "layers_per_block": 2,
    "down_block_types": ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
    "up_block_types": ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3,
    "cross_attention_dim": TEXT_WIDTH,
    "attention_head_dim": 8,
}
DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
STEPS = 4
LIMIT = 3 * GIB
"""What low-memory mode may take above the resident model at 512 pixels."""


@dataclass(frozen=True, eq=False)
class RandomData:
    """Latents and captions that mean nothing, for speed and memory alone."""

    latents: Tensor
    loss_weights: Tensor
    caption_index: Tensor
    cond: Conditioning
    empty_caption: int = 1
    add_time_ids: Tensor | None = None

    @classmethod
    def of(cls, side: int, device: torch.device) -> RandomData:
        return cls(
            torch.randn(16, 4, side, side, device=device),
            torch.ones(16, 1, side, side, device=device),
            torch.zeros(16, dtype=torch.long, device=device),
            Conditioning(torch.randn(2, 77, TEXT_WIDTH, device=device)),
        )


@dataclass(frozen=True)
class Peak:
    """One setting's prediction and measurement, in bytes; measured None where it did not fit."""

    config: TrainConfig
    plan: Plan
    predicted: float
    measured: float | None

    def row(self) -> str:
        cells: list[object] = [
            self.config.resolution,
            self.config.target_modules,
            self.plan.micro_batch,
            "yes" if self.plan.checkpointing else "no",
            "graph" if self.plan.graph else "eager",
            f"{self.predicted / GIB:.2f}",
        ]
        if self.measured is None:
            cells += ["does not fit", ""]
        else:
            cells.append(f"{self.measured / GIB:.2f}")
            cells.append(f"{100 * (self.predicted / self.measured - 1):+.0f} %")
        return "| " + " | ".join(map(str, cells)) + " |"


def full_size(dtype: torch.dtype, device: torch.device) -> DiffusersModel:
    """Make a model whose UNet alone is real; autoencoder and text encoder are nearly nothing."""
    with torch.device(device):
        unet = nn.Module.to(UNet2DConditionModel(**SD15), dtype).requires_grad_(False).eval()
    nothing: Any = nn.Linear(1, 1)
    return DiffusersModel(
        unet=unet,
        vae=nothing,
        text_encoder=nothing,
        tokenizer=None,
        alphas_cumprod=torch.linspace(0.999, 0.005, 1000),
    )


def measure(model: DiffusersModel, config: TrainConfig, plan: Plan) -> float | None:
    """Return the bytes that a few steps by this plan take of what the model leaves free.

    What the allocator holds and the model does not use counts as free, as it does for the planner.
    """
    _settle()
    resident = torch.cuda.memory_allocated()
    assert config.resolution is not None
    side = config.resolution // 8
    data = RandomData.of(side, model.device)

    def batches() -> Batches:
        return Batches(data, batch_size=plan.batch_size, caption_dropout=0, timesteps=1000, seed=0)

    def example() -> Batch:
        return batches().draw()

    torch.cuda.reset_peak_memory_stats()
    kind, stream = trained_layers(model, config), batches()
    try:
        with (
            inject(model, kind, rank=config.rank, alpha=config.alpha, seed=0) as adapter,
            Engine(
                model,
                adapter.parameters(),
                config,
                planner=Planner([plan], free=None),
                example=example,
            ) as engine,
        ):
            for _ in range(STEPS):
                engine.step(stream.draw(), learning_rate=1e-4)
    except OutOfMemory:
        return None
    return float(torch.cuda.max_memory_reserved() - resident)


def _settle() -> None:
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.synchronize()


def settings(resolutions: list[int], batches: list[int], rank: int) -> Iterator[TrainConfig]:
    """Yield low-memory mode first, then every combination that a plan may be made of."""
    kinds = ("attention", "all")
    for resolution, kind in product(resolutions, kinds):
        config = TrainConfig(resolution=resolution, target_modules=kind, rank=rank)  # type: ignore[arg-type]
        yield replace(config, train_batch_size=1, low_memory=True)
        for batch, checkpointing in product(batches, ("off", "on")):
            yield replace(
                config,
                train_batch_size=batch,
                gradient_checkpointing=checkpointing,  # type: ignore[arg-type]
            )


def measured(model: DiffusersModel, configs: Iterator[TrainConfig]) -> Iterator[Peak]:
    for config in configs:
        plan = Planner.of(model, config, free=None).first()
        yield Peak(config, plan, plan.peak, measure(model, config, plan))


def table(peaks: list[Peak], dtype: str) -> str:
    """Lay the peaks out as Markdown, with what they were measured on."""
    card, known = torch.cuda.get_device_name(), [p for p in peaks if p.measured]
    worst = max(abs(p.predicted / p.measured - 1) for p in known if p.measured)
    low = [p for p in known if p.config.low_memory and p.config.resolution == 512]
    within = all(p.measured < LIMIT for p in low if p.measured)
    return "\n".join(
        [
            "# Memory of training, predicted and measured",
            "",
            f"{card}, torch {torch.__version__}, {date.today().isoformat()}; UNet of Stable "
            f"Diffusion 1.5's size in {dtype}, LoRA of rank {peaks[0].config.rank}. GiB above the "
            f"resident UNet. Largest error {100 * worst:.0f} %. Low-memory mode at 512 pixels "
            f"{'stays within' if within else 'EXCEEDS'} {LIMIT / GIB:.0f} GiB.",
            "",
            "| pixels | trained layers | pictures at a time | checkpointed | step | predicted "
            "| measured | error |",
            "|---|---|---|---|---|---|---|---|",
            *(peak.row() for peak in peaks),
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, help="a Markdown file to write")
    parser.add_argument("--dtype", choices=DTYPES, default="bf16", help="of the frozen UNet")
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--resolutions", type=int, nargs="+", default=[512, 768])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 2, 4, 8])
    args = parser.parse_args()
    if not torch.cuda.is_available():
        raise SystemExit("This bench needs a CUDA card.")
    model = full_size(DTYPES[args.dtype], torch.device("cuda"))
    peaks: list[Peak] = []
    for peak in measured(model, settings(args.resolutions, args.batches, args.rank)):
        print(peak.row(), flush=True)
        peaks.append(peak)
    text = table(peaks, args.dtype)
    print(text)
    if args.out:
        args.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
