"""Train on one person's five photos and draw what is compared."""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from bench.likeness.strips import save_strip
from facechain_ext.config import PortraitConfig, TrainConfig
from facechain_ext.dataset.latents import cache, training_crops
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.diffusion.pixels import to_pixels
from facechain_ext.diffusion.sampler import sample
from facechain_ext.events import CheckpointSaved, Event, Preview
from facechain_ext.imaging.files import write_atomic
from facechain_ext.likeness import Likeness, mean_embedding
from facechain_ext.lora.checkpoint import read_lora
from facechain_ext.lora.merge import merged
from facechain_ext.lora.state import LoraState
from facechain_ext.nets import FaceNets
from facechain_ext.nets.attributes import vote
from facechain_ext.portrait.prompt import Prompt, compose
from facechain_ext.records import Instance, Pixels
from facechain_ext.studio import DEFAULT_LORA_WEIGHT
from facechain_ext.styles import find_style, load_styles
from facechain_ext.training.select import Chosen
from facechain_ext.training.trainer import train

FIRST_SEED = 1000
"""Of the portraits; far from the seeds of the previews that chose the snapshot."""


@dataclass(frozen=True)
class Settings:
    """One configuration of the whole bench; portrait.count pictures are drawn per person."""

    train: TrainConfig
    portrait: PortraitConfig


@dataclass(frozen=True, eq=False)
class Trained:
    """A training's outcome."""

    chosen: Chosen
    last: LoraState
    snapshots: dict[int, float]
    seconds: float


def draw_person(
    model: DiffusersModel,
    nets: FaceNets,
    instances: Sequence[Instance],
    settings: Settings,
    out: Path,
) -> None:
    """Write strips of pictures into out, and trial.json when all are there."""
    crops = real_crops(instances, settings.train, model.resolution)
    save_strip(out / "real.jpg", crops)
    save_strip(out / "autoencoder.jpg", through_autoencoder(model, crops))
    prompt = compose(
        vote([instance.attributes for instance in instances]),
        instances[0].caption.split(",")[0],
        find_style(load_styles(), settings.portrait.style),
        settings.portrait,
    )
    save_strip(out / "plain.jpg", portraits(model, prompt, settings.portrait, lora=None))
    trained = train_person(model, nets, instances, settings.train, prompt)
    start = time.perf_counter()
    kept = portraits(model, prompt, settings.portrait, lora=trained.chosen.state)
    seconds = {"train": trained.seconds, "draw": time.perf_counter() - start}
    save_strip(out / "lora.jpg", kept)
    save_strip(out / "last.jpg", portraits(model, prompt, settings.portrait, lora=trained.last))
    facts = {
        "prompt": asdict(prompt),
        "kept": trained.chosen.steps,
        "snapshots": trained.snapshots,
        "seconds": seconds,
    }
    write_atomic(out / "trial.json", json.dumps(facts, indent=1).encode())


def train_person(
    model: DiffusersModel,
    nets: FaceNets,
    instances: Sequence[Instance],
    config: TrainConfig,
    prompt: Prompt,
) -> Trained:
    """Run the product's training; snapshots are chosen by likeness to the training photos."""
    start = time.perf_counter()
    generator = torch.Generator().manual_seed(config.seed)
    data = cache(model, instances, config, generator=generator)
    with TemporaryDirectory() as folder:
        training = train(
            model,
            data,
            config,
            out_dir=Path(folder),
            score=Likeness(nets, mean_embedding(instances)).of_all,
            prompt=prompt.positive,
            negative_prompt=prompt.negative,
            cancelled=lambda: False,
        )
        recording = _Recording()
        for event in recording.follow(training):
            recording.note(event)
        last = read_lora(recording.paths[-1])[0]
    seconds = time.perf_counter() - start
    return Trained(recording.chosen[0], last, recording.snapshots, seconds)


class _Recording:
    """What a training yields and, at its end, returns."""

    def __init__(self) -> None:
        self.chosen: list[Chosen] = []
        self.paths: list[Path] = []
        self.snapshots: dict[int, float] = {}

    def follow(self, training: Generator[Event, None, Chosen]) -> Iterator[Event]:
        self.chosen.append((yield from training))

    def note(self, event: Event) -> None:
        if isinstance(event, CheckpointSaved):
            self.paths.append(event.path)
        if isinstance(event, Preview):
            self.snapshots[event.step] = round(event.similarity, 4)


def portraits(
    model: DiffusersModel, prompt: Prompt, config: PortraitConfig, *, lora: LoraState | None
) -> list[Pixels]:
    """Draw as the standalone host does, all at once."""
    cond = model.encode_prompts([prompt.positive, prompt.negative])
    positive, negative = torch.tensor([0]), torch.tensor([1])
    loras = [] if lora is None else [(lora, config.lora_weight or DEFAULT_LORA_WEIGHT)]
    with torch.no_grad(), merged(model, loras):
        latents = sample(
            model,
            cond.select(positive.to(model.device)),
            cond.select(negative.to(model.device)),
            seeds=range(FIRST_SEED, FIRST_SEED + config.count),
            width=model.resolution,
            height=model.resolution,
            steps=config.steps,
            guidance_scale=config.guidance_scale or model.default_guidance_scale,
        )
        return to_pixels(model.decode_latents(latents))


def real_crops(instances: Sequence[Instance], config: TrainConfig, size: int) -> list[Pixels]:
    """Return one crop per photo as training sees them, neither mirrored nor encoded."""
    plain = replace(config, random_flip=False)
    crops = training_crops(instances, plain, size=size, generator=torch.Generator().manual_seed(0))
    first = {crop.photo: crop.pixels for crop in reversed(crops)}
    return [first[photo] for photo in sorted(first)]


def through_autoencoder(model: DiffusersModel, pictures: Sequence[Pixels]) -> list[Pixels]:
    """Encode and decode pictures: the most likeness that the checkpoint can show."""
    stacked = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).to(model.device)
    latents = model.encode_images(stacked.float() / 127.5 - 1, torch.Generator().manual_seed(0))
    return to_pixels(model.decode_latents(latents))
