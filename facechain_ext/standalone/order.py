"""What is to be drawn without a webui: a request checked, with every LoRA of it found and read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from facechain_ext import __version__
from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.host import GenerationRequest
from facechain_ext.base.infotext import format_infotext, lora_hashes
from facechain_ext.base.records import LoraFile
from facechain_ext.diffusion.lcm import lcm_timesteps
from facechain_ext.diffusion.sampler import Method
from facechain_ext.lora.checkpoint import describe, read_lora
from facechain_ext.lora.folder import find_lora
from facechain_ext.lora.merge import Strength
from facechain_ext.lora.rank import cut_to_rank
from facechain_ext.lora.state import LoraState
from facechain_ext.lora.tags import LoraTag, split_tags

VERSION = f"facechain {__version__}"
SAMPLER = "DPM++ 2M"
SCHEDULES = {SAMPLER: "Karras", "LCM": "SGM Uniform"}
METHODS: dict[str, Method] = {SAMPLER: "dpmpp_2m", "LCM": "lcm"}
"""The samplers, by the webui's names."""


@dataclass(frozen=True, eq=False)
class AppliedLora:
    """A LoRA that takes part; name: what the prompt, or the request, calls it."""

    name: str
    file: LoraFile
    state: LoraState
    strength: Strength


@dataclass(frozen=True, eq=False)
class Order:
    """A request that can be drawn.

    text: the prompt without its tags. notes: what was asked for and could not be had.
    """

    request: GenerationRequest
    text: str
    loras: tuple[AppliedLora, ...]
    notes: tuple[str, ...] = ()

    @property
    def sampler(self) -> str:
        return self.request.sampler_name or SAMPLER

    def infotext(self, request: GenerationRequest, seed: int, model: Mapping[str, str]) -> str:
        """Tell how a picture was drawn, in the webui's words; model: its own two fields."""
        hashes = lora_hashes({use.name: use.file.sha256 for use in self.loras})
        tags = "".join(f" <lora:{use.lora.name}:{use.weight:g}>" for use in request.loras)
        fields = {
            "Steps": request.steps,
            "Sampler": self.sampler,
            "Schedule type": SCHEDULES[self.sampler],
            "CFG scale": f"{request.guidance_scale:g}",
            "Seed": seed,
            "Size": f"{request.width}x{request.height}",
            **model,
            "RNG": "CPU",
            **({"Lora hashes": hashes} if hashes else {}),
            "Version": VERSION,
        }
        return format_infotext(request.prompt + tags, request.negative_prompt, fields)


def ordered(request: GenerationRequest, lora_dir: Path) -> Order:
    """Check a request and find what it names, before anything is loaded or drawn.

    Raises InvalidInput for other samplers, a second, larger pass, sizes that are no multiples of 8,
    and LoRAs that cannot be used.
    """
    _check(request)
    text, tags, others = split_tags(request.prompt)
    own = [
        AppliedLora(use.lora.name, use.lora, read_lora(use.lora.path)[0], _both(use.weight))
        for use in request.loras
    ]
    found = {tag: find_lora(tag.name, lora_dir) for tag in tags}
    asked = [_applied(tag, path) for tag, path in found.items() if path is not None]
    missing = [tag.name for tag, path in found.items() if path is None]
    return Order(request, text, (*own, *asked), tuple(_notes(missing, others, lora_dir)))


def _check(request: GenerationRequest) -> None:
    if request.sampler_name not in ("", *METHODS):
        known = " or ".join(map(repr, METHODS))
        raise InvalidInput(
            f"sampler_name must be {known} outside the webui, not {request.sampler_name!r}."
        )
    if request.sampler_name == "LCM":
        lcm_timesteps(request.steps)
    if request.hires_scale != 1:
        raise InvalidInput("Drawing a second time in larger needs the webui; use output_size.")
    width, height = request.width, request.height
    if width % 8 or height % 8 or width < 0 or height < 0:
        raise InvalidInput(f"width and height must be multiples of 8, not {width} x {height}.")


def _both(weight: float) -> Strength:
    return Strength(weight, weight)


def _applied(tag: LoraTag, path: Path) -> AppliedLora:
    state = read_lora(path)[0]
    if tag.rank is not None:
        state = cut_to_rank(state, tag.rank)
    return AppliedLora(tag.name, describe(path), state, tag.strength)


def _notes(missing: list[str], others: tuple[str, ...], lora_dir: Path) -> Iterator[str]:
    if missing:
        names = ", ".join(dict.fromkeys(missing))
        yield f"LoRA not found in {lora_dir}: {names}. Drawn without."
    if others:
        yield f"Only the webui knows {', '.join(dict.fromkeys(others))}. Drawn without."
