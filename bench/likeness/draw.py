"""Train on one person's five photos and draw what is compared."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from bench.likeness.kept import AVERAGE, PLACES, strip_of
from bench.likeness.people import word_of
from bench.likeness.strips import save_strip
from facechain_ext.base.events import CheckpointSaved, Preview
from facechain_ext.base.records import DEFAULT_LORA_WEIGHT, Instance, Pixels
from facechain_ext.config import PortraitConfig, TrainConfig
from facechain_ext.dataset.latents import cache, training_crops
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.diffusion.pixels import to_pixels
from facechain_ext.diffusion.sampler import sample
from facechain_ext.imaging.files import write_atomic
from facechain_ext.lora.checkpoint import average, read_lora
from facechain_ext.lora.merge import merged
from facechain_ext.lora.state import LoraState
from facechain_ext.nets import FaceNets
from facechain_ext.nets.attributes import vote
from facechain_ext.portrait.likeness import Likeness, mean_embedding
from facechain_ext.portrait.prompt import Prompt, compose
from facechain_ext.styles import find_style, load_styles
from facechain_ext.training.schedule import with_steps
from facechain_ext.training.select import Snapshot, choose
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
    """A training's outcome: every snapshot's LoRA and the mean of the best, by strip."""

    states: dict[str, LoraState]
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
        word_of(instances),
        find_style(load_styles(), settings.portrait.style),
        settings.portrait,
    )
    save_strip(out / "plain.jpg", portraits(model, prompt, settings.portrait, lora=None))
    trained = train_person(model, nets, instances, settings.train, prompt)
    start = time.perf_counter()
    for name, state in trained.states.items():
        save_strip(out / f"{name}.jpg", portraits(model, prompt, settings.portrait, lora=state))
    drawing = (time.perf_counter() - start) / len(trained.states)
    facts = {
        "prompt": asdict(prompt),
        "snapshots": trained.snapshots,
        "seconds": {"train": trained.seconds, "draw": drawing},
    }
    write_atomic(out / "trial.json", json.dumps(facts, indent=1).encode())


def train_person(
    model: DiffusersModel,
    nets: FaceNets,
    instances: Sequence[Instance],
    config: TrainConfig,
    prompt: Prompt,
) -> Trained:
    """Run the product's training; it judges snapshots by likeness to the training photos."""
    start, config = time.perf_counter(), with_steps(config, len(instances))
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
        paths: dict[int, Path] = {}
        likeness: dict[int, float] = {}
        for event in training:
            if isinstance(event, CheckpointSaved):
                paths[event.step] = event.path
            if isinstance(event, Preview):
                likeness[event.step] = round(event.similarity, PLACES)
        seconds = time.perf_counter() - start
        return Trained(_states(paths, likeness), likeness, seconds)


def _states(paths: Mapping[int, Path], likeness: Mapping[int, float]) -> dict[str, LoraState]:
    """Read every snapshot, and add the mean that the product offers to keep instead."""
    snapshots = [Snapshot(step, path, likeness.get(step)) for step, path in paths.items()]
    states = {strip_of(each.step): read_lora(each.path)[0] for each in snapshots}
    best = [states[strip_of(each.step)] for each in choose(snapshots, "average")]
    return {**states, AVERAGE: average(best)}


def portraits(
    model: DiffusersModel, prompt: Prompt, config: PortraitConfig, *, lora: LoraState | None
) -> list[Pixels]:
    """Draw as the standalone host does, all at once."""
    cond = model.encode_prompts([prompt.positive, prompt.negative])
    positive, negative = torch.tensor([0]), torch.tensor([1])
    weight = DEFAULT_LORA_WEIGHT if config.lora_weight is None else config.lora_weight
    loras = [] if lora is None else [(lora, weight)]
    with torch.no_grad(), merged(model, loras):
        latents = sample(
            model,
            cond.select(positive.to(model.device)),
            cond.select(negative.to(model.device)),
            seeds=range(FIRST_SEED, FIRST_SEED + config.count),
            width=model.resolution,
            height=model.resolution,
            steps=config.steps,
            guidance_scale=(
                model.default_guidance_scale
                if config.guidance_scale is None
                else config.guidance_scale
            ),
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
