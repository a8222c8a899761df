"""The two protocols that everything hangs on: a Host, and the DiffusionModel it lends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from facechain_ext.base.controls import Control, Depth
from facechain_ext.base.records import LoraFile, Pixels

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from facechain_ext.base.events import Event
    from facechain_ext.base.repainting import RepaintRequest

Family = Literal["sd1", "sd2", "sdxl"]
PredictionType = Literal["epsilon", "v_prediction"]
TargetModules = Literal["attention", "all"]
"""Which layers a LoRA may change: every attention's, or the feed-forward and residual ones too."""


@dataclass(frozen=True, eq=False)
class Conditioning:
    """Encoded prompts.

    prompt_embeds: (B, T, D) on the model's device.
    pooled_prompt_embeds: (B, P), add_time_ids: (B, 6); SDXL only.
    texts: the prompts, where they are to be encoded anew while the text encoder is trained.
    """

    prompt_embeds: Tensor
    pooled_prompt_embeds: Tensor | None = None
    add_time_ids: Tensor | None = None
    texts: tuple[str, ...] | None = None

    def select(self, index: Tensor) -> Conditioning:
        """Take rows by index, shape (B',)."""
        pooled, ids = self.pooled_prompt_embeds, self.add_time_ids
        return Conditioning(
            self.prompt_embeds[index],
            None if pooled is None else pooled[index],
            None if ids is None else ids[index],
            None if self.texts is None else tuple(self.texts[row] for row in index.tolist()),
        )

    def embeds_for(self, dtype: torch.dtype) -> Tensor:
        """Return prompt_embeds in a dtype; with gradients, for which float16 is too coarse, as
        they are."""
        embeds = self.prompt_embeds
        return embeds if embeds.requires_grad else embeds.to(dtype)


class DiffusionModel(Protocol):
    """A latent diffusion model, whatever classes it is made of."""

    @property
    def family(self) -> Family: ...
    @property
    def prediction_type(self) -> PredictionType: ...
    @property
    def resolution(self) -> int:
        """Native side length in pixels."""

    @property
    def default_guidance_scale(self) -> float: ...
    @property
    def suggested_target_modules(self) -> TargetModules:
        """Layers a LoRA needs to learn a face here; "all" for small checkpoints."""

    @property
    def suggested_learning_rate(self) -> float: ...
    @property
    def device(self) -> torch.device: ...
    @property
    def denoiser(self) -> nn.Module:
        """The UNet; LoRA layers are injected into it."""

    @property
    def alphas_cumprod(self) -> Tensor:
        """Shape (1000,), float32."""

    def encode_images(self, pixels: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode (B, 3, H, W) in -1..1 to scaled latents (B, 4, H/8, W/8), sampled."""

    def decode_latents(self, latents: Tensor) -> Tensor:
        """Decode scaled latents to (B, 3, H, W) clamped to -1..1."""

    def encode_prompts(self, texts: Sequence[str]) -> Conditioning: ...
    def predict(self, noisy_latents: Tensor, timesteps: Tensor, cond: Conditioning) -> Tensor:
        """Return the model's prediction (noise or v), same shape as noisy_latents."""

    def lora_targets(self, kind: TargetModules) -> dict[str, str]:
        """Map kohya LoRA name to the module's dotted path inside `denoiser`."""


TextTargets = tuple["nn.Module", dict[str, str]]
"""A text encoder, and its layers: kohya LoRA name to the module's dotted path inside it."""


@runtime_checkable
class TextTrainable(Protocol):
    """A DiffusionModel whose text encoders can be trained, too."""

    def text_targets(self) -> Sequence[TextTargets]:
        """Name the attention layers of every text encoder.

        Raises InvalidInput, saying why, where they cannot be trained after all.
        """

    def encode_with_gradients(self, texts: Sequence[str]) -> Conditioning:
        """Encode as `encode_prompts` does, so that gradients reach the text encoders."""


@dataclass(frozen=True)
class HostPaths:
    """Where this host keeps things; all absolute.

    lora_folder: the folder inside lora_dir where new LoRAs are put; empty for lora_dir itself.
    """

    data_dir: Path
    lora_dir: Path
    output_dir: Path
    models_dir: Path
    lora_folder: str = ""

    @property
    def people_dir(self) -> Path:
        """The library of people, photos and all."""
        return self.data_dir / "facechain" / "people"

    @property
    def looks_dir(self) -> Path:
        """Pictures that styles are trained on, and the trainings."""
        return self.data_dir / "facechain" / "looks"

    @property
    def jobs_dir(self) -> Path:
        """The jobs that wait or are over, with what was uploaded and drawn for them."""
        return self.data_dir / "facechain" / "jobs"


@dataclass(frozen=True)
class CheckpointRef:
    """A checkpoint the host can load; sha256 is empty where it has not been computed."""

    name: str
    path: Path
    sha256: str = ""

    def is_same(self, other: CheckpointRef) -> bool:
        """Compare by hash where both are known, otherwise by name."""
        both_hashed = bool(self.sha256 and other.sha256)
        return self.sha256 == other.sha256 if both_hashed else self.name == other.name


@dataclass(frozen=True)
class LoraUse:
    """A LoRA and the strength it is applied with."""

    lora: LoraFile
    weight: float


@dataclass(frozen=True)
class GenerationRequest:
    """What to draw; one picture for every seed. Size 0 and guidance None: the model's own.

    sampler_name: empty for the host's usual one. loras: applied in this order.
    hires_scale: above 1 the picture is drawn again that much larger, with hires_strength 0..1.
    """

    prompt: str
    negative_prompt: str = ""
    seeds: tuple[int, ...] = (0,)
    loras: tuple[LoraUse, ...] = ()
    width: int = 0
    height: int = 0
    steps: int = 20
    guidance_scale: float | None = None
    sampler_name: str = ""
    hires_scale: float = 1.0
    hires_strength: float = 0.5
    restore_faces: bool = False
    controls: tuple[Control, ...] = ()

    def for_seeds(self, seeds: Sequence[int]) -> GenerationRequest:
        return replace(self, seeds=tuple(seeds))


@dataclass(frozen=True, eq=False)
class GeneratedImage:
    """A picture as the model drew it, with the host's infotext.

    notes: what was asked for and could not be had, as sentences.
    """

    pixels: Pixels
    seed: int
    infotext: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unavailable:
    """A host's answer when it has no such tool; reason is a sentence for the user."""

    reason: str


StepCallback = Callable[[int, int, int], None]
"""Called with (picture index, sampling step, sampling steps)."""


class Host(Protocol):
    """The program we live in: the webui, Forge, or this package on its own."""

    @property
    def paths(self) -> HostPaths: ...
    def checkpoints(self) -> list[CheckpointRef]: ...
    def current_checkpoint(self) -> CheckpointRef: ...
    def job(self, title: str) -> AbstractContextManager[None]:
        """Show that our work is going on; forgets an earlier cancel."""

    def borrow_model(self, *, for_training: bool) -> AbstractContextManager[DiffusionModel]:
        """Lend the loaded model and take it back exactly as it was, on every exit path.

        Nobody else can use it meanwhile. Raises ModelUnavailable when a checkpoint that was lent
        before is gone.
        """

    def others_waiting(self) -> bool:
        """Tell whether somebody else waits for the model that is lent."""

    def generate(
        self, request: GenerationRequest, on_step: StepCallback | None = None
    ) -> Iterator[GeneratedImage]:
        """Draw one picture per seed through the host's own processing."""

    def repaint(
        self, request: RepaintRequest, on_step: StepCallback | None = None
    ) -> Iterator[GeneratedImage]:
        """Paint a part of a picture anew, once per seed; every picture comes whole.

        What is painted is drawn by itself, with its surroundings, at a size that suits the
        checkpoint. Beyond the mask and its blend no byte changes.
        """

    def preview(self) -> Pixels | None:
        """Return a small picture of what is being drawn; to be asked by `on_step` alone.

        None while there is nothing to see yet, or the user wants no previews.
        """

    def upscale(self, pixels: Pixels, size: int) -> Pixels | Unavailable:
        """Enlarge until the longer side is `size` pixels."""

    def restore_face(self, pixels: Pixels) -> Pixels | Unavailable: ...
    def tag(self, pixels: Pixels) -> list[str] | Unavailable: ...
    def read_depth(self, pixels: Pixels) -> Depth | Unavailable:
        """Read depth by a net of the user's or of the host's own."""

    def publish_lora(self, lora: LoraFile) -> None:
        """Make a LoRA that was just written known to the host."""

    def save_image(self, pixels: Pixels, infotext: str, folder: Path, stem: str) -> Path:
        """Write a picture with its infotext and the AI-generated marker; returns the file.

        stem: its name, `<rank>-<seed>` or `<reason>-<seed>`, where the host has none of its own.
        """

    def progress(self, event: Event) -> None: ...
    def cancel(self) -> None:
        """Ask the running job to stop at its next step."""

    def cancelled(self) -> bool: ...
