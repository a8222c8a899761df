"""Many small face LoRAs at once, for a distillation that must hold with any of them.

Each is trained as the product trains a face, on one portrait of the mini's own training set.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import torch
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from tools.mini.captions import Label, describe, noise_word, subject
from tools.mini.factors import Changeable, Factors, flattened
from tools.mini.flat_adam import AdamSettings, FlatAdam
from tools.mini.networks import Denoiser
from tools.mini.noising import alphas_cumprod, face_map, min_snr_weights
from tools.mini.sampling import sample, token_ids

STEPS, BATCH, RATE, WARMUP = 160, 8, 2e-3, 10
LOSS_SCALE = 2.0**10
CAPTIONS = 32
GUIDANCE = 3.0
SAMPLE_BATCH = 256


@dataclass(frozen=True)
class Stranger:
    """A face LoRA as changed weights, and what the mini draws with it.

    weights: flat, as `Changeable.flat`. latents: (S, 4, 24, 24), float16. ids: (S, 77), int16.
    """

    weights: Tensor
    latents: Tensor
    ids: Tensor


class FaceTrainer:
    """Train one face after the other through one CUDA graph."""

    def __init__(self, model: Changeable, factors: Factors, text: CLIPTextModel) -> None:
        """Lay out the batch, and capture the graph on a card."""
        device = model.flat.device
        self.model, self.text, self.factors = model, text, factors
        self.device, self.positions = device, face_map(1.0).to(device)
        self.alphas = alphas_cumprod().to(device)
        self.snr = min_snr_weights(self.alphas, 5.0)
        self.latents = torch.zeros(BATCH, 4, 24, 24, device=device)
        self.noise = torch.zeros_like(self.latents)
        self.timesteps = torch.zeros(BATCH, dtype=torch.long, device=device)
        self.context = torch.zeros(BATCH, 77, 192, device=device)
        self.adam = FlatAdam(factors, torch.float32, AdamSettings())
        self.run = captured(self._step) if device.type == "cuda" else self._step

    def _step(self) -> None:
        alpha = self.alphas[self.timesteps][:, None, None, None]
        noisy = alpha.sqrt() * self.latents + (1 - alpha).sqrt() * self.noise
        weights = self.model.changed(self.factors.changes())
        noise = self.model.predict(weights, noisy, self.timesteps, self.context)
        error = ((noise - self.noise).square() * self.positions).mean(dim=(1, 2, 3))
        loss = (error * self.snr[self.timesteps]).mean() * LOSS_SCALE
        self.adam.backward(loss)

    def train(self, latents: Tensor, contexts: Tensor, generator: torch.Generator) -> Tensor:
        """Train on views (V, 4, 24, 24) and captions (C, 77, 192); return the flat weights."""
        self._begin()
        for step in range(STEPS):
            self._draw(latents, contexts, generator)
            self.run()
            self.adam.grads.div_(LOSS_SCALE).nan_to_num_(0.0, 0.0, 0.0)
            share = 0.5 + 0.5 * torch.cos(torch.tensor(torch.pi * step / STEPS)).item()
            self.adam.step(RATE * min(1.0, (step + 1) / WARMUP) * share)
        with torch.no_grad():
            return self.model.flat + flattened(self.factors.changes()).to(self.model.dtype)

    def _draw(self, latents: Tensor, contexts: Tensor, generator: torch.Generator) -> None:
        def below(limit: int) -> Tensor:
            return torch.randint(limit, (BATCH,), generator=generator, device=self.device)

        self.latents.copy_(latents[below(len(latents))])
        self.context.copy_(contexts[below(len(contexts))])
        self.noise.normal_(generator=generator)
        self.timesteps.copy_(below(1000))

    def _begin(self) -> None:
        self.factors.reset()  # in float32 they are views of the optimiser's own weights
        self.adam.mean.zero_()
        self.adam.square.zero_()
        self.adam.steps = 0


def captured(step: Callable[[], None]) -> Callable[[], None]:
    """Capture a step whose inputs stay at their addresses as a CUDA graph."""
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def encode(text: CLIPTextModel, ids: Tensor) -> Tensor:
    """Encode token ids (B, 77) to contexts (B, 77, 192)."""
    context: Tensor = text(input_ids=ids.long()).last_hidden_state
    return context


@torch.no_grad()
def draw_samples(model: Changeable, text: CLIPTextModel, ids: Tensor, empty: Tensor) -> Tensor:
    """Draw one picture for each row of ids (S, 77), guided: latents (S, 4, 24, 24), float16."""
    parts = []
    for at in range(0, len(ids), SAMPLE_BATCH):
        rows = torch.cat([ids[at : at + SAMPLE_BATCH].long(), empty.long()])
        noise = torch.randn(len(rows) - 1, 4, 24, 24, device=ids.device)
        denoiser = Denoiser(model, text)
        parts.append(sample(denoiser, rows, noise, steps=25, guidance_scale=GUIDANCE).half())
    return torch.cat(parts)


def captions(label: Label, trigger: str, count: int, rng: Random) -> list[str]:
    """Say what a portrait shows, the trigger word first, in so many ways."""
    return [", ".join([trigger, *describe(label, rng)]) for _ in range(count)]


def wished(label: Label, trigger: str, count: int, rng: Random) -> list[str]:
    """Ask for other pictures of a person: other backgrounds and expressions."""
    grounds = ("", "blue background", "gray background", "dark background", "light background")
    moods = ("", "", "smiling", "serious")
    styles = ("color photo", "color photo", "", "black and white photo")
    return [
        ", ".join(
            part
            for part in (trigger, subject(label, rng), rng.choice(moods), rng.choice(grounds),
                         rng.choice(styles))
            if part
        )
        for _ in range(count)
    ]  # fmt: skip


def make_strangers(
    trainer: FaceTrainer,
    latents: Tensor,
    labels: list[Label],
    tokenizer: CLIPTokenizer,
    samples: int,
    log: Callable[[str], None],
) -> list[Stranger]:
    """Train a LoRA for each of the portraits, views (2, V, N, 4, 24, 24), and draw with it."""
    model, text, rng = trainer.model, trainer.text, Random(7)
    device = model.flat.device
    generator = torch.Generator(device).manual_seed(7)
    empty, found, started = token_ids(tokenizer, [""]).to(device), [], time.monotonic()
    for at, label in enumerate(labels):
        trigger = noise_word(rng)
        ids = token_ids(tokenizer, captions(label, trigger, CAPTIONS, rng)).to(device)
        model.flat.copy_(model.plain)
        with torch.no_grad():
            contexts = encode(text, ids)
        views = latents[:, :, at].flatten(0, 1).float()
        weights = trainer.train(views, contexts, generator)
        model.flat.copy_(weights)
        asked = token_ids(tokenizer, wished(label, trigger, samples, rng)).to(device)
        drawn = draw_samples(model, text, asked, empty)
        found.append(Stranger(weights, drawn, asked.short()))
        log(f"stranger {at + 1} of {len(labels)}: {time.monotonic() - started:.1f} s")
    model.flat.copy_(model.plain)
    return found
