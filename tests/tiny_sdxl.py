"""A tiny random SDXL in both published layouts: a diffusers folder, and sgm's single file."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from facechain_ext.diffusion.ldm_keys import unet_to_ldm, vae_to_ldm

UNET = {
    "sample_size": 8,
    "in_channels": 4,
    "out_channels": 4,
    "block_out_channels": [32, 64, 128],
    "layers_per_block": 2,
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "transformer_layers_per_block": [1, 1, 2],
    "cross_attention_dim": 80,
    "attention_head_dim": [1, 2, 4],
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 8,
    "projection_class_embeddings_input_dim": 88,
    "norm_num_groups": 32,
}
VAE = {
    "sample_size": 64,
    "latent_channels": 4,
    "block_out_channels": [32, 32, 32, 32],
    "layers_per_block": 2,
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
    "norm_num_groups": 32,
    "scaling_factor": 0.13025,
}
TEXT_2 = {
    "hidden_size": 48,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 77,
    "hidden_act": "gelu",
    "projection_dim": 40,
}


def save_folder(folder: Path, text_config: dict[str, object]) -> None:
    """Write the model's components; text_config: of the first encoder, the vocabulary in it."""
    vocabulary = {k: v for k, v in text_config.items() if k.endswith(("_size", "_id"))}
    second = {**vocabulary, **TEXT_2}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        modules = {
            "unet": UNet2DConditionModel(**UNET),
            "vae": AutoencoderKL(**VAE),
            "text_encoder": CLIPTextModel(CLIPTextConfig(**text_config)),
            "text_encoder_2": CLIPTextModelWithProjection(CLIPTextConfig(**second)),
        }
        # A fresh UNet's answer is near 0; a livelier one makes every difference visible.
        torch.nn.init.normal_(modules["unet"].conv_out.weight, std=0.1)
        _enliven(modules["text_encoder"], modules["text_encoder_2"])
    for name, module in modules.items():
        module.save_pretrained(folder / name, safe_serialization=True)


def _enliven(*encoders: torch.nn.Module) -> None:
    """Give biases and norms values of their own: fresh ones would hide that they are mixed up."""
    for encoder in encoders:
        for name, parameter in encoder.named_parameters():
            if name.endswith("bias") or "norm" in name:
                parameter.data += 0.1 * torch.randn(parameter.shape)


def save_single_file(folder: Path, path: Path) -> None:
    """Rewrite a diffusers folder as sgm's single file."""
    read = {part.name: load_file(next(part.glob("*.safetensors"))) for part in _parts(folder)}
    state = {
        **unet_to_ldm(read["unet"], UNET),
        **vae_to_ldm(read["vae"], VAE),
        **clip_to_sgm(read["text_encoder"]),
        **open_clip_to_sgm(read["text_encoder_2"]),
    }
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, path)


def _parts(folder: Path) -> list[Path]:
    return [part for part in folder.iterdir() if any(part.glob("*.safetensors"))]


def clip_to_sgm(state: dict[str, Tensor]) -> dict[str, Tensor]:
    start = "conditioner.embedders.0.transformer.text_model."
    renamed = {start + name.removeprefix("text_model."): tensor for name, tensor in state.items()}
    return {**renamed, start + "embeddings.position_ids": torch.arange(77)[None]}


def open_clip_to_sgm(state: dict[str, Tensor]) -> dict[str, Tensor]:
    written = open_clip_layers(state, layers=3)
    written["text_projection"] = state["text_projection.weight"].T
    return {"conditioner.embedders.1.model." + name: tensor for name, tensor in written.items()}


def open_clip_layers(state: dict[str, Tensor], *, layers: int) -> dict[str, Tensor]:
    """Write out OpenCLIP's layout layer by layer, as open_clip/transformer.py names it."""
    own = {name.removeprefix("text_model."): tensor for name, tensor in state.items()}
    written = {
        "token_embedding.weight": own["embeddings.token_embedding.weight"],
        "positional_embedding": own["embeddings.position_embedding.weight"],
        "ln_final.weight": own["final_layer_norm.weight"],
        "ln_final.bias": own["final_layer_norm.bias"],
        "logit_scale": torch.tensor(4.6),
    }
    for layer in range(layers):
        ours, theirs = f"encoder.layers.{layer}.", f"transformer.resblocks.{layer}."
        for kind in ("weight", "bias"):
            stacked = [own[f"{ours}self_attn.{part}_proj.{kind}"] for part in "qkv"]
            written |= {
                f"{theirs}attn.in_proj_{kind}": torch.cat(stacked),
                f"{theirs}attn.out_proj.{kind}": own[f"{ours}self_attn.out_proj.{kind}"],
                f"{theirs}ln_1.{kind}": own[f"{ours}layer_norm1.{kind}"],
                f"{theirs}ln_2.{kind}": own[f"{ours}layer_norm2.{kind}"],
                f"{theirs}mlp.c_fc.{kind}": own[f"{ours}mlp.fc1.{kind}"],
                f"{theirs}mlp.c_proj.{kind}": own[f"{ours}mlp.fc2.{kind}"],
            }
    return written
