"""Pictures drawn by the webui's own txt2img: its samplers, optimisations and infotext are used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Protocol

import numpy as np
import torch
from modules import shared

from facechain_ext.base.errors import InvalidInput, OutOfMemory
from facechain_ext.base.host import GeneratedImage, GenerationRequest, StepCallback
from facechain_ext.webui.host import face_restoring, loras, upscalers
from facechain_ext.webui.host.controlnet import led
from facechain_ext.webui.host.guarded import guarded

USUAL_SAMPLER = "DPM++ 2M"
FEW_STEPS, FEW_STEPS_SCHEDULE = "LCM", "SGM Uniform"
LARGEST_BATCH = 4
BATCH_PIXELS = LARGEST_BATCH * 512 * 512
"""Pixels that are drawn at once at most, unless a single picture has more."""


class Call(Protocol):
    """Run a function where this webui wants processing to run, and return what it returns."""

    def __call__(self, function: Callable[[Any], Any], argument: Any, /) -> Any: ...


Describe = Callable[[GenerationRequest], Any]
"""Describe a request to the webui as one of its kinds of processing."""


def batches(request: GenerationRequest) -> list[GenerationRequest]:
    """Split a request into parts that are drawn at once; its size must be filled in."""
    pixels = request.width * request.height * request.hires_scale**2
    size = max(1, min(LARGEST_BATCH, int(BATCH_PIXELS // pixels)))
    seeds = request.seeds
    return [request.for_seeds(seeds[at : at + size]) for at in range(0, len(seeds), size)]


def draw(
    request: GenerationRequest, call: Call, described: Describe | None = None
) -> list[GeneratedImage]:
    """Draw all pictures of a request at once, or fewer at a time where memory runs out.

    described: as what; txt2img unless given. Raises InvalidInput for a sampler or LoRA that the
    webui does not have, and OutOfMemory.
    """
    try:
        return _draw(request, call, described or _processing)
    except torch.cuda.OutOfMemoryError as error:
        half = len(request.seeds) // 2
        if not half:
            raise OutOfMemory(
                f"There is not enough memory to draw {request.width} x {request.height} pixels."
            ) from error
    parts = request.seeds[:half], request.seeds[half:]
    return [image for seeds in parts for image in draw(request.for_seeds(seeds), call, described)]


def _draw(request: GenerationRequest, call: Call, described: Describe) -> list[GeneratedImage]:
    from modules import processing

    with closing(described(request)) as job, led(job, request):
        processed = call(processing.process_images, job)
    drawn = zip(processed.images, request.seeds, processed.infotexts, strict=False)
    return [
        GeneratedImage(np.asarray(image.convert("RGB")), seed, text) for image, seed, text in drawn
    ]


def _processing(request: GenerationRequest) -> Any:
    """Describe a request to the webui; no user script takes part, and nothing is saved."""
    from modules import processing, scripts

    sampler, scheduler = sampler_of(request.sampler_name)
    job = processing.StableDiffusionProcessingTxt2Img(
        **told(request),
        sampler_name=sampler,
        enable_hr=request.hires_scale > 1,
        hr_scale=request.hires_scale,
        hr_upscaler=upscalers.second_pass_upscaler() if request.hires_scale > 1 else None,
        denoising_strength=request.hires_strength,
    )
    # No arguments: not every webui has a schedule apart from the sampler, or restores faces.
    job.scheduler = scheduler
    # Asked to restore without the weights, the webui would fetch them.
    job.restore_faces = request.restore_faces and face_restoring.why_not() is None
    if hasattr(job, "hr_cfg"):
        # Forge's second pass has a guidance and a choice of modules of its own: 1 and an error.
        job.hr_cfg, job.hr_additional_modules = request.guidance_scale, ["Use same choices"]
    # A runner without scripts; with none at all, the webui leaves the LoRAs out of the infotext.
    job.scripts = scripts.ScriptRunner()
    return job


def told(request: GenerationRequest) -> dict[str, Any]:
    """Return what every kind of processing is told of a request; raises InvalidInput."""
    return {
        "sd_model": shared.sd_model,
        "prompt": request.prompt + loras.tags(request.loras),
        "negative_prompt": request.negative_prompt,
        "seed": list(request.seeds),
        "subseed": list(request.seeds),
        "batch_size": len(request.seeds),
        "n_iter": 1,
        "width": request.width,
        "height": request.height,
        "steps": request.steps,
        "cfg_scale": request.guidance_scale,
        "do_not_save_samples": True,
        "do_not_save_grid": True,
    }


def sampler_of(name: str) -> tuple[str, str]:
    """Return the webui's names of sampler and schedule; empty for the usual ones.

    A schedule may follow the sampler, as in "Euler Karras". Raises InvalidInput.
    """
    from modules import sd_samplers

    samplers = sd_samplers.all_samplers_map
    if name == FEW_STEPS and name in samplers:
        labels = [schedule.label for schedule in _schedules()]
        return name, FEW_STEPS_SCHEDULE if FEW_STEPS_SCHEDULE in labels else "Automatic"
    if not name:
        return samplers.get(USUAL_SAMPLER, sd_samplers.all_samplers[0]).name, "Automatic"
    if name in samplers:
        return name, "Automatic"
    for schedule in _schedules():
        for option in (schedule.label, schedule.name, *(schedule.aliases or ())):
            sampler = name.removesuffix(f" {option}")
            if sampler != name and sampler in samplers:
                return sampler, schedule.label
    raise InvalidInput(
        f"sampler_name must be one of the webui's samplers, such as {USUAL_SAMPLER!r}, "
        f"not {name!r}."
    )


def _schedules() -> Sequence[Any]:
    """Return the schedules that a sampler's name may end with; webuis before 1.9 have none."""
    try:
        from modules import sd_schedulers
    except ImportError:
        return ()
    schedules: Sequence[Any] = sd_schedulers.schedulers
    return schedules


@contextmanager
def steps_told(on_step: StepCallback | None, *, done: int) -> Iterator[None]:
    """Report sampling steps while the block runs; `done` pictures are finished already."""
    if on_step is None:
        yield
        return

    @guarded
    def tell(params: Any) -> None:
        on_step(done, params.sampling_step, params.total_sampling_steps)

    guarded(_hear)(tell)
    try:
        yield
    finally:
        guarded(_hear_no_more)(tell)


def _hear(tell: Callable[[Any], None]) -> None:
    from modules import script_callbacks

    script_callbacks.on_cfg_denoiser(tell)


def _hear_no_more(tell: Callable[[Any], None]) -> None:
    from modules import script_callbacks

    script_callbacks.remove_callbacks_for_function(tell)
