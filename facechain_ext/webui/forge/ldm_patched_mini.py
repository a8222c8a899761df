"""Teach reForge, Forge Classic and their like what the mini checkpoint is.

Their loader, ldm_patched, has a list of model classes of its own. The UNet is built as the class
says; text encoder, tokenizer and autoencoder are built at Stable Diffusion 1's sizes unless others
are named, as is done here.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ldm_patched.modules import sd1_clip, supported_models, supported_models_base
from modules import patches
from modules_forge import forge_loader

from facechain_ext.diffusion.checkpoint import MINI_COMPONENTS, read_config
from facechain_ext.webui.forge.mini_class import leave_out, mini_class
from facechain_ext.webui.host.guarded import guarded

FIRST = "encoder.conv_in.weight"


def teach() -> None:
    """Put the mini's class at the head of the list; may be called again."""
    forget()
    # One loader asks with the file's tensors, another with nothing.
    members = {"clip_target": lambda self, state_dict=None: _text_target()}
    supported_models.models.insert(0, mini_class(supported_models.SD15, members))
    patches.patch(__name__, forge_loader, "VAE", _autoencoder)


def forget() -> None:
    """Take the mini's class out again, and let autoencoders be built as they were."""
    leave_out(supported_models.models)
    if patches.original(__name__, forge_loader, "VAE") is not None:
        patches.undo(__name__, forge_loader, "VAE")


def _text_target() -> Any:
    """Say what text encoder and tokenizer are built of: SD1's classes, at the mini's sizes."""
    config = read_config(MINI_COMPONENTS, "text_encoder")
    special = {name: config[f"{key}_token_id"] for name, key in SPECIAL_TOKENS.items()}
    tokenizer = partial(
        sd1_clip.SDTokenizer,
        tokenizer_path=str(MINI_COMPONENTS / "tokenizer"),
        embedding_size=config["hidden_size"],
    )
    encoder = partial(
        sd1_clip.SDClipModel,
        textmodel_json_config=str(MINI_COMPONENTS / "text_encoder" / "config.json"),
        special_tokens=special,
    )
    return supported_models_base.ClipTarget(
        partial(sd1_clip.SD1Tokenizer, tokenizer=tokenizer),
        partial(sd1_clip.SD1ClipModel, clip_model=encoder),
    )


def _autoencoder(sd: Any = None, *arguments: Any, **named: Any) -> Any:
    """Build an autoencoder as the webui does, the mini's by its own sizes."""
    build = patches.original(__name__, forge_loader, "VAE")
    if config := guarded(_own_config)(sd):
        named["config"] = config
    return build(sd, *arguments, **named)


def _own_config(state: Any) -> dict[str, Any] | None:
    """Return the sizes of the mini's autoencoder; None for the weights of any other."""
    config = read_config(MINI_COMPONENTS, "vae")
    widths = config["block_out_channels"]
    if FIRST not in (state or {}) or len(state[FIRST]) != widths[0]:
        return None
    sizes = {
        "double_z": True,
        "z_channels": config["latent_channels"],
        "resolution": config["sample_size"],
        "in_channels": config["in_channels"],
        "out_ch": config["out_channels"],
        "ch": widths[0],
        "ch_mult": [width // widths[0] for width in widths],
        "num_res_blocks": config["layers_per_block"],
        "attn_resolutions": [],
        "dropout": 0.0,
    }
    return {"params": {"ddconfig": sizes, "embed_dim": config["latent_channels"]}}


SPECIAL_TOKENS = {"start": "bos", "end": "eos", "pad": "pad"}
