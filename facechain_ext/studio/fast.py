"""Fast mode: the same portrait in a few steps, with an LCM LoRA for the checkpoint's family."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.host import Family, GenerationRequest, Host, LoraUse
from facechain_ext.diffusion.checkpoint import inspect, read_config
from facechain_ext.lora.checkpoint import describe
from facechain_ext.lora.family import TITLES
from facechain_ext.lora.folder import find_lora
from facechain_ext.nets.weights import bring

SAMPLER = "LCM"
MINI_LORA = "facechain-mini-lcm"
FULL_WIDTH = 320
"""Channels of the first block of every Stable Diffusion; the mini has fewer."""


@dataclass(frozen=True)
class FastRecipe:
    """The LoRA that makes a family fast, by its file's name, and what suits it."""

    lora: str
    steps: int
    guidance_scale: float
    told: str = ""


MINI = FastRecipe(MINI_LORA, 6, 1.0)
RECIPES: dict[Family, FastRecipe] = {
    "sd1": FastRecipe(
        "lcm-lora-sdv1-5", 8, 1.5, "latent-consistency/lcm-lora-sdv1-5 (135 MB, OpenRAIL++)"
    ),
    "sdxl": FastRecipe(
        "lcm-lora-sdxl", 8, 1.5, "latent-consistency/lcm-lora-sdxl (394 MB, OpenRAIL++)"
    ),
}


def made_fast(request: GenerationRequest, host: Host) -> GenerationRequest:
    """Return the request with the LCM sampler, its LoRA, and steps and guidance that suit it.

    Raises InvalidInput where the LoRA is missing, or there is none for this family.
    """
    checkpoint = host.current_checkpoint()
    recipe = _recipe(checkpoint.path, checkpoint.name)
    path = _shipped(host) if recipe is MINI else find_lora(recipe.lora, host.paths.lora_dir)
    if path is None:
        raise InvalidInput(
            f"Fast mode needs the LoRA {recipe.lora}.safetensors in {host.paths.lora_dir}. It is "
            f"published on Hugging Face as {recipe.told}: save it there under that name, or turn "
            "fast mode off."
        )
    return replace(
        request,
        loras=(*request.loras, LoraUse(describe(path), 1.0)),
        sampler_name=SAMPLER,
        steps=recipe.steps,
        guidance_scale=recipe.guidance_scale,
    )


def _recipe(path: Path, name: str) -> FastRecipe:
    info = inspect(path)
    if info.family == "sd1":
        width = read_config(info.components, "unet")["block_out_channels"][0]
        return RECIPES["sd1"] if width >= FULL_WIDTH else MINI
    if info.family not in RECIPES:
        raise InvalidInput(
            f"There is no LCM LoRA for {TITLES[info.family]}, which {name} is. Turn fast mode off, "
            "or choose a checkpoint of Stable Diffusion 1.x or SDXL."
        )
    return RECIPES[info.family]


def _shipped(host: Host) -> Path:
    """Put the mini's own LoRA where the host looks for LoRAs, once."""
    path = host.paths.lora_dir / f"{MINI_LORA}.safetensors"
    if bring(f"mini/{MINI_LORA}.safetensors", path.parent):
        host.publish_lora(describe(path))
    return path
