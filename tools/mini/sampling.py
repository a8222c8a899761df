"""Sample the mini at fixed seeds, for prompts whose fulfilment can be checked."""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
import torch
from diffusers import AutoencoderKL, DDIMScheduler, DPMSolverMultistepScheduler
from torch import Tensor
from transformers import CLIPTokenizer

from tools.mini.captions import age_word, article
from tools.mini.networks import CONTEXT_LENGTH, LATENT_SIZE, Denoiser, load_denoiser
from tools.mini.noising import BETA_END, BETA_START, TIMESTEPS

GRID_PROMPTS = (
    "portrait photo of a young woman, smiling, blue background, color photo",
    "portrait photo of a middle aged man, wearing glasses, dark background, color photo",
    "photo of an old man, serious, gray background, black and white photo",
    "photo of a woman, gray background, color photo",
    "portrait of a young man, smiling, gray background, color photo",
    "portrait of a middle aged woman, smiling, light background, black and white photo",
    "fcsks, photo of a man, blue background, color photo",
    "masterpiece, best quality, professional headshot of an old woman, wearing glasses",
)
GRID_SEEDS = 8
BACKGROUNDS = {
    "color": ("blue", "blue", "gray", "gray", "dark", "brown", "white"),
    "bw": ("dark", "gray", "light"),
}
STYLE_WORDS = {"color": "color photo", "bw": "black and white photo"}
NOUNS = {"female": "woman", "male": "man"}


@dataclass(frozen=True)
class Wish:
    """Say what one sample should show; None where the prompt leaves it open."""

    gender: str
    style: str
    age: int | None
    glasses: bool | None
    smile: bool | None
    background: str | None

    @property
    def prompt(self) -> str:
        """Write the wish in the caption grammar."""
        age = f"{age_word(self.age)} " if self.age is not None else ""
        subject = age + NOUNS[self.gender]
        phrases = [
            f"portrait photo of {article(subject)} {subject}",
            {True: "smiling", False: "serious", None: ""}[self.smile],
            {True: "wearing glasses", False: "no glasses", None: ""}[self.glasses],
            f"{self.background} background" if self.background else "",
            STYLE_WORDS[self.style],
        ]
        return ", ".join(filter(None, phrases))


def wishes(count: int, seed: int = 0) -> list[Wish]:
    """Draw `count` wishes: both genders and styles equally often, glasses in half of them."""
    rng = Random(seed)
    return [_wish(rng) for _ in range(count)]


def _wish(rng: Random) -> Wish:
    style = rng.choice(("color", "color", "bw"))
    return Wish(
        gender=rng.choice(("female", "male")),
        style=style,
        age=rng.choice((None, 25, 45, 65)),
        glasses=rng.choice((None, None, True, False)),
        smile=rng.choice((None, True, False)),
        background=rng.choice((None, *BACKGROUNDS[style])),
    )


def grid_prompts() -> list[str]:
    """List the 64 prompts of the picture grid, eight seeds of each in a row."""
    return [prompt for prompt in GRID_PROMPTS for _ in range(GRID_SEEDS)]


def noise_for(seeds: Iterable[int]) -> Tensor:
    """Draw the start of each seed (B, 4, 24, 24) on the CPU, the same on every machine."""
    shape = (4, LATENT_SIZE, LATENT_SIZE)
    return torch.stack([torch.randn(shape, generator=_generator(seed)) for seed in seeds])


def make_scheduler(name: str) -> DPMSolverMultistepScheduler | DDIMScheduler:
    """Make "dpm" (DPM-Solver++ 2M) or "ddim" on Stable Diffusion's noise schedule."""
    settings = {
        "beta_start": BETA_START,
        "beta_end": BETA_END,
        "beta_schedule": "scaled_linear",
        "num_train_timesteps": TIMESTEPS,
        "steps_offset": 1,
    }
    if name == "ddim":
        return DDIMScheduler(**settings, clip_sample=False, set_alpha_to_one=False)
    return DPMSolverMultistepScheduler(**settings, use_karras_sigmas=name == "dpm-karras")


@torch.no_grad()
def sample(
    denoiser: Denoiser,
    ids: Tensor,
    noise: Tensor,
    *,
    scheduler: str = "dpm",
    steps: int = 30,
    guidance_scale: float = 3.0,
) -> Tensor:
    """Denoise (B, 4, 24, 24) noise under token ids (B + 1, 77), the last row unconditional."""
    stepper = make_scheduler(scheduler)
    stepper.set_timesteps(steps)
    context = denoiser.text(input_ids=ids).last_hidden_state
    count = len(noise)
    context = torch.cat([context[:-1], context[-1:].expand(count, -1, -1)])
    latents = noise * stepper.init_noise_sigma
    for timestep in stepper.timesteps:
        both = denoiser.unet(latents.repeat(2, 1, 1, 1), timestep.to(latents.device), context)
        wanted, plain = both.sample.chunk(2)
        guided = plain + guidance_scale * (wanted - plain)
        latents = stepper.step(guided, timestep, latents).prev_sample
    done: Tensor = latents
    return done


def token_ids(tokenizer: CLIPTokenizer, texts: Sequence[str]) -> Tensor:
    """Encode texts to padded ids (B, 77)."""
    ids: Tensor = tokenizer(
        list(texts),
        padding="max_length",
        max_length=CONTEXT_LENGTH,
        truncation=True,
        return_tensors="pt",
    ).input_ids
    return ids


def sample_set(args: argparse.Namespace) -> dict[str, Tensor]:
    """Sample the grid and the wishes at every guidance scale: "grid/3.0", "wishes/3.0" ..."""
    tokenizer = CLIPTokenizer.from_pretrained(args.tokenizer)
    denoiser = load_denoiser(args.weights, len(tokenizer)).to(args.device)
    texts = {"grid": grid_prompts(), "wishes": [w.prompt for w in wishes(args.count)]}
    latents = {}
    for name, prompts in texts.items():
        seeds = [at % GRID_SEEDS if name == "grid" else at for at in range(len(prompts))]
        for scale in args.guidance:
            parts = []
            for at in range(0, len(prompts), args.batch):
                part = slice(at, at + args.batch)
                ids = token_ids(tokenizer, [*prompts[part], ""]).to(args.device)
                noise = noise_for(seeds[part]).to(args.device)
                parts.append(_sample(args, denoiser, ids, noise, scale).half().cpu())
            latents[f"{name}/{scale}"] = torch.cat(parts)
    return latents


def _sample(
    args: argparse.Namespace, denoiser: Denoiser, ids: Tensor, noise: Tensor, scale: float
) -> Tensor:
    return sample(
        denoiser, ids, noise, scheduler=args.scheduler, steps=args.steps, guidance_scale=scale
    )


@torch.no_grad()
def decode(vae: AutoencoderKL, latents: Tensor, batch: int = 8) -> np.ndarray:
    """Decode (N, 4, 24, 24) latents to uint8 RGB pictures (N, 192, 192, 3)."""
    scaled = latents.float() / vae.config.scaling_factor
    parts = [vae.decode(part).sample for part in torch.split(scaled, batch)]
    pixels = (torch.cat(parts) / 2 + 0.5).clamp(0, 1) * 255
    return pixels.round().to(torch.uint8).permute(0, 2, 3, 1).numpy()


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
