"""Train the autoencoder of the mini checkpoint: KL-regularised, f8, four latent channels.

The objective is that of latent diffusion (Rombach et al. 2022, arXiv 2112.10752, section G):
pixels, a perceptual distance, a slight KL term and late, weakly, a patch critic. Two additions
spend the few latent channels where a portrait is looked at: pixels are weighted towards the
face, and the features of a face parser are compared on a close crop of it.

Seen once, on two H100: 1,944 steps of 128 portraits in 435 s, most residual blocks compiled
(5 % faster than this code), gave 29.05 dB and a self-similarity of 0.796 on 202 held-back
portraits. The adversary stayed out: after 65 % of the run the PSNR was 28.35 dB.
"""

import argparse
import json
import logging
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn

from tools.mini.autoencoder_losses import (
    FaceFeatures,
    ShiftTolerantLpips,
    critic_loss,
    kl_loss,
    patch_critic,
    pixel_loss,
)
from tools.mini.data import SIZE, Portraits, find_faces, load
from tools.mini.latent_space import (
    SCALE,
    fold_latents,
    psnr,
    reconstruct,
    self_similarity,
    sheet,
)
from tools.mini.processes import World, keep_types
from tools.mini.views import draw_views, face_geometry, face_weights

YUNET = "face_detection_yunet_2023mar_fp32.onnx"
SFACE = "face_recognition_sface_2021dec_fp16.onnx"
LPIPS = "alex_shift_tolerant.pth"
PARSER = "79999_iter.pth"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recipe:
    """Hold what decides the result; losses are weighted relative to the pixel loss."""

    batch: int = 48  # portraits a GPU
    rate: float = 8e-4  # peak, after the warm-up; falls to 1 % of it along a cosine
    warmup: int = 150  # steps
    perceptual: float = 0.25  # texture anywhere: less and hair turns to felt
    face: float = 0.12  # eyes and mouth: more and the skin shows a grid
    kl: float = 5e-7  # of the nats summed over a latent: more and eyes blur
    adversary: float = 0.003  # grain: more costs PSNR and invents wrinkles
    adversary_from: float = 0.65  # share of the run
    adversary_needs: float = 28.7  # dB on held-back portraits, else no adversary at all
    ema: float = 0.999
    augment: float = 0.4  # share of portraits seen through another crop, and other colours


@dataclass(frozen=True)
class Budget:
    """Hold how long the whole schedule is, in seconds or, where given, in steps."""

    seconds: float
    steps: int | None = None

    def progress(self, step: int, seconds: float) -> float:
        """Tell the share of the schedule that is behind, 0 to 1 and beyond."""
        return step / self.steps if self.steps else seconds / self.seconds


def build() -> AutoencoderKL:
    """Build the untrained net: 5.6 M parameters, (B, 3, 192, 192) to latents (B, 4, 24, 24)."""
    return AutoencoderKL(
        block_out_channels=(64, 64, 128, 128),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        latent_channels=4,
        sample_size=SIZE,
        scaling_factor=SCALE,
    )


@dataclass(frozen=True)
class Measures:
    """Hold the two frozen nets that compare a reconstruction with its portrait."""

    lpips: nn.Module  # (output, target) to a scalar
    features: nn.Module  # (output, target, faces) to a scalar

    @classmethod
    def load(cls, nets: Path, device: torch.device) -> "Measures":
        """Load both from the folder that holds their weights."""
        lpips, features = ShiftTolerantLpips(nets / LPIPS), FaceFeatures(nets / PARSER)
        return cls(lpips.to(device), features.to(device))


def _adam(net: nn.Module, rate: float, betas: tuple[float, float]) -> torch.optim.AdamW:
    fused = next(net.parameters()).is_cuda
    return torch.optim.AdamW(net.parameters(), rate, betas, weight_decay=0.0, fused=fused)


class Trainer:
    """Hold the nets, their optimisers and what has been done so far; `step` does one update."""

    def __init__(
        self, recipe: Recipe, measures: "Measures", device: torch.device, world: World
    ) -> None:
        self.recipe, self.measures, self.device, self.world = recipe, measures, device, world
        torch.manual_seed(0)  # the same weights in every process
        self.vae = build().to(device, memory_format=torch.channels_last)
        self.critic = patch_critic().to(device)
        self.average = [parameter.detach().clone() for parameter in self.vae.parameters()]
        keep_types(self.vae)
        self.optimiser = _adam(self.vae, recipe.rate, (0.9, 0.99))
        self.critic_optimiser = _adam(self.critic, 2e-4, (0.5, 0.9))
        self.steps, self.seconds, self.adversarial = 0, 0.0, False
        torch.manual_seed(1 + world.rank)  # other portraits in every process

    def step(self, images: Tensor, faces: Tensor, progress: float) -> dict[str, Tensor]:
        """Update once on uint8 pictures (B, H, W, 3) with face geometry (B, 7, 2)."""
        views = draw_views(len(images), self.recipe.augment, self.device)
        target, faces = views.of_images(images), views.of_faces(faces)
        with self._autocast():
            posterior = self.vae.encode(target).latent_dist
            output = self.vae.decode(posterior.sample()).sample
        losses = self._losses(output, target, faces)
        losses["kl"] = self.recipe.kl * kl_loss(posterior.mean.float(), posterior.logvar.float())
        torch.autograd.backward(list(losses.values()))
        self._update(progress)
        if self.adversarial:
            losses["critic"] = self._teach_critic(output.detach(), target)
        return {name: loss.detach() for name, loss in losses.items()}

    def averaged(self) -> AutoencoderKL:
        """Return a float32 copy of the net with the averaged weights."""
        copy = build().to(self.device)
        with torch.no_grad():
            for parameter, average in zip(copy.parameters(), self.average, strict=True):
                parameter.copy_(average)
        return copy.eval().requires_grad_(False)

    def save(self, path: Path) -> None:
        """Write everything that is needed to go on, replacing the file in one go."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        states = {name: kept.state_dict() for name, kept in self._parts()}
        torch.save(states | self._done(), part)
        part.replace(path)

    def load(self, path: Path) -> None:
        """Go on where `save` left off."""
        state = torch.load(path, map_location=self.device, weights_only=True)
        for name, part in self._parts():
            part.load_state_dict(state[name])
        self.average = state["average"]
        self.steps, self.seconds = state["steps"], state["seconds"]
        self.adversarial = state["adversarial"]

    def _parts(self) -> list[tuple[str, nn.Module | torch.optim.Optimizer]]:
        names = ("vae", "critic", "optimiser", "critic_optimiser")
        return [(name, getattr(self, name)) for name in names]

    def _done(self) -> dict[str, object]:
        names = ("average", "steps", "seconds", "adversarial")
        return {name: getattr(self, name) for name in names}

    def _autocast(self) -> torch.autocast:
        gpu = self.device.type == "cuda"
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=gpu)

    def _losses(self, output: Tensor, target: Tensor, faces: Tensor) -> dict[str, Tensor]:
        recipe = self.recipe
        weights = face_weights(faces, target.shape[-1])
        losses = {"pixel": pixel_loss(output.float(), target, weights)}
        with self._autocast():
            losses["lpips"] = recipe.perceptual * self.measures.lpips(output, target)
            features = self.measures.features(output, target, faces)
            losses["face"] = recipe.face * features
            if self.adversarial:
                losses["fool"] = -recipe.adversary * self.critic(output).float().mean()
        return losses

    def _update(self, progress: float) -> None:
        self.world.average(self.vae.parameters())
        nn.utils.clip_grad_norm_(self.vae.parameters(), 1.0)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.recipe, self.steps, progress)
        self.optimiser.step()
        self.optimiser.zero_grad()
        self.steps += 1
        decay = min(self.recipe.ema, (1 + self.steps) / (10 + self.steps))
        for average, parameter in zip(self.average, self.vae.parameters(), strict=True):
            average.lerp_(parameter.detach(), 1 - decay)

    def _teach_critic(self, output: Tensor, target: Tensor) -> Tensor:
        self.critic_optimiser.zero_grad()  # drops what the autoencoder's step left there
        with self._autocast():
            loss = critic_loss(self.critic(target), self.critic(output))
        torch.autograd.backward(loss)
        self.world.average(self.critic.parameters())
        self.critic_optimiser.step()
        self.critic_optimiser.zero_grad()
        return loss


def learning_rate(recipe: Recipe, step: int, progress: float) -> float:
    """Rise over the warm-up, then fall along a half cosine to a hundredth of the peak."""
    fall = 0.505 + 0.495 * math.cos(math.pi * min(progress, 1.0))
    return recipe.rate * fall * min(1.0, (step + 1) / recipe.warmup)


@dataclass(frozen=True)
class Stock:
    """Hold the portraits on the device, and what is known about their faces."""

    images: Tensor  # uint8 (N, H, W, 3)
    faces: Tensor  # (N, 7, 2)
    rows: np.ndarray  # (N, 15)
    weights: Tensor  # (N,)
    held_out: np.ndarray  # (N,)

    @classmethod
    def of(cls, portraits: Portraits, nets: Path, device: torch.device) -> "Stock":
        """Find the faces and move everything to the device."""
        rows = find_faces(portraits.images, nets / YUNET)
        images = torch.from_numpy(portraits.images).to(device)
        weights = torch.from_numpy(portraits.weights).to(device)
        return cls(images, face_geometry(rows).to(device), rows, weights, portraits.held_out)

    def draw(self, count: int) -> tuple[Tensor, Tensor]:
        """Draw `count` portraits by weight, with replacement: pictures and face geometry."""
        chosen = torch.multinomial(self.weights, count, replacement=True)
        return self.images[chosen], self.faces[chosen]


def train(trainer: Trainer, stock: Stock, budget: Budget) -> Iterator[dict[str, Tensor]]:
    """Train until the budget is spent, yielding the losses of each step."""
    before, start = trainer.seconds, time.monotonic()
    progress = 0.0
    while True:
        if trainer.steps % 8 == 0 or budget.steps:
            trainer.seconds = before + time.monotonic() - start
            progress = budget.progress(trainer.steps, trainer.seconds)
            progress = trainer.world.agree(progress, trainer.device)
            consider_adversary(trainer, stock, progress)
        if progress >= 1:
            return
        yield trainer.step(*stock.draw(trainer.recipe.batch), progress)


def consider_adversary(trainer: Trainer, stock: Stock, progress: float) -> None:
    """Let the adversary in once, late, and only where the PSNR has some to spare."""
    recipe = trainer.recipe
    if trainer.adversarial or not recipe.adversary or progress < recipe.adversary_from:
        return
    images = stock.images[torch.from_numpy(stock.held_out).to(trainer.device)]
    decibels = float(psnr(images.cpu().numpy(), reconstruct(trainer.averaged(), images)).mean())
    decibels = trainer.world.agree(decibels, trainer.device)
    trainer.adversarial = decibels >= recipe.adversary_needs
    log.info("PSNR %.2f dB: adversary %s", decibels, "in" if trainer.adversarial else "out")
    if not trainer.adversarial:
        trainer.recipe = replace(recipe, adversary=0.0)


def finish(trainer: Trainer, stock: Stock, nets: Path, out: Path) -> dict[str, float]:
    """Fold, write the net in half precision, measure what was written; return the figures."""
    vae = trainer.averaged()
    held = torch.from_numpy(stock.held_out).to(trainer.device)
    fold_latents(vae, stock.images[~held])
    vae = vae.half()
    vae.save_pretrained(out / "vae")
    images = stock.images[held]
    others = reconstruct(vae.float(), images)
    originals, rows = images.cpu().numpy(), stock.rows[stock.held_out]
    decibels = psnr(originals, others)
    cosines = self_similarity(originals, others, rows, nets / SFACE)
    sheet(originals[:16], others[:16]).save(out / "sheet.png")
    figures = {
        "psnr": float(decibels.mean()),
        "self_similarity": float(cosines.mean()),
        "self_similarity_worst_tenth": float(np.quantile(cosines, 0.1)),
        "held_out": len(cosines),
        "steps": trainer.steps,
        "seconds": trainer.seconds,
    }
    (out / "figures.json").write_text(json.dumps(figures, indent=2))
    return figures


def report(trainer: Trainer, losses: dict[str, Tensor], rate: float) -> None:
    """Log one line: step, seconds, portraits a second over all GPUs, losses."""
    parts = " ".join(f"{name} {loss.item():.4f}" for name, loss in losses.items())
    log.info("step %d %.0f s %.0f img/s %s", trainer.steps, trainer.seconds, rate, parts)


def run(trainer: Trainer, stock: Stock, budget: Budget, args: argparse.Namespace) -> None:
    """Train, logging every ten seconds and saving once at 60 % and at the end."""
    first = trainer.world.rank == 0
    saved = trainer.steps > 0
    told, steps = time.monotonic(), trainer.steps
    for losses in train(trainer, stock, budget):
        since = time.monotonic() - told
        if since >= 10 and first:
            done = (trainer.steps - steps) * trainer.recipe.batch * trainer.world.size
            report(trainer, losses, done / since)
            told, steps = time.monotonic(), trainer.steps
        if not saved and first and budget.progress(trainer.steps, trainer.seconds) > 0.6:
            saved = True
            trainer.save(args.state)
            trainer.averaged().half().save_pretrained(args.out / "early")
    if first:
        trainer.save(args.state)
        log.info("%s", finish(trainer, stock, args.nets, args.out))


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tools.mini.autoencoder")
    parser.add_argument("--portraits", type=Path, required=True, help="folder or tar file")
    parser.add_argument("--nets", type=Path, required=True, help="folder of the judging nets")
    parser.add_argument("--out", type=Path, required=True, help="folder for the result")
    parser.add_argument("--state", type=Path, required=True, help="file to resume from")
    parser.add_argument("--minutes", type=float, default=9.0, help="of the whole schedule")
    parser.add_argument("--batch", type=int, default=Recipe.batch, help="portraits a GPU")
    parser.add_argument("--rate", type=float, default=Recipe.rate, help="peak learning rate")
    parser.add_argument("--adversary", type=float, default=Recipe.adversary, help="its weight")
    parser.add_argument("--steps", type=int, help="count the schedule in steps instead")
    parser.add_argument("--smoke", action="store_true", help="two steps of every phase, no more")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Train from the command line, or under torchrun."""
    args = parse(argv)
    world = World.join()
    level = logging.WARNING if world.rank else logging.INFO
    logging.basicConfig(level=level, format="%(asctime)s %(message)s")
    gpu = torch.cuda.is_available()
    device = torch.device("cuda", world.rank) if gpu else torch.device("cpu")
    if gpu:
        torch.cuda.set_device(device)
        torch.backends.cudnn.benchmark = True
    recipe = Recipe(batch=args.batch, rate=args.rate, adversary=args.adversary)
    portraits = load(args.portraits)
    if args.smoke:
        portraits = head(portraits, 54)
        recipe = replace(recipe, batch=2, adversary_from=0.5, adversary_needs=0.0)
    trainer = Trainer(recipe, Measures.load(args.nets, device), device, world)
    if args.state.exists():
        trainer.load(args.state)
    args.out.mkdir(parents=True, exist_ok=True)
    budget = Budget(args.minutes * 60, trainer.steps + 4 if args.smoke else args.steps)
    run(trainer, Stock.of(portraits, args.nets, device), budget, args)
    world.leave()


def head(portraits: Portraits, count: int) -> Portraits:
    """Keep the first `count` portraits."""
    return Portraits(
        portraits.images[:count],
        portraits.labels[:count],
        portraits.held_out[:count],
        portraits.weights[:count],
    )


if __name__ == "__main__":
    main()
