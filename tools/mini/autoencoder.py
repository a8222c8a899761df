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
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from diffusers import AutoencoderKL
from PIL import Image
from torch import Tensor, distributed, nn
from torch.nn import functional as F

from tools.mini.data import SIZE, Portraits, find_faces, load
from tools.mini.label import IMAGENET_MEAN, IMAGENET_STD, load_trunk

SCALE = 0.18215
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


# ---------------------------------------------------------------- what is seen, and where


def face_geometry(rows: np.ndarray, size: int = SIZE) -> Tensor:
    """Turn YuNet rows (N, 15) into float (N, 7, 2), in -1..1 across the picture.

    The seven are the box's centre, its half size, the eyes, the nose and the mouth's corners.
    """
    box = torch.as_tensor(rows[:, :14], dtype=torch.float32).view(-1, 7, 2) * (2 / size)
    half = box[:, 1:2] / 2
    points = torch.cat([box[:, :1] + half, box[:, 2:]], dim=1) + 1 / size - 1
    return torch.cat([points[:, :1], half, points[:, 1:]], dim=1)


@dataclass(frozen=True)
class Views:
    """Hold how each picture of a batch is looked at: in = flip * zoom * out + shift, -1..1."""

    zoom: Tensor  # (B, 1)
    shift: Tensor  # (B, 2)
    flip: Tensor  # (B, 2), +-1 along x, 1 along y
    gain: Tensor  # (B, 3, 1, 1)
    lift: Tensor  # (B, 1, 1, 1)

    def of_images(self, images: Tensor) -> Tensor:
        """Look at uint8 pictures (B, H, W, 3): float (B, 3, H, W) in -1..1, channels last."""
        pixels = images.permute(0, 3, 1, 2).float() / 255
        seen = crop(pixels, self.flip * self.zoom, self.shift, pixels.shape[-1])
        seen = (seen * self.gain + self.lift).clamp(0, 1) * 2 - 1
        return seen.contiguous(memory_format=torch.channels_last)

    def of_faces(self, faces: Tensor) -> Tensor:
        """Move face geometry (B, 7, 2) along with its picture."""
        flip, zoom, shift = self.flip[:, None], self.zoom[:, None], self.shift[:, None]
        moved = flip * (faces - shift) / zoom
        return torch.cat([moved[:, :1], faces[:, 1:2] / zoom, moved[:, 2:]], dim=1)


def draw_views(count: int, chance: float, device: torch.device) -> Views:
    """Draw `count` views: all flipped by a coin; `chance` of other crops and of other colours."""

    def uniform(*shape: int, low: float, high: float) -> Tensor:
        return torch.rand(count, *shape, device=device) * (high - low) + low

    moved = (uniform(1, low=0, high=1) < chance).float()
    tinted = (uniform(1, 1, 1, low=0, high=1) < chance).float()
    flip = torch.ones(count, 2, device=device)
    flip[:, 0] = torch.where(uniform(low=0, high=1) < 0.5, -1.0, 1.0)
    gain = uniform(1, 1, 1, low=-0.25, high=0.2) + uniform(3, 1, 1, low=-0.12, high=0.12)
    return Views(
        zoom=1 + moved * uniform(1, low=-0.3, high=0.15),
        shift=moved * uniform(2, low=-0.1, high=0.1),
        flip=flip,
        gain=1 + tinted * gain,
        lift=tinted * uniform(1, 1, 1, low=-0.06, high=0.1),
    )


def crop(pixels: Tensor, zoom: Tensor, shift: Tensor, side: int) -> Tensor:
    """Sample `side` x `side` pixels at zoom * out + shift; zoom (B, 1 or 2), shift (B, 2)."""
    theta = torch.cat([torch.diag_embed(zoom.expand(-1, 2)), shift[:, :, None]], dim=2)
    grid = F.affine_grid(theta, [len(pixels), pixels.shape[1], side, side], align_corners=False)
    return F.grid_sample(pixels, grid, padding_mode="reflection", align_corners=False)


def face_weights(faces: Tensor, size: int = SIZE) -> Tensor:
    """Weigh pixels by what they tell of a face: (B, 1, size, size), mean 1 in each picture.

    Against 1 for the background the face's ellipse counts 5, eyes, nose and mouth up to 11.
    """
    axis = (torch.arange(size, device=faces.device) + 0.5) * (2 / size) - 1
    place = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1)[None]
    centre, half = faces[:, None, None, 0], faces[:, None, None, 1]
    ellipse = torch.sigmoid(8 * (1.15 - ((place - centre) / half).norm(dim=-1)))
    points = torch.cat([faces[:, 2:], faces[:, 5:].mean(dim=1, keepdim=True)], dim=1)
    spread = 0.3 * (faces[:, 2] - faces[:, 3]).norm(dim=-1).clamp_min(0.05)
    apart = (place[:, None] - points[:, :, None, None]).norm(dim=-1)
    blobs = torch.exp(-0.5 * (apart / spread[:, None, None, None]) ** 2).amax(dim=1)
    weights = 1 + 4 * ellipse + 6 * blobs
    return (weights / weights.mean(dim=(1, 2), keepdim=True))[:, None]


# ---------------------------------------------------------------- losses


def pixel_loss(output: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Compare pixels, |d| for edges + 2 d^2 for the PSNR, weighted towards the face."""
    difference = output - target
    return (weights * (difference.abs() + 2 * difference.square())).mean()


def kl_loss(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Keep latents near a unit Gaussian, so that a denoiser can learn them: nats a picture.

    Kingma & Welling 2014, arXiv 1312.6114, appendix B.
    """
    nats = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
    return nats.sum(dim=(1, 2, 3)).mean()


class ShiftTolerantLpips(nn.Module):
    """Compare texture as people do, indifferent to shifts of a pixel.

    Shift-tolerant LPIPS on AlexNet (Ghildyal & Liu 2022, arXiv 2207.13686; LPIPS: Zhang et al.
    2018, arXiv 1801.03924), with the first convolution at stride 2 in place of a blur after it:
    a quarter of the cost and nearly the same gradient.
    """

    SLICES = ("slice1.0", "slice2.5", "slice3.9", "slice4.11", "slice5.13")
    BLURRED_BEFORE = (False, True, True, False, False)

    def __init__(self, weights: Path) -> None:
        super().__init__()
        state = torch.load(weights, map_location="cpu", weights_only=True)
        self.register_buffer("shift", state["scaling_layer.shift"].float())
        self.register_buffer("scale", state["scaling_layer.scale"].float())
        self.convolutions = nn.ModuleList(_convolution(state, name) for name in self.SLICES)
        for i in range(len(self.SLICES)):
            self.register_buffer(f"line{i}", state[f"lin{i}.model.1.weight"].float())
        self.requires_grad_(False)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Measure the mean distance of two batches (B, 3, H, W) in -1..1: a scalar, >= 0."""
        with torch.no_grad():
            wanted = list(self._features(target))
        distance = output.new_zeros((), dtype=torch.float32)
        for i, (a, b) in enumerate(zip(self._features(output), wanted, strict=True)):
            apart = (_unit(a) - _unit(b)).square()
            distance = distance + F.conv2d(apart, self.get_buffer(f"line{i}")).mean()
        return distance

    def _features(self, x: Tensor) -> Iterator[Tensor]:
        x = (x - self.get_buffer("shift")) / self.get_buffer("scale")
        for i, convolution in enumerate(self.convolutions):
            if self.BLURRED_BEFORE[i]:
                x = _blur_pool(F.max_pool2d(x, 3, 1))
            x = F.relu(convolution(x))
            yield x


def _convolution(state: dict[str, Tensor], name: str) -> nn.Conv2d:
    weight, bias = state[f"net.{name}.weight"].float(), state[f"net.{name}.bias"].float()
    outputs, inputs, side, _ = weight.shape
    first = side == 11
    layer = nn.Conv2d(inputs, outputs, side, 2 if first else 1, 2 if side > 3 else 1)
    layer.load_state_dict({"weight": weight, "bias": bias})
    return layer


def _blur_pool(x: Tensor) -> Tensor:
    """Halve the sides after a 1-2-1 blur (Zhang 2019, arXiv 1904.11486)."""
    line = torch.tensor([0.25, 0.5, 0.25], device=x.device, dtype=x.dtype)
    kernel = torch.outer(line, line).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), kernel, None, 2, groups=x.shape[1])


def _unit(x: Tensor) -> Tensor:
    return F.normalize(x.float(), dim=1, eps=1e-5)


class FaceFeatures(nn.Module):
    """Compare eyes, brows and mouths as a face parser sees them.

    Feature matching (Johnson et al. 2016, arXiv 1603.08155) in the ResNet-18 of BiSeNet (Yu et
    al. 2018, arXiv 1808.00897), which was trained to tell 19 parts of a face; no face recogniser
    takes part, so that recognisers can judge the result.
    """

    MARGIN = 1.35  # crop over face box
    SIDE = 224  # pixels

    def __init__(self, weights: Path) -> None:
        super().__init__()
        self.trunk = load_trunk(weights, stages=3)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))

    def forward(self, output: Tensor, target: Tensor, faces: Tensor) -> Tensor:
        """Measure the mean relative L1 distance over the stages: a scalar, 0 to about 1."""
        with torch.no_grad():
            wanted = self._features(target, faces)
        pairs = zip(self._features(output, faces), wanted, strict=True)
        return torch.stack([_relative(a.float(), b.float()) for a, b in pairs]).mean()

    def _features(self, pixels: Tensor, faces: Tensor) -> list[Tensor]:
        zoom = self.MARGIN * faces[:, 1].amax(dim=1, keepdim=True)
        face = crop(pixels.float(), zoom, faces[:, 0], self.SIDE)
        face = ((face + 1) / 2 - self.get_buffer("mean")) / self.get_buffer("std")
        features: list[Tensor] = self.trunk(face.contiguous(memory_format=torch.channels_last))
        return features


def _relative(output: Tensor, target: Tensor) -> Tensor:
    return (output - target).abs().mean() / target.abs().mean().clamp_min(1e-6)


def patch_critic(width: int = 48) -> nn.Sequential:
    """Build a critic of 34-pixel patches (Isola et al. 2017, arXiv 1611.07004, section 3.2)."""
    layers: list[nn.Module] = [nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(0.2)]
    for inputs, stride in ((width, 2), (2 * width, 1)):
        layers += [nn.Conv2d(inputs, 2 * inputs, 4, stride, 1), nn.GroupNorm(8, 2 * inputs)]
        layers += [nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(4 * width, 1, 4, 1, 1))


def critic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Teach the critic to tell photo (> 1) from reconstruction (< -1) by the hinge loss."""
    return (F.relu(1 - real).mean() + F.relu(1 + fake).mean()) / 2


# ---------------------------------------------------------------- several GPUs


@dataclass(frozen=True)
class World:
    """Hold this process's place among those that torchrun started; alone without it."""

    rank: int = 0
    size: int = 1

    @classmethod
    def join(cls) -> "World":
        """Join the process group that the environment describes, if it does."""
        if "WORLD_SIZE" not in os.environ:
            return cls()
        distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
        return cls(distributed.get_rank(), distributed.get_world_size())

    def leave(self) -> None:
        """Leave the process group."""
        if self.size > 1:
            distributed.destroy_process_group()

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        """Average the gradients over all processes, in one message."""
        if self.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([g.flatten() for g in gradients]) / self.size
        distributed.all_reduce(flat)
        parts = torch.split(flat, [g.numel() for g in gradients])
        for g, part in zip(gradients, parts, strict=True):
            g.copy_(part.view_as(g))

    def agree(self, value: float, device: torch.device) -> float:
        """Return the first process's value everywhere, since clocks differ."""
        if self.size == 1:
            return value
        shared = torch.tensor(value, device=device, dtype=torch.float64)
        distributed.broadcast(shared, 0)
        return shared.item()


class SameTypeNorm(nn.GroupNorm):
    """Normalise in the input's own type: autocast's float32 would double the memory traffic."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, C, H, W); the statistics are float32 inside the kernel all the same."""
        weight, bias = self.weight.to(x.dtype), self.bias.to(x.dtype)
        with torch.autocast(x.device.type, enabled=False):
            return F.group_norm(x, self.num_groups, weight, bias, self.eps)


def keep_types(vae: AutoencoderKL) -> None:
    """Replace every group norm by `SameTypeNorm`, in place; the weights' names stay."""
    for module in vae.modules():
        if type(module) is nn.GroupNorm:
            module.__class__ = SameTypeNorm


# ---------------------------------------------------------------- training


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


# ---------------------------------------------------------------- result


@torch.no_grad()
def fold_latents(vae: AutoencoderKL, images: Tensor, batch: int = 32) -> None:
    """Fold the latents' mean and spread into the 1x1 convolutions, in place.

    Afterwards latents * 0.18215 have mean 0 and variance 1 in each channel over `images` (uint8,
    (N, H, W, 3)), and reconstructions are what they were.
    """
    latents = torch.cat([encode(vae, part).double() for part in torch.split(images, batch)])
    mean = latents.mean(dim=(0, 2, 3))
    spread = latents.std(dim=(0, 2, 3)) * SCALE
    before, after = vae.quant_conv, vae.post_quant_conv
    _scale_output(before.weight, before.bias, mean, spread)
    _scale_input(after.weight, after.bias, mean, spread)


def _scale_output(weight: Tensor, bias: Tensor, mean: Tensor, spread: Tensor) -> None:
    count = len(mean)
    weight[:count] = (weight[:count] / spread[:, None, None, None]).float()
    bias[:count] = ((bias[:count] - mean) / spread).float()
    bias[count:] -= (2 * spread.log()).float()  # the other half are log variances


def _scale_input(weight: Tensor, bias: Tensor, mean: Tensor, spread: Tensor) -> None:
    bias += (weight[:, :, 0, 0].double() @ mean).float()
    weight *= spread.float()[None, :, None, None]


def encode(vae: AutoencoderKL, images: Tensor) -> Tensor:
    """Encode uint8 pictures (B, H, W, 3) to the mode of their latents (B, 4, H/8, W/8)."""
    pixels = images.permute(0, 3, 1, 2).float() / 127.5 - 1
    latents: Tensor = vae.encode(pixels).latent_dist.mode()
    return latents


@torch.no_grad()
def reconstruct(vae: AutoencoderKL, images: Tensor, batch: int = 32) -> np.ndarray:
    """Encode and decode uint8 pictures (N, H, W, 3), to the same."""
    parts = [vae.decode(encode(vae, part)).sample for part in torch.split(images, batch)]
    pixels = ((torch.cat(parts) + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return np.asarray(pixels.permute(0, 2, 3, 1).cpu())


def psnr(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Compare uint8 pictures (N, H, W, 3) pair by pair: decibels (N,)."""
    error = np.square(images.astype(np.float32) - others).mean(axis=(1, 2, 3))
    return np.asarray(10 * np.log10(255.0**2 / np.maximum(error, 1e-9)))


def self_similarity(
    images: np.ndarray, others: np.ndarray, rows: np.ndarray, recogniser: Path
) -> np.ndarray:
    """Tell how far a reconstruction is still the same person: cosines (N,), by SFace."""
    net = cv2.FaceRecognizerSF.create(str(recogniser), "")

    def feature(image: np.ndarray, row: np.ndarray) -> np.ndarray:
        face = net.alignCrop(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), row)
        return np.array(net.feature(face))

    pairs = zip(images, others, rows, strict=True)
    return np.array([net.match(feature(a, row), feature(b, row), 0) for a, b, row in pairs])


def sheet(images: np.ndarray, others: np.ndarray, columns: int = 8) -> Image.Image:
    """Draw originals over their reconstructions, `columns` a line."""
    lines = []
    for i in range(0, len(images), columns):
        lines += [np.hstack(list(row[i : i + columns])) for row in (images, others)]
    return Image.fromarray(np.vstack(lines))


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
