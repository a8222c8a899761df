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

QUANTIZED = (
    ".SCB",
    ".absmax",
    ".quant_map",
    ".quant_state.",
    ".qweight",
    ".qzeros",
    ".weight_format",
    ".comfy_quant",
    ".block_scale",
)
"""Tensors beside weights that mean nothing without a table, or a scale for every block."""

SCALES = (".scale_weight", ".weight_scale")
"""What follows a layer's name in the scale that its float8 weight is to be multiplied by."""

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


CHANNELS = {
    3: "draws pixels, not latents (3 input channels)",
    5: "is a depth checkpoint (5 input channels), and its UNet has another form; use the plain one",
    7: "is an upscaler (7 input channels); use the plain one",
    8: "is an InstructPix2Pix checkpoint (8 input channels); use the plain one",
    9: "is an inpainting checkpoint (9 input channels); use the plain one",
}
"""What a UNet that does not take 4 input channels is."""

REFUSED: tuple[tuple[Signature, str], ...] = (
    (
        _has(".lora_down.", ".lora_up.", ".lora_A.", ".hada_w1_a", ".lokr_w", ".oft_blocks"),
        "is a LoRA, not a checkpoint.",
    ),
    (_has("control_model.", "controlnet_cond_embedding"), "is a ControlNet, not a checkpoint."),
    (_has("motion_modules."), "is a motion module, not a checkpoint."),
    (_has("ip_adapter.", "image_proj."), "is an IP-Adapter, not a checkpoint."),
    (_has("string_to_param", "emb_params"), "is an embedding, not a checkpoint."),
    (_has("joint_blocks."), f"is a Stable Diffusion 3 checkpoint; {WORKING}."),
    (_has("distilled_guidance_layer."), f"is a Chroma checkpoint; {WORKING}."),
    (_has("individual_token_refiner."), f"is a HunyuanVideo checkpoint; {WORKING}."),
    (_has("double_blocks."), f"is a Flux checkpoint; {WORKING}."),
    (_has("double_layers."), f"is an AuraFlow checkpoint; {WORKING}."),
    (_has("clip_txt_mapper.", "effnet_mapper.", "clf.1.weight"), f"is Stable Cascade; {WORKING}."),
    (_has("y_embedder.y_embedding"), f"is a PixArt checkpoint; {WORKING}."),
    (_has("mlp_t5."), f"is a Hunyuan-DiT checkpoint; {WORKING}."),
    (_has("cap_embedder."), f"is a Lumina checkpoint; {WORKING}."),
    (_has("adaln_single."), f"is a diffusion transformer (PixArt, LTX); {WORKING}."),
    (_has("transformer_blocks.0.img_mod."), f"is a Qwen-Image checkpoint; {WORKING}."),
    (_has(".time_stack.", "temporal_"), f"is a video checkpoint; {WORKING}."),
    (_has("conditioner.embedders.0.model."), "is the SDXL refiner; use an SDXL base checkpoint."),
    (
        _has("edm_mean", "edm_std", "edm_vpred."),
        "is trained on EDM's noise levels (CosXL, Playground 2.5), which do not work here.",
    ),
    (
        lambda shapes: LABELS in shapes and _has("cond_stage_model.")(shapes),
        "is an unCLIP checkpoint, conditioned on pictures; use the plain one.",
    ),
    (_has(".position_net.", ".fuser."), "is a GLIGEN checkpoint; use the plain one."),
    *((_input_channels(count), f"{sentence}.") for count, sentence in CHANNELS.items()),
    (
        _has(*QUANTIZED),
        "holds weights that are quantized (bitsandbytes, GPTQ, GGUF), which cannot be trained on; "
        "use the plain one.",
    ),
)
"""First match wins."""


def family_of_file(name: str, shapes: Shapes, metadata: Mapping[str, str]) -> Family:
    """Return the family of a single file; raises UnsupportedCheckpoint unless it is complete.

    A file that no tensor gives away is called what its metadata calls it.
    """
    for matches, sentence in REFUSED:
        if matches(shapes):
            raise UnsupportedCheckpoint(f"{name} {sentence}")
    family = _likely_family(shapes)
    lack = _what_lacks(shapes, LAYOUTS[family])
    if lack is None:
        return family
    stated = metadata.get("modelspec.architecture") or metadata.get("ss_base_model_version")
    if stated and FIRST_CONV not in shapes:
        lack = f"says that it is a {stated}; {WORKING}."
    raise UnsupportedCheckpoint(f"{name} {lack}")


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
    channels: Any = config.get("in_channels")
    second_encoder = (path / "text_encoder_2").is_dir()
    if kind != "UNet2DConditionModel":
        raise UnsupportedCheckpoint(f"{path.name} is a {kind}; {WORKING}.")
    if config.get("quantization_config"):
        raise UnsupportedCheckpoint(
            f"{path.name} holds quantized weights, which cannot be trained on; use the plain one."
        )
    if channels != 4:
        what = CHANNELS.get(channels, f"has {channels!r} input channels; use a plain model")
        raise UnsupportedCheckpoint(f"{path.name} {what}.")
    if config.get("time_cond_proj_dim"):
        raise UnsupportedCheckpoint(
            f"{path.name} is a distilled LCM, told its guidance by number; use the plain model."
        )
    if config.get("encoder_hid_dim") or config.get("encoder_hid_dim_type"):
        raise UnsupportedCheckpoint(
            f"{path.name} reads prompts by another text encoder (Kolors, Kandinsky); {WORKING}."
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
