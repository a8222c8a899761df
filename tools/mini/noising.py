"""Draw training batches: noised latents of portraits, their captions, and the loss's weights.

The noise schedule is that of Stable Diffusion 1.x; timestep weights after Hang et al. 2023.
"""

from dataclasses import dataclass
from random import Random

import numpy as np
import torch
from torch import Tensor
from transformers import CLIPTokenizer

from tools.mini.captions import Label, caption
from tools.mini.networks import CONTEXT_LENGTH, LATENT_SIZE

TIMESTEPS = 1000
BETA_START, BETA_END = 0.00085, 0.012
FACE_CENTRE, FACE_SPREAD = (11.0, 12.0), (6.0, 5.0)
"""Where the face lies in a latent, rows and columns, and how far it reaches."""


@dataclass(frozen=True)
class Cache:
    """Hold all training inputs on the device.

    `latents` is float16 (2, V, N, 4, 24, 24), `ids` int16 (2, K, N, 77), index 1 of both
    mirrored; `cumulative` float32 (N,) is the running sum of the drawing weights.
    """

    latents: Tensor
    ids: Tensor
    cumulative: Tensor


@dataclass(frozen=True)
class Batch:
    """Hold one step's inputs; a CUDA graph reads them at fixed addresses."""

    noisy: Tensor
    noise: Tensor
    timesteps: Tensor
    ids: Tensor
    weights: Tensor

    def copy_(self, other: "Batch") -> None:
        """Take over the values of another batch of the same size."""
        for name in self.__dataclass_fields__:
            getattr(self, name).copy_(getattr(other, name))


def alphas_cumprod() -> Tensor:
    """Return the (1000,) products of 1 - beta, beta linear in its square root ("scaled linear")."""
    betas = torch.linspace(BETA_START**0.5, BETA_END**0.5, TIMESTEPS, dtype=torch.float64) ** 2
    return (1 - betas).cumprod(0).float()


def min_snr_weights(alphas: Tensor, gamma: float) -> Tensor:
    """Weigh each timestep by min(SNR, gamma) / SNR (Hang et al. 2023, equation 4 for noise)."""
    snr = alphas / (1 - alphas)
    return snr.clamp(max=gamma) / snr


def face_map(weight: float) -> Tensor:
    """Make a (24, 24) map of mean 1 that counts the face up to 1 + `weight` times the border."""
    rows, columns = torch.arange(LATENT_SIZE)[:, None], torch.arange(LATENT_SIZE)[None]
    distance = ((rows - FACE_CENTRE[0]) / FACE_SPREAD[0]) ** 2
    distance = distance + ((columns - FACE_CENTRE[1]) / FACE_SPREAD[1]) ** 2
    bump = 1 + weight * torch.exp(-distance / 2)
    return bump / bump.mean()


def caption_ids(
    labels: list[Label], tokenizer: CLIPTokenizer, per_portrait: int, seed: int
) -> np.ndarray:
    """Draw and tokenise captions: int16 (2, per_portrait, N, 77), index 1 of mirrored portraits."""
    rng = Random(seed)
    shape = (2, per_portrait, len(labels), CONTEXT_LENGTH)
    texts = [
        caption(label, rng, flipped=flipped)
        for flipped in (False, True)
        for _ in range(per_portrait)
        for label in labels
    ]
    rows = tokenizer(texts, truncation=True, max_length=CONTEXT_LENGTH)["input_ids"]
    ids = np.full((len(rows), CONTEXT_LENGTH), tokenizer.pad_token_id, dtype=np.int16)
    for at, row in enumerate(rows):
        ids[at, : len(row)] = row
    return ids.reshape(shape)


class Sampler:
    """Draw training batches from a cache without leaving the device."""

    def __init__(
        self, cache: Cache, batch: int, *, min_snr_gamma: float, generator: torch.Generator
    ) -> None:
        """Prepare the tables of the noise schedule on the cache's device."""
        self.cache, self.batch, self.generator = cache, batch, generator
        self.alphas = alphas_cumprod().to(cache.latents.device)
        self.weights = min_snr_weights(self.alphas, min_snr_gamma)

    def draw(self) -> Batch:
        """Draw portraits by weight, one crop and caption of each, and noise them.

        Timesteps are stratified: one from each of `batch` equal parts of 0..999.
        """
        latents, ids = self._portraits()
        parts = torch.arange(self.batch, device=latents.device)
        timesteps = ((parts + self._uniform()) * (TIMESTEPS / self.batch)).long()
        timesteps = timesteps.clamp(max=TIMESTEPS - 1)
        noise = torch.randn(latents.shape, generator=self.generator, device=latents.device)
        alpha = self.alphas[timesteps][:, None, None, None]
        noisy = alpha.sqrt() * latents + (1 - alpha).sqrt() * noise
        return Batch(noisy, noise, timesteps, ids, self.weights[timesteps])

    def _portraits(self) -> tuple[Tensor, Tensor]:
        """Draw latents (B, 4, 24, 24) and token ids (B, 77)."""
        cache = self.cache
        chosen = torch.searchsorted(cache.cumulative, self._uniform())
        chosen = chosen.clamp(max=len(cache.cumulative) - 1)
        mirrored = self._below(2)
        latents = cache.latents[mirrored, self._below(cache.latents.shape[1]), chosen]
        ids = cache.ids[mirrored, self._below(cache.ids.shape[1]), chosen]
        return latents.float(), ids.long()

    def _uniform(self) -> Tensor:
        device = self.cache.latents.device
        return torch.rand(self.batch, generator=self.generator, device=device)

    def _below(self, limit: int) -> Tensor:
        return (self._uniform() * limit).long().clamp(max=limit - 1)


def loss_of(prediction: Tensor, batch: Batch, positions: Tensor) -> Tensor:
    """Return the mean squared noise error under timestep and position weights, a scalar."""
    error = (prediction.float() - batch.noise).square() * positions
    return (error.mean(dim=(1, 2, 3)) * batch.weights).mean()
