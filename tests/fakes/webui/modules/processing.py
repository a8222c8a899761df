"""txt2img, drawn on diffusers with the selected checkpoint and the prompt's LoRAs."""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from facechain_ext.diffusion.diffusers_model import load_model
from facechain_ext.diffusion.pixels import to_pixels
from facechain_ext.diffusion.sampler import sample
from facechain_ext.lora.checkpoint import read_lora
from facechain_ext.lora.merge import merged
from modules import script_callbacks, sd_models, shared

TAG = re.compile(r" ?<lora:([^:>]+):([^>]+)>")
jobs: list[StableDiffusionProcessingTxt2Img] = []
fail_with: list[Exception] = []


class Stopped(Exception):
    pass


@dataclass
class StableDiffusionProcessingTxt2Img:
    sd_model: object = None
    outpath_samples: str | None = None
    prompt: str = ""
    negative_prompt: str = ""
    seed: Any = -1
    subseed: Any = -1
    sampler_name: str | None = None
    scheduler: str | None = None
    batch_size: int = 1
    n_iter: int = 1
    steps: int = 50
    cfg_scale: float = 7.0
    width: int = 512
    height: int = 512
    restore_faces: bool | None = None
    do_not_save_samples: bool = False
    do_not_save_grid: bool = False
    override_settings: dict[str, Any] | None = None
    enable_hr: bool = False
    denoising_strength: float = 0.75
    hr_scale: float = 2.0
    hr_upscaler: str | None = None
    hr_cfg: float = 1.0  # this and the next are Forge's alone
    hr_additional_modules: list[str] | None = None
    scripts: Any = field(default=None, init=False)
    closed: bool = field(default=False, init=False)

    def close(self) -> None:
        self.closed = True


@dataclass
class Processed:
    images: list[Image.Image]
    infotexts: list[str]


def process_images(p: StableDiffusionProcessingTxt2Img) -> Processed:
    """Draw; interrupted or skipped, the picture comes out as far as it got."""
    jobs.append(p)
    modules = getattr(p, "hr_additional_modules", ["Use same choices"])  # Forge's alone
    assert not p.enable_hr or "Use same choices" in (modules or ())
    if fail_with:
        raise fail_with.pop()
    if shared.state.job_count == -1:
        shared.state.job_count = p.n_iter
    pictures = [] if shared.state.interrupted else _draw(p)
    shared.state.nextjob()
    return Processed(
        [Image.fromarray(each) for each in pictures], [_infotext(p, seed) for seed in p.seed]
    )


def _draw(p: StableDiffusionProcessingTxt2Img) -> list[Any]:
    checkpoint, skip = sd_models.select_checkpoint(), shared.opts.CLIP_stop_at_last_layers
    model = load_model(Path(checkpoint.filename), device="cpu", clip_skip=skip)
    folder = Path(shared.cmd_opts.lora_dir)
    uses = [
        (read_lora(folder / f"{name}.safetensors")[0], float(weight))
        for name, weight in TAG.findall(p.prompt)
    ]

    def on_step(step: int, steps: int) -> None:
        shared.state.sampling_step, shared.state.sampling_steps = step, steps
        shared.total_tqdm.update()
        script_callbacks.cfg_denoiser_callback(script_callbacks.CFGDenoiserParams(step, steps))
        if shared.state.interrupted or shared.state.skipped:
            raise Stopped

    with torch.no_grad(), ExitStack() as stack:
        stack.enter_context(merged(model, uses))
        both = model.encode_prompts([TAG.sub("", p.prompt), p.negative_prompt])
        try:
            latents = sample(
                model,
                both.select(torch.tensor([0])),
                both.select(torch.tensor([1])),
                seeds=p.seed,
                width=p.width,
                height=p.height,
                steps=p.steps,
                guidance_scale=p.cfg_scale,
                on_step=on_step,
            )
        except Stopped:
            latents = torch.zeros(len(p.seed), 4, p.height // 8, p.width // 8)
        return to_pixels(model.decode_latents(latents))


def _infotext(p: StableDiffusionProcessingTxt2Img, seed: int) -> str:
    """As in the webui, the LoRAs are told only where scripts may have their say."""
    prompt = TAG.sub(" ", p.prompt) if p.scripts is None else p.prompt
    negative = f"\nNegative prompt: {p.negative_prompt}" if p.negative_prompt else ""
    return (
        f"{prompt}{negative}\nSteps: {p.steps}, Sampler: {p.sampler_name}, "
        f"Schedule type: {p.scheduler}, CFG scale: {p.cfg_scale}, Seed: {seed}, "
        f"Size: {p.width}x{p.height}, Model: {sd_models.select_checkpoint().name_for_extra}"
    )
