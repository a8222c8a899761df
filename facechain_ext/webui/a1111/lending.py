"""Make the webui's loaded model fit to train, and give it back as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from modules import devices, lowvram, sd_hijack, sd_models, sd_unet, shared
from modules.hypernetworks import hypernetwork

from facechain_ext.base.errors import InvalidInput
from facechain_ext.diffusion.ldm_model import LdmModel
from facechain_ext.diffusion.sgm_model import in_place
from facechain_ext.webui.host.loras import lora_extension


@contextmanager
def lent(model: Any, *, for_training: bool) -> Iterator[LdmModel]:
    """Lend a loaded model, with its UNet on the webui's device and nothing merged into it.

    for_training: autoencoder and text encoder wait in main memory while they are not used.
    Raises InvalidInput, UnsupportedCheckpoint; the model is not touched then.
    """
    _refuse_settings(model)
    lendable = in_place(model, parked=for_training or model.lowvram)
    _restore_weights(model)
    _undo_extras(model)
    with _in_place(model, lendable):
        yield lendable


def _refuse_settings(model: Any) -> None:
    if shared.cmd_opts.lowvram:
        raise InvalidInput(
            "With --lowvram the model is never on the graphics card as a whole, and cannot be "
            "trained there. Start the webui with --medvram instead."
        )
    if sd_models.check_fp8(model) or devices.fp8:
        raise InvalidInput(
            "The model's weights are stored in 8 bits (FP8 weight in the settings, Optimizations), "
            "which cannot be trained on. Turn that off, then train."
        )


def _restore_weights(model: Any) -> None:
    """Take out LoRAs: the webui leaves those of the last picture merged into the weights."""
    networks = lora_extension()
    if networks is None:
        return
    networks.load_networks([], [], [], [])
    with torch.no_grad():
        for module in model.modules():
            if hasattr(module, "network_current_names"):
                networks.network_restore_weights_from_backup(module)
                module.network_current_names = ()


def _undo_extras(model: Any) -> None:
    """Undo what else a generation leaves behind; the next one sets it up for itself again."""
    hypernetwork.load_hypernetworks([])
    sd_models.apply_token_merging(model, 0)
    sd_unet.apply_unet("None")
    sd_hijack.model_hijack.apply_circular(False)


@contextmanager
def _in_place(model: Any, lendable: LdmModel) -> Iterator[None]:
    """Have the UNet on the webui's device and the rest where it waits, then all as it was."""
    if model.lowvram:
        lowvram.send_everything_to_cpu()
    parts = (lendable.unet, lendable.vae, lendable.text_encoder)
    homes = [next(part.parameters()).device for part in parts]
    try:
        for part in parts[1:]:
            part.to(devices.cpu if lendable.parked else devices.device)
        lendable.unet.to(devices.device)
        lendable.tie()
        devices.torch_gc()
        yield
    finally:
        lendable.let_go()
        if model.lowvram:
            lowvram.send_everything_to_cpu()
        devices.torch_gc()  # before parts come back, which would settle in what is to be given back
        for part, home in zip(parts, homes, strict=True):
            part.to(home)
        devices.torch_gc()
