"""Train the mini's text encoder and UNet together, on one or more GPUs (torchrun) or a CPU.

Noise prediction on cached latents (Ho et al. 2020) with min-SNR weights (Hang et al. 2023,
gamma 5); the schedule of Stable Diffusion 1.x. Forward and backward run as one CUDA graph into a
flat gradient, which is summed over the processes and handed to `FlatAdam`.
"""

import argparse
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from diffusers import AutoencoderKL
from torch import Tensor
from transformers import CLIPTokenizer

from tools.mini.data import load
from tools.mini.flat_adam import AdamSettings, FlatAdam
from tools.mini.latent_cache import encode_all
from tools.mini.networks import build_denoiser, load_shards, save_shards
from tools.mini.noising import Batch, Cache, Sampler, caption_ids, face_map, loss_of

SYNC_EVERY = 20
MIDDLE_SAVE = 0.6


@dataclass(frozen=True)
class Plan:
    """Say how long and how hard to train."""

    batch: int
    steps: int | None
    minutes: float | None
    learning_rate: float = 1.2e-3
    warmup: int = 300
    min_snr_gamma: float = 5.0
    face_weight: float = 1.0
    graph: bool = True
    report_seconds: float = 10.0

    def __post_init__(self) -> None:
        """Raise ValueError unless exactly one of steps and minutes is given."""
        if (self.steps is None) == (self.minutes is None):
            raise ValueError(f"give steps or minutes: got {self.steps!r} and {self.minutes!r}")


def build_cache(
    args: argparse.Namespace, tokenizer: CLIPTokenizer, rank: int, device: torch.device
) -> Cache:
    """Encode portraits and captions; every process draws crops and captions of its own."""
    portraits = load(args.data)
    keep = np.flatnonzero(~portraits.held_out)[: args.limit]
    dtype = torch.float16 if device.type == "cuda" else torch.float32
    vae = AutoencoderKL.from_pretrained(args.vae, torch_dtype=dtype).to(device).eval()
    seed = 1000 * args.seed + rank
    latents = encode_all(vae, portraits.images[keep], args.variants, seed=seed, device=device)
    if not torch.isfinite(latents).all():
        raise FloatingPointError("the autoencoder made latents that are not finite")
    ids = caption_ids([portraits.labels[i] for i in keep], tokenizer, args.captions, seed)
    cumulative = np.cumsum(portraits.weights[keep] / portraits.weights[keep].sum())
    return Cache(
        latents,
        torch.from_numpy(ids).to(device),
        torch.tensor(cumulative, dtype=torch.float32, device=device),
    )


class Stepper:
    """Run forward and backward of one batch into the flat gradient, as a CUDA graph if asked."""

    def __init__(self, adam: FlatAdam, batch: Batch, positions: Tensor, *, graph: bool) -> None:
        """Keep the batch whose addresses the graph will read, and capture the graph."""
        self.adam, self.batch, self.positions = adam, batch, positions
        self.loss = torch.zeros((), device=batch.noise.device)
        self.run = self._capture() if graph else self._eager

    def _eager(self) -> None:
        self.adam.grads.zero_()
        batch, dtype = self.batch, self.adam.weights.dtype
        layout = torch.channels_last if self.adam.channels_last else torch.contiguous_format
        noisy = batch.noisy.to(dtype, memory_format=layout)
        prediction = self.adam.module(noisy, batch.timesteps, batch.ids)
        loss = loss_of(prediction, batch, self.positions)
        loss.backward()  # type: ignore[no-untyped-call]
        self.loss.add_(loss.detach())

    def _capture(self) -> Callable[[], None]:
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self._eager()
        torch.cuda.current_stream().wait_stream(side)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        # NCCL's watchdog thread may query events meanwhile: only this thread's calls count.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            self._eager()
        self.loss.zero_()
        return graph.replay


class Clock:
    """Tell how much of the plan is done, the same in every process."""

    def __init__(self, plan: Plan, device: torch.device) -> None:
        """Start the clock."""
        self.plan, self.device = plan, device
        self.started = time.monotonic()
        self.done = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    def progress(self, step: int) -> float:
        """Return the done share of the plan, 0..1; by the clock it is agreed every 20 steps."""
        if self.plan.steps is not None:
            return min(1.0, step / self.plan.steps)
        if step % SYNC_EVERY == 0:
            share = torch.tensor(self.elapsed / (60 * (self.plan.minutes or 0)), device=self.device)
            if dist.is_initialized():
                dist.broadcast(share, 0)
            self.done = min(1.0, share.item())
        return self.done


def learning_rate(plan: Plan, step: int, progress: float) -> float:
    """Rise over `warmup` steps, then fall along a cosine to 1 % of the peak."""
    cosine = 0.5 + 0.5 * math.cos(math.pi * progress)
    return plan.learning_rate * min(1.0, (step + 1) / plan.warmup) * max(0.01, cosine)


class Report:
    """Log speed and mean loss every so many seconds."""

    def __init__(self, log: Callable[[str], None], every: float) -> None:
        """Begin at step 0."""
        self.log, self.every = log, every
        self.step, self.seconds = 0, 0.0

    def update(self, step: int, seconds: float, loss: Tensor) -> None:
        """Log when it is time; `loss` is the sum since the last report and is set to zero."""
        if seconds - self.seconds < self.every or step % SYNC_EVERY:
            return
        steps, passed = step - self.step, seconds - self.seconds
        mean = loss.item() / steps
        self.log(f"{seconds:6.1f} s  step {step}  {steps / passed:.2f}/s  loss {mean:.4f}")
        loss.zero_()
        self.step, self.seconds = step, seconds


def train(
    adam: FlatAdam,
    sampler: Sampler,
    plan: Plan,
    save: Callable[[], None],
    log: Callable[[str], None],
) -> int:
    """Train until the plan is done; calls `save` at 60 % and at the end; returns the steps."""
    device = adam.master.device
    stepper = Stepper(adam, sampler.draw(), face_map(plan.face_weight).to(device), graph=plan.graph)
    log(f"ready: {adam.master.numel() / 1e6:.1f} M weights, graph {plan.graph}")
    clock, report = Clock(plan, device), Report(log, plan.report_seconds)
    step, halfway = 0, False
    while (progress := clock.progress(step)) < 1.0:
        stepper.batch.copy_(sampler.draw())
        stepper.run()
        average_over_processes(adam.grads)
        adam.step(learning_rate(plan, step, progress))
        step += 1
        report.update(step, clock.elapsed, stepper.loss)
        if progress >= MIDDLE_SAVE and not halfway:
            save()
            halfway = True
    save()
    log(f"{clock.elapsed:6.1f} s  done after {step} steps of {plan.batch} in each process")
    return step


def average_over_processes(flat: Tensor) -> None:
    """Replace a vector by its mean over all processes; alone there is nothing to do."""
    if dist.is_initialized():
        dist.all_reduce(flat)
        flat.div_(dist.get_world_size())


def start_processes(device: str) -> tuple[int, torch.device]:
    """Join torchrun's process group if there is one; return this rank and its device."""
    rank = int(os.environ.get("RANK", "0"))
    place = torch.device(device)
    if place.type == "cuda":
        place = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(place)
        torch.backends.cudnn.benchmark = True
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        dist.init_process_group("nccl" if place.type == "cuda" else "gloo")
    return rank, place


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="portraits: folder or tar")
    parser.add_argument("--vae", type=Path, required=True, help="diffusers AutoencoderKL folder")
    parser.add_argument("--tokenizer", type=Path, required=True, help="CLIP tokenizer folder")
    parser.add_argument("--out", type=Path, required=True, help="folder of the averaged weights")
    parser.add_argument("--init", type=Path, help="start from the weights in this folder")
    parser.add_argument("--state", type=Path, help="file to save to and go on from exactly")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--batch", type=int, default=256, help="portraits a step in each process")
    parser.add_argument("--steps", type=int, help="length of the training in steps, or")
    parser.add_argument("--minutes", type=float, help="its length by the clock")
    parser.add_argument("--learning-rate", type=float, default=Plan.learning_rate)
    parser.add_argument("--warmup", type=int, default=Plan.warmup, help="steps of rising rate")
    parser.add_argument("--face-weight", type=float, default=Plan.face_weight)
    parser.add_argument("--variants", type=int, default=6, help="crops of each portrait")
    parser.add_argument("--captions", type=int, default=48, help="captions of each portrait")
    parser.add_argument("--limit", type=int, help="use only the first portraits (trial)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--channels-last", action="store_true", help="keep channels innermost")
    parser.add_argument("--eager", action="store_true", help="do without a CUDA graph")
    return parser


def main(argv: list[str] | None = None) -> None:
    """Train from the command line."""
    args = build_parser().parse_args(argv)
    rank, device = start_processes(args.device)
    plan = plan_from(args, device)
    log = print_now if rank == 0 else ignore
    started = time.monotonic()
    tokenizer = CLIPTokenizer.from_pretrained(args.tokenizer)
    cache = build_cache(args, tokenizer, rank, device)
    log(f"cached {tuple(cache.latents.shape)} latents in {time.monotonic() - started:.1f} s")
    adam = start_weights(args, len(tokenizer), device)
    generator = torch.Generator(device).manual_seed(1000 * args.seed + rank + 1)
    sampler = Sampler(cache, plan.batch, min_snr_gamma=plan.min_snr_gamma, generator=generator)
    save = partial(save_weights, adam, args) if rank == 0 else ignore
    train(adam, sampler, plan, save, log)
    if dist.is_initialized():
        dist.destroy_process_group()


def plan_from(args: argparse.Namespace, device: torch.device) -> Plan:
    """Take the plan from the command line."""
    return Plan(
        batch=args.batch,
        steps=args.steps,
        minutes=args.minutes,
        learning_rate=args.learning_rate,
        warmup=args.warmup,
        face_weight=args.face_weight,
        graph=device.type == "cuda" and not args.eager,
    )


def start_weights(args: argparse.Namespace, vocab_size: int, device: torch.device) -> FlatAdam:
    """Make the networks, the same in every process, and read weights or state where asked to."""
    torch.manual_seed(args.seed)
    adam = FlatAdam(
        build_denoiser(vocab_size).to(device),
        torch.bfloat16 if device.type == "cuda" else torch.float32,
        AdamSettings(),
        channels_last=args.channels_last,
    )
    if args.init:
        adam.load_average(load_shards(args.init))
    if args.state and args.state.exists():
        adam.load_state_dict(torch.load(args.state, map_location=device, weights_only=True))
    return adam


def save_weights(adam: FlatAdam, args: argparse.Namespace) -> None:
    """Write the averaged weights, and the whole state where a file is named for it."""
    save_shards(adam.average_state(), args.out)
    if args.state:
        torch.save(adam.state_dict(), args.state)


def print_now(line: str) -> None:
    """Print one line at once."""
    print(line, flush=True)


def ignore(*_: object) -> None:
    """Do what all processes but the first do about output: nothing."""


if __name__ == "__main__":
    main()
