"""What is damaged: a sound example of each kind, and everything that is done with one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel

from facechain_ext.base.records import Attributes, Face, Instance, Photo
from facechain_ext.diffusion.checkpoint import inspect
from facechain_ext.diffusion.diffusers_model import DiffusersModel, load_model
from facechain_ext.diffusion.ldm_keys import text_to_ldm, unet_to_ldm, vae_to_ldm
from facechain_ext.diffusion.weights import check_weights
from facechain_ext.library.people import PeopleLibrary
from facechain_ext.lora.adapter import inject
from facechain_ext.lora.checkpoint import describe, read_lora, save_lora
from facechain_ext.lora.merge import merged
from tools.fuzz.damage import FILES, TENSORS

UNET = {
    "sample_size": 8,
    "block_out_channels": [32, 32, 32, 32],
    "layers_per_block": 1,
    "down_block_types": ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
    "up_block_types": ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3,
    "cross_attention_dim": 16,
    "attention_head_dim": 4,
}
VAE = {
    "sample_size": 64,
    "block_out_channels": [32, 32, 32, 32],
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
}
TEXT = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "vocab_size": 49408,
}
SCHEDULER = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


@dataclass(frozen=True)
class Subject:
    """One kind: `damage` changes a copy in a folder, `use` does with it all that is ever done."""

    title: str
    damage: Callable[[Path, Random], str]
    use: Callable[[Path], None]


def sound_checkpoint(folder: Path) -> Path:
    """Write a tiny Stable Diffusion 1.x as a single file, its configs beside it."""
    unet, vae = UNet2DConditionModel(**UNET), AutoencoderKL(**VAE)
    text = CLIPTextModel(CLIPTextConfig(**TEXT))
    state = {
        **unet_to_ldm(unet.state_dict(), unet.config),
        **vae_to_ldm(vae.state_dict(), vae.config),
        **text_to_ldm(text.state_dict()),
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_file({k: t.contiguous() for k, t in state.items()}, folder / "tiny.safetensors")
    configs = {"unet": dict(unet.config), "vae": dict(vae.config), "text_encoder": TEXT}
    for name, config in configs.items():
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "scheduler").mkdir(exist_ok=True)
    schedule = folder / "scheduler" / "scheduler_config.json"
    schedule.write_text(json.dumps(SCHEDULER), encoding="utf-8")
    return folder / "tiny.safetensors"


def sound_lora(folder: Path, model: DiffusersModel) -> Path:
    """Write a LoRA of a few layers of every kind."""
    with inject(model, "all", rank=2, alpha=2.0, seed=0) as adapter:
        state = adapter.state()
    layers = sorted({key.partition(".")[0] for key in state})[::12]
    kept = {key: t + 0.01 for key, t in state.items() if key.partition(".")[0] in layers}
    return save_lora(folder / "ana.safetensors", kept, {"facechain.weight": "0.9"}).path


def sound_library(root: Path) -> Path:
    """Write two people of two crops each."""
    library = PeopleLibrary(root, root / "lora", root / "portraits")
    points, mask = np.zeros((478, 2), np.float32), np.ones((16, 16), np.float32)
    face = Face((2.0, 2.0, 14.0, 14.0), points[:5], 0.9)
    picture = np.full((16, 16, 3), 120, np.uint8)
    unit = np.eye(1, 128, dtype=np.float32)[0]
    crop = Instance(
        "1.jpg", picture, mask, mask, mask, face, points, unit, 1.0, Attributes(), "fcsks, a man"
    )
    for name in ("Ana", "Bo"):
        person = library.create_or_get(name, "fcsks")
        person.save_photos([Photo("1.jpg", picture)])
        person.save_instances([crop, crop])
    return root


def loras(path: Path, model: DiffusersModel) -> Subject:
    """Read, describe, merge, and take as the start of a training."""
    nothing = model.encode_prompts([""])

    def use(file: Path) -> None:
        before = [parameter.data_ptr() for parameter in model.unet.parameters()]
        state, _ = read_lora(file)
        describe(file)
        with merged(model, [(state, 0.8)]), torch.no_grad():
            model.predict(torch.zeros(1, 4, 16, 16), torch.tensor([500]), nothing)
        assert [p.data_ptr() for p in model.unet.parameters()] == before, "not given back"
        with inject(model, "all", rank=2, alpha=2.0, seed=0) as adapter:
            adapter.start_from(state)

    return Subject("LoRA", lambda folder, rng: _one_file(path, folder, rng), use)


def checkpoints(path: Path) -> Subject:
    """Inspect, check by the headers, and load."""

    def use(file: Path) -> None:
        info = inspect(file)
        check_weights(info)
        load_model(file, device="cpu")

    def damage(folder: Path, rng: Random) -> str:
        for config in path.parent.glob("*/*.json"):
            target = folder / config.parent.name
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(config, target)
        return _one_file(path, folder, rng)

    return Subject("checkpoint", damage, use)


def libraries(root: Path) -> Subject:
    """List everybody, and read what belongs to each."""

    def use(file: Path) -> None:
        library = PeopleLibrary(file, file / "lora", file / "portraits")
        for person in library.people():
            person.load_instances()
            library.files(person.manifest.name)

    def damage(folder: Path, rng: Random) -> str:
        shutil.copytree(root, folder / "ana.safetensors", dirs_exist_ok=True)
        copied = folder / "ana.safetensors"
        chosen = rng.choice(sorted(path for path in copied.rglob("*") if path.is_file()))
        way = rng.choice(FILES)
        chosen.write_bytes(way(chosen.read_bytes(), rng))
        return f"{getattr(way, '__name__', 'emptied')} of {chosen.name}"

    return Subject("library", damage, use)


def _one_file(path: Path, folder: Path, rng: Random) -> str:
    way = rng.choice(TENSORS)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ana.safetensors").write_bytes(way(path.read_bytes(), rng))
    return way.__name__
