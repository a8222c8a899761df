"""Tell the families of checkpoints apart, and refuse the others, each with a sentence.

The key names are those of the published single files: CompVis' latent-diffusion for Stable
Diffusion 1.x and 2.x, Stability AI's generative-models (sgm) for SDXL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facechain_ext.base.errors import UnsupportedCheckpoint
from facechain_ext.base.host import Family

Shapes = Mapping[str, tuple[int, ...]]

UNET = "model.diffusion_model."
FIRST_CONV = UNET + "input_blocks.0.0.weight"
LABELS = UNET + "label_emb.0.0.weight"
VAE = "first_stage_model.decoder.conv_in.weight"
V_MARKER, ZERO_SNR_MARKER = "v_pred", "ztsnr"
"""Empty tensors by which files say that they predict v, and up to pure noise."""

GUIDANCE_SCALE: dict[Family, float] = {"sd1": 7.0, "sd2": 7.0, "sdxl": 5.0}
LEARNING_RATE: dict[Family, float] = {"sd1": 2e-4, "sd2": 2e-4, "sdxl": 1e-4}
"""What suits full-size checkpoints; small ones need ten times that, and less guidance."""

WORKING = "only Stable Diffusion 1.x, 2.x and SDXL work"


@dataclass(frozen=True)
class FileLayout:
    """Where a family's single files keep what tells it, and its text encoders.

    attention: the first transformer. linear: whether its projections are matrices, not kernels.
    text: the prefix of each text encoder.
    """

    title: str
    attention: str
    linear: bool
    text: tuple[str, ...]

    @property
    def context(self) -> str:
        """The tensor whose second dimension is the width of a prompt's embeddings."""
        return self.attention + "transformer_blocks.0.attn2.to_k.weight"

    @property
    def projection(self) -> str:
        return self.attention + "proj_in.weight"


LAYOUTS: dict[Family, FileLayout] = {
    "sd1": FileLayout(
        "Stable Diffusion 1.x",
        UNET + "input_blocks.1.1.",
        linear=False,
        text=("cond_stage_model.transformer.",),
    ),
    "sd2": FileLayout(
        "Stable Diffusion 2.x",
        UNET + "input_blocks.1.1.",
        linear=True,
        text=("cond_stage_model.model.",),
    ),
    "sdxl": FileLayout(
        "SDXL",
        UNET + "input_blocks.4.1.",
        linear=True,
        text=("conditioner.embedders.0.transformer.", "conditioner.embedders.1.model."),
    ),
}

Signature = Callable[[Shapes], bool]


def _has(*parts: str) -> Signature:
    return lambda shapes: any(part in key for part in parts for key in shapes)


def _input_channels(count: int) -> Signature:
    return lambda shapes: FIRST_CONV in shapes and shapes[FIRST_CONV][1] == count


REFUSED: tuple[tuple[Signature, str], ...] = (
    (_has(".lora_down.", ".lora_up.", ".lora_A.", ".hada_w1_a"), "is a LoRA, not a checkpoint."),
    (_has("control_model.", "controlnet_cond_embedding"), "is a ControlNet, not a checkpoint."),
    (_has("joint_blocks."), f"is a Stable Diffusion 3 checkpoint; {WORKING}."),
    (_has("double_blocks."), f"is a Flux checkpoint; {WORKING}."),
    (_has("conditioner.embedders.0.model."), "is the SDXL refiner; use an SDXL base checkpoint."),
    (
        lambda shapes: "edm_mean" in shapes,
        "is trained on EDM's noise levels (Playground 2.5), which do not work here.",
    ),
    (
        lambda shapes: LABELS in shapes and _has("cond_stage_model.")(shapes),
        "is an unCLIP checkpoint, conditioned on pictures; use the plain one.",
    ),
    (_input_channels(9), "is an inpainting checkpoint (9 input channels); use the plain one."),
    (_input_channels(8), "is an InstructPix2Pix checkpoint (8 input channels); use the plain one."),
)
"""First match wins."""


def family_of_file(name: str, shapes: Shapes) -> Family:
    """Return the family of a single file; raises UnsupportedCheckpoint unless it is complete."""
    for matches, sentence in REFUSED:
        if matches(shapes):
            raise UnsupportedCheckpoint(f"{name} {sentence}")
    family = _likely_family(shapes)
    if (lack := _what_lacks(shapes, LAYOUTS[family])) is not None:
        raise UnsupportedCheckpoint(f"{name} {lack}")
    return family


def _likely_family(shapes: Shapes) -> Family:
    if LABELS in shapes or _has("conditioner.embedders.")(shapes):
        return "sdxl"
    context = shapes.get(LAYOUTS["sd2"].context, (0,))
    if _has(*LAYOUTS["sd2"].text)(shapes) or context[-1] == 1024:
        return "sd2"
    return "sd1"


def _what_lacks(shapes: Shapes, layout: FileLayout) -> str | None:
    """Say what keeps a file from being a complete checkpoint of its family."""
    if FIRST_CONV not in shapes or layout.context not in shapes:
        return f"is not a {layout.title} checkpoint: it holds no such UNet."
    kernel = len(shapes.get(layout.projection, ())) == 4
    if shapes[FIRST_CONV][1:] != (4, 3, 3) or kernel == layout.linear:
        return f"is not a {layout.title} checkpoint: its UNet has another form."
    if VAE not in shapes:
        return "holds no autoencoder (VAE); use the full checkpoint."
    for prefix in layout.text:
        if not any(key.startswith(prefix) for key in shapes):
            which = "text encoder" if len(layout.text) == 1 else "pair of text encoders"
            return f"holds no complete {which}; use the full checkpoint."
    return None


def family_of_folder(path: Path, config: Mapping[str, Any]) -> Family:
    """Tell a diffusers folder by its UNet's config; raises UnsupportedCheckpoint."""
    kind = str(config.get("_class_name", "UNet2DConditionModel"))
    channels = config.get("in_channels")
    second_encoder = (path / "text_encoder_2").is_dir()
    if kind != "UNet2DConditionModel":
        raise UnsupportedCheckpoint(f"{path.name} is a {kind}; {WORKING}.")
    if channels != 4:
        raise UnsupportedCheckpoint(
            f"{path.name} is an inpainting or editing model ({channels} input channels); "
            "use the plain one."
        )
    if config.get("addition_embed_type") == "text_time":
        return _base_not_refiner(path, second_encoder=second_encoder)
    if second_encoder or config.get("class_embed_type") or config.get("addition_embed_type"):
        raise UnsupportedCheckpoint(
            f"{path.name} is conditioned on more than a prompt ({kind}); {WORKING}."
        )
    return "sd2" if config.get("use_linear_projection") else "sd1"


def _base_not_refiner(path: Path, *, second_encoder: bool) -> Family:
    if not second_encoder:
        raise UnsupportedCheckpoint(f"{path.name} is not an SDXL base: it has no text_encoder_2.")
    if not (path / "text_encoder").is_dir():
        raise UnsupportedCheckpoint(
            f"{path.name} is the SDXL refiner; use an SDXL base checkpoint."
        )
    return "sdxl"
