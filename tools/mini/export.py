"""Write the mini as one LDM single file, its configs and tokenizer, and the .yaml template."""

import argparse
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler
from safetensors.torch import save_file
from torch import Tensor
from transformers import CLIPTokenizer

from facechain_ext.diffusion.ldm_keys import text_to_ldm, unet_to_ldm, vae_to_ldm
from facechain_ext.diffusion.mini_yaml import CLIP_FOLDER, PLACEHOLDER, TEMPLATE
from tools.mini.networks import (
    BLOCK_CHANNELS,
    CONTEXT_WIDTH,
    HEADS,
    LATENT_SIZE,
    Denoiser,
    load_denoiser,
)
from tools.mini.noising import BETA_END, BETA_START, TIMESTEPS, alphas_cumprod

CHECKPOINT = "facechain-mini.safetensors"
TITLE = "FaceChain mini"

YAML = """\
# What the webui reads beside {checkpoint}; the placeholder becomes an absolute path.
model:
  target: ldm.models.diffusion.ddpm.LatentDiffusion
  params:
    linear_start: {beta_start}
    linear_end: {beta_end}
    num_timesteps_cond: 1
    log_every_t: 200
    timesteps: {timesteps}
    first_stage_key: "jpg"
    cond_stage_key: "txt"
    image_size: {latent_size}
    channels: 4
    cond_stage_trainable: false
    conditioning_key: crossattn
    monitor: val/loss_simple_ema
    scale_factor: {scale_factor}
    use_ema: False

    unet_config:
      target: ldm.modules.diffusionmodules.openaimodel.UNetModel
      params:
        image_size: {latent_size}
        in_channels: 4
        out_channels: 4
        model_channels: {model_channels}
        attention_resolutions: [4, 2, 1]
        num_res_blocks: 2
        channel_mult: {channel_mult}
        num_heads: {heads}
        use_spatial_transformer: True
        transformer_depth: 1
        context_dim: {context}
        use_checkpoint: False
        legacy: False

    first_stage_config:
      target: ldm.models.autoencoder.AutoencoderKL
      params:
        embed_dim: 4
        monitor: val/rec_loss
        ddconfig:
          double_z: true
          z_channels: 4
          resolution: {resolution}
          in_channels: 3
          out_ch: 3
          ch: {vae_channels}
          ch_mult: {vae_mult}
          num_res_blocks: {vae_layers}
          attn_resolutions: []
          dropout: 0.0
        lossconfig:
          target: torch.nn.Identity

    cond_stage_config:
      target: ldm.modules.encoders.modules.FrozenCLIPEmbedder
      params:
        version: "{placeholder}"
"""


def checkpoint_state(denoiser: Denoiser, vae: AutoencoderKL) -> dict[str, Tensor]:
    """Collect all weights under LDM names in float16, and the float32 alphas_cumprod."""
    state = unet_to_ldm(denoiser.unet.state_dict(), denoiser.unet.config)
    state |= vae_to_ldm(vae.state_dict(), vae.config)
    state |= text_to_ldm(denoiser.text.state_dict())
    halves = {name: tensor.to(torch.float16).contiguous() for name, tensor in state.items()}
    return halves | {"alphas_cumprod": alphas_cumprod()}


def metadata() -> dict[str, str]:
    """Describe the file as the ModelSpec convention does."""
    return {
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": "stable-diffusion-v1",
        "modelspec.implementation": "https://github.com/CompVis/stable-diffusion",
        "modelspec.title": TITLE,
        "modelspec.resolution": "192x192",
        "modelspec.prediction_type": "epsilon",
    }


def yaml_template(vae: AutoencoderKL) -> str:
    """Fill the LDM configuration with the sizes of the networks."""
    first, *_ = widths = vae.config.block_out_channels
    return YAML.format(
        checkpoint=CHECKPOINT,
        placeholder=PLACEHOLDER,
        beta_start=BETA_START,
        beta_end=BETA_END,
        timesteps=TIMESTEPS,
        latent_size=LATENT_SIZE,
        scale_factor=vae.config.scaling_factor,
        model_channels=BLOCK_CHANNELS[0],
        channel_mult=[width // BLOCK_CHANNELS[0] for width in BLOCK_CHANNELS],
        heads=HEADS,
        context=CONTEXT_WIDTH,
        resolution=8 * LATENT_SIZE,
        vae_channels=first,
        vae_mult=[width // first for width in widths],
        vae_layers=vae.config.layers_per_block,
    )


def write_configs(folder: Path, denoiser: Denoiser, vae: AutoencoderKL, tokenizer: Path) -> None:
    """Write the component configs of a diffusers pipeline, and the tokenizer."""
    scheduler = DDIMScheduler(
        beta_start=BETA_START,
        beta_end=BETA_END,
        beta_schedule="scaled_linear",
        num_train_timesteps=TIMESTEPS,
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )
    denoiser.unet.save_config(folder / "unet")
    vae.register_to_config(_name_or_path="")  # else the builder's own path is written
    vae.save_config(folder / "vae")
    scheduler.save_config(folder / "scheduler")
    shutil.copytree(tokenizer, folder / CLIP_FOLDER, dirs_exist_ok=True)
    text = {**denoiser.text.config.to_diff_dict(), "architectures": ["CLIPTextModel"]}
    for place in ("text_encoder", CLIP_FOLDER):
        _write_json(folder / place / "config.json", text)
    _write_json(folder / "model_index.json", _model_index())


def export(denoiser: Denoiser, vae: AutoencoderKL, tokenizer: Path, folder: Path) -> Path:
    """Write everything to `folder` and return the checkpoint's path."""
    folder.mkdir(parents=True, exist_ok=True)
    write_configs(folder, denoiser, vae, tokenizer)
    (folder / TEMPLATE).write_text(yaml_template(vae), encoding="utf-8")
    save_file(checkpoint_state(denoiser, vae), folder / CHECKPOINT, metadata=metadata())
    return folder / CHECKPOINT


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--weights", type=Path, required=True, help="folder of weights-*.safetensors"
    )
    parser.add_argument("--vae", type=Path, required=True, help="diffusers AutoencoderKL folder")
    parser.add_argument("--tokenizer", type=Path, required=True, help="CLIP tokenizer folder")
    parser.add_argument("--out", type=Path, default=Path("facechain_ext/weights/mini"))
    return parser


def main(argv: list[str] | None = None) -> None:
    """Export from the command line."""
    args = build_parser().parse_args(argv)
    vocabulary = len(CLIPTokenizer.from_pretrained(args.tokenizer))
    vae = AutoencoderKL.from_pretrained(args.vae)
    print(export(load_denoiser(args.weights, vocabulary), vae, args.tokenizer, args.out))


def _model_index() -> dict[str, object]:
    return {
        "_class_name": "StableDiffusionPipeline",
        "feature_extractor": [None, None],
        "requires_safety_checker": False,
        "safety_checker": [None, None],
        "scheduler": ["diffusers", "DDIMScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }


def _write_json(path: Path, value: Mapping[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
