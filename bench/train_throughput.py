"""Measure pictures trained per second: FaceChain's settings, the stock peft loop, and ours.

    python -m bench.train_throughput --device cuda --out bench/train_throughput
    python -m bench.train_throughput --device cpu --images 8        # the mini, anywhere

Stable Diffusion 1.5 at 512 x 512 pixels and SDXL at 1024 x 1024, in their true sizes with random
weights, a LoRA of rank 16 on attention. Ours is the real trainer, with everything that it does:
schedule, clipping, loss weights, reading every loss. Set-up is the time until the first step is
done. As in every training, pictures and captions have been encoded on the card before.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from bench.full_size import (
    Pictures,
    mini_sd15,
    pictures,
    random_autoencoder,
    random_model,
    random_text_encoder,
)
from facechain_ext.base.events import Step
from facechain_ext.base.host import Conditioning, Family
from facechain_ext.config import TrainConfig
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.lora.adapter import inject
from facechain_ext.training.batches import Batch, Batches
from facechain_ext.training.loss import batch_loss
from facechain_ext.training.trainer import train

RANK = 16
ENCODED = 20
"""Pictures to encode before the rows: five photos with four crops each."""

STOCK_IMAGES = 80
"""Pictures in a row of the loops that are compared with, which are slow."""


@dataclass(frozen=True)
class Case:
    """A model to train; images: pictures in a row, for each that --images asks."""

    name: str
    family: Family
    batch_sizes: tuple[int, ...]
    images: float


CASES = {
    "sd15": Case("SD1.5, 512", "sd1", (8, 4, 1), 1.0),
    "sdxl": Case("SDXL, 1024", "sdxl", (4, 1), 0.1),
}
MINI = Case("the mini", "sd1", (8, 4, 1), 1.0)


@dataclass(frozen=True)
class Row:
    """images_per_second after set-up; peak_gib: memory allocated; share: of the matmul rate."""

    model: str
    what: str
    batch_size: int
    images_per_second: float
    setup_seconds: float
    loop_seconds: float
    peak_gib: float
    share: float


@dataclass(frozen=True, eq=False)
class Bench:
    """What a model's rows share. rate: TFLOP/s of a matrix product; work: TFLOP a picture."""

    model: DiffusersModel
    data: Pictures
    name: str
    images: int
    rate: float
    work: float

    @property
    def device(self) -> torch.device:
        return self.model.device

    def row(
        self, what: str, batch_size: int, steps: Callable[[Bench, int, int], Iterator[object]]
    ) -> Row:
        """Run a loop of steps; the first of them ends the set-up."""
        count = max(3, self.images // batch_size)
        self._reset()
        begin = time.perf_counter()
        running = steps(self, count, batch_size)
        next(running)
        first = time.perf_counter()
        done = sum(1 for _ in running)
        end = time.perf_counter()
        speed = done * batch_size / (end - first)
        return Row(
            model=self.name,
            what=what,
            batch_size=batch_size,
            images_per_second=speed,
            setup_seconds=first - begin,
            loop_seconds=end - begin,
            peak_gib=self._peak(),
            share=speed * self.work / self.rate,
        )

    def _reset(self) -> None:
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()

    def _peak(self) -> float:
        on_cuda = self.device.type == "cuda"
        return torch.cuda.max_memory_allocated() / 2**30 if on_cuda else 0.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure every row, print the table and write it as .md and .json."""
    args = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    device = torch.device(args.device)
    encoding, rate = _encode(device), _matmul_rate(device)
    print(encoding, flush=True)
    rows: list[Row] = []
    works: list[str] = []
    for case in [CASES[name] for name in args.models] if device.type == "cuda" else [MINI]:
        bench = _bench(case, device, rate, args.images)
        works.append(f"{bench.work:.2f} TFLOP a picture of {case.name}")
        for row in _rows(bench, args.batches or case.batch_sizes, compare=not args.ours_only):
            print(_line(row), flush=True)
            rows.append(row)
        del bench
    title = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    _write(args.out, title, encoding, rate, works, rows)


@torch.no_grad()
def _encode(device: torch.device) -> str:
    """Encode what five photos are trained as, at Stable Diffusion's size, and say how long it took.

    On the CPU nothing is encoded: there is nothing to load there that a step would need.
    """
    if device.type != "cuda":
        return "Nothing was encoded before"
    begin = time.perf_counter()
    vae = random_autoencoder(device, torch.float16)
    text_encoder = random_text_encoder(device, torch.float16)
    for _ in range(ENCODED):
        vae.encode(torch.rand(1, 3, 512, 512, device=device, dtype=torch.float16) * 2 - 1)
    text_encoder(torch.randint(0, 49000, (2, 77), device=device))
    torch.cuda.synchronize()
    return (
        f"{ENCODED} pictures and 2 captions were encoded first, in "
        f"{time.perf_counter() - begin:.1f} s, autoencoder and text encoder made included"
    )


def _bench(case: Case, device: torch.device, rate: float, images: int) -> Bench:
    on_cuda = device.type == "cuda"
    model = random_model(case.family, device, torch.float16) if on_cuda else mini_sd15()
    data = pictures(model)
    work = 2 * _forward_tflop(model, data)
    return Bench(model, data, case.name, int(images * case.images), rate, work)


def _rows(bench: Bench, batch_sizes: Sequence[int], *, compare: bool) -> Iterator[Row]:
    for size in batch_sizes:
        yield bench.row("ours", size, _ours)
    if not compare:
        return
    on_cuda, sdxl = bench.device.type == "cuda", bench.model.family == "sdxl"
    short = replace(bench, images=min(bench.images, STOCK_IMAGES // (4 if sdxl else 1)))
    if on_cuda:
        bench.model.unet.bfloat16()
    for size in batch_sizes:
        yield short.row("stock peft loop", size, _stock)
    if on_cuda and not sdxl:
        bench.model.unet.float()
        yield short.row("FaceChain's settings", 1, _facechain)


def _ours(bench: Bench, count: int, size: int) -> Iterator[object]:
    """Yield at every step of the real trainer."""
    config = TrainConfig(
        max_train_steps=count,
        train_batch_size=size,
        rank=RANK,
        target_modules="attention",
        samples_per_snapshot=0,
        snapshot_every=count,
        selection="last",
    )
    with tempfile.TemporaryDirectory() as folder:
        events = train(
            bench.model,
            bench.data,
            config,
            out_dir=Path(folder),
            score=lambda pictures: tuple(None for _ in pictures),
            prompt="",
            negative_prompt="",
            cancelled=lambda: False,
        )
        yield from (event for event in events if isinstance(event, Step))


def _stock(bench: Bench, count: int, size: int) -> Iterator[object]:
    """Train as peft's examples do: cached latents, autocast, AdamW, every kernel launched."""
    batches = _batches(bench.data, size)
    autocast = torch.bfloat16 if bench.device.type == "cuda" else None
    yield from _loop(bench.model, (batches.draw() for _ in range(count)), autocast)


def _facechain(bench: Bench, count: int, size: int) -> Iterator[object]:
    """Train in float32 at batch 1, encoding picture and caption at every step."""
    device, batches = bench.device, _batches(bench.data, size)
    vae = random_autoencoder(device, torch.float32)
    text_encoder = random_text_encoder(device, torch.float32)
    pixels = torch.rand(size, 3, 512, 512, device=device) * 2 - 1
    tokens = torch.randint(0, 49000, (size, 77), device=device)

    def draw() -> Batch:
        batch = batches.draw()
        with torch.no_grad():
            latents = vae.encode(pixels).latent_dist.sample() * vae.config.scaling_factor
            cond = Conditioning(text_encoder(tokens)[0])
        return Batch(latents, batch.noise, batch.loss_weights, batch.timesteps, cond)

    yield from _loop(bench.model, (draw() for _ in range(count)), None)


def _loop(
    model: DiffusersModel, batches: Iterator[Batch], autocast: torch.dtype | None
) -> Iterator[object]:
    alphas_cumprod = model.alphas_cumprod.to(model.device)
    with inject(model, "attention", rank=RANK, alpha=RANK, seed=0) as adapter:
        optimizer = torch.optim.AdamW(adapter.parameters(), lr=1e-4)
        for batch in batches:
            optimizer.zero_grad()
            loss: Tensor = batch_loss(
                model, batch, alphas_cumprod, min_snr_gamma=5.0, autocast=autocast
            ).mean()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(adapter.parameters(), 1.0)
            optimizer.step()
            yield float(loss.detach())


def _batches(data: Pictures, size: int) -> Batches:
    return Batches(data, batch_size=size, caption_dropout=0.0, timesteps=1000, seed=0)


def _matmul_rate(device: torch.device) -> float:
    """Return TFLOP/s of a large matrix product in bfloat16, or float32 on the CPU."""
    size, dtype = (8192, torch.bfloat16) if device.type == "cuda" else (1024, torch.float32)
    one = torch.randn(size, size, device=device, dtype=dtype)
    times = []
    for _ in range(12):
        begin = time.perf_counter()
        float((one @ one)[0, 0])
        times.append(time.perf_counter() - begin)
    return 2 * size**3 / sorted(times)[len(times) // 2] / 1e12


@torch.no_grad()
def _forward_tflop(model: DiffusersModel, data: Pictures) -> float:
    batch = _batches(data, 1).draw()
    with FlopCounterMode(display=False) as counter:
        model.predict(batch.latents, batch.timesteps, batch.cond)
    return float(counter.get_total_flops()) / 1e12


def _line(row: Row) -> str:
    return (
        f"| {row.model} | {row.what} | {row.batch_size} | {row.images_per_second:.1f} "
        f"| {row.setup_seconds:.1f} | {row.loop_seconds:.1f} | {row.peak_gib:.1f} "
        f"| {row.share:.0%} |"
    )


def _write(
    out: Path,
    title: str,
    encoding: str,
    rate: float,
    works: Sequence[str],
    rows: Sequence[Row],
) -> None:
    head = (
        f"# Training speed: {title}, torch {torch.__version__}, {time.strftime('%Y-%m-%d')}\n\n"
        f"{'; '.join(works)} (forward, and backward to the activations); a matrix product ran at "
        f"{rate:.1f} TFLOP/s. {encoding}. Seconds in all include the set-up.\n\n"
        "| model | loop | batch | pictures/s | set-up, s | in all, s | peak GiB "
        "| share of matmul rate |\n|---|---|---|---|---|---|---|---|\n"
    )
    text = head + "\n".join(map(_line, rows)) + "\n"
    out.with_suffix(".md").write_text(text, encoding="utf-8")
    record = {
        "device": title,
        "torch": torch.__version__,
        "rate": rate,
        "encoding": encoding,
        "works": list(works),
    }
    rows_as = [asdict(row) for row in rows]
    out.with_suffix(".json").write_text(json.dumps({**record, "rows": rows_as}, indent=1) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--models", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--batches", nargs="+", type=int, help="batch sizes, other than a model's")
    parser.add_argument("--images", type=int, default=1000, help="pictures trained in each row")
    parser.add_argument("--ours-only", action="store_true", help="leave the comparisons out")
    parser.add_argument("--out", type=Path, default=Path("bench/train_throughput"))
    return parser


if __name__ == "__main__":
    main()
