"""LDM's real classes, filled from an LDM single file, as the webui fills them.

What `ldm` imports and nothing here calls (torchvision, open_clip) is stood in for while it loads.
"""

from __future__ import annotations

import contextlib
import json
import sys
import types
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from transformers import CLIPTextConfig, CLIPTextModel, T5Tokenizer  # noqa: F401

Config = Mapping[str, Any]


def load_ldm(checkpoint: Path, components: Path) -> Any:
    """Build a LatentDiffusion whose shapes are told by diffusers configs, and load its weights.

    Skips the test where LDM's package is not installed.
    """
    configs = {
        name: json.loads((components / name / "config.json").read_text(encoding="utf-8"))
        for name in ("unet", "vae", "text_encoder")
    }
    with quiet_ldm(components):
        from ldm.models.diffusion.ddpm import LatentDiffusion

        model = LatentDiffusion(
            unet_config=unet_config(configs["unet"]),
            first_stage_config=vae_config(configs["vae"]),
            cond_stage_config=text_config(components / "tokenizer"),
            linear_start=0.00085,
            linear_end=0.012,
            timesteps=1000,
            image_size=configs["unet"]["sample_size"],
            channels=4,
            conditioning_key="crossattn",
            scale_factor=0.18215,
            use_ema=False,
            first_stage_key="jpg",
            cond_stage_key="txt",
        )
    missing = model.load_state_dict(load_file(checkpoint), strict=False).missing_keys
    buffers = {name for name, _ in model.named_buffers()}
    assert set(missing) <= buffers, set(missing) - buffers
    return model.eval()


@contextlib.contextmanager
def quiet_ldm(components: Path) -> Iterator[None]:
    """Let LDM be imported and built without its stray dependencies, output and downloads."""
    pytest.importorskip("omegaconf", reason="LDM's classes are not installed here")
    pytest.importorskip("einops", reason="LDM's classes are not installed here")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("pytorch_lightning", reason="LDM's classes are not installed here")
        with stood_in("torchvision.utils", "open_clip"), contextlib.redirect_stdout(None):
            encoders = pytest.importorskip(
                "ldm.modules.encoders.modules", reason="LDM's classes are not installed here"
            )
            config = CLIPTextConfig.from_pretrained(components / "text_encoder")
            real = encoders.CLIPTextModel
            encoders.CLIPTextModel = types.SimpleNamespace(
                from_pretrained=lambda version: CLIPTextModel(config)
            )
            try:
                yield
            finally:
                encoders.CLIPTextModel = real


@contextlib.contextmanager
def stood_in(*names: str) -> Iterator[None]:
    """Put empty modules where nothing is installed, for the time of an import."""
    added = []
    for name in names:
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            path = ".".join(parts[:end])
            if path not in sys.modules:
                sys.modules[path] = _Anything(path)
                added.append(path)
    try:
        yield
    finally:
        for path in added:
            del sys.modules[path]


class _Anything(types.ModuleType):
    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return None


def unet_config(unet: Config) -> dict[str, Any]:
    channels = unet["block_out_channels"]
    attention = [2**n for n, kind in enumerate(unet["down_block_types"]) if "CrossAttn" in kind]
    return {
        "target": "ldm.modules.diffusionmodules.openaimodel.UNetModel",
        "params": {
            "image_size": unet["sample_size"],
            "in_channels": unet["in_channels"],
            "out_channels": unet["out_channels"],
            "model_channels": channels[0],
            "attention_resolutions": attention,
            "num_res_blocks": unet["layers_per_block"],
            "channel_mult": [width // channels[0] for width in channels],
            "num_heads": unet["attention_head_dim"],
            "use_spatial_transformer": True,
            "transformer_depth": 1,
            "context_dim": unet["cross_attention_dim"],
            "use_checkpoint": False,
            "legacy": False,
        },
    }


def vae_config(vae: Config) -> dict[str, Any]:
    channels = vae["block_out_channels"]
    return {
        "target": "ldm.models.autoencoder.AutoencoderKL",
        "params": {
            "embed_dim": vae["latent_channels"],
            "ddconfig": {
                "double_z": True,
                "z_channels": vae["latent_channels"],
                "resolution": vae["sample_size"],
                "in_channels": 3,
                "out_ch": 3,
                "ch": channels[0],
                "ch_mult": [width // channels[0] for width in channels],
                "num_res_blocks": vae["layers_per_block"],
                "attn_resolutions": [],
                "dropout": 0.0,
            },
            "lossconfig": {"target": "torch.nn.Identity"},
        },
    }


def text_config(tokenizer: Path) -> dict[str, Any]:
    return {
        "target": "ldm.modules.encoders.modules.FrozenCLIPEmbedder",
        "params": {"version": str(tokenizer), "device": "cpu"},
    }
