"""Teach Forge what the mini checkpoint is: its loader knows models by their widths.

Forge asks the package huggingface_guess for the first model class that matches a file, reads the
components' configs from the folder that the class names, and builds the model of the one engine
that lists the class.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from huggingface_guess import model_list
from safetensors import safe_open
from torch import Tensor

from facechain_ext.diffusion.checkpoint import MINI_COMPONENTS
from facechain_ext.webui.forge.mini_class import leave_out, mini_class
from facechain_ext.webui.host.capabilities import has
from facechain_ext.webui.host.guarded import guarded

MINI_FILE = MINI_COMPONENTS / "facechain-mini.safetensors"
UNET = "model.diffusion_model."


class NamelessFolder(str):
    """A path in which no name of a model is found, whatever its folders are called.

    Forge Neo looks for "Wan", "krea", "xl" and others in it, and would load the mini as one of
    these where the webui or the extension lies in a folder such as /home/Wang.
    """

    __slots__ = ()

    def __contains__(self, text: object) -> bool:
        return False

    def lower(self) -> NamelessFolder:
        return self


def teach() -> None:
    """Put the mini's class at the head of the list; may be called again."""
    forget()
    mini = mini_class(model_list.SD15, _members())
    model_list.models.insert(0, mini)
    for guesses in _matched_guesses():
        guesses.append(mini)  # some engines take the classes that they list, and none derived


def forget() -> None:
    """Take the mini's class out again."""
    for known in (model_list.models, *_matched_guesses()):
        leave_out(known)


def _members() -> dict[str, Any]:
    own_parts = guarded(with_own_parts, instead=dict)
    return {
        "huggingface_repo": NamelessFolder(_seen_from_forge()),
        # The last that Forge asks for before it builds the model.
        "process_vae_state_dict": lambda self, state_dict: own_parts(state_dict),
    }


def _matched_guesses() -> list[list[Any]]:
    if not has("backend.diffusion_engine.sd15"):
        return []
    from backend.diffusion_engine.sd15 import StableDiffusion

    return [StableDiffusion.matched_guesses]


def _seen_from_forge() -> str:
    """Return our folder as a path from Forge's own configs, to which Forge joins it.

    Links on the way may lead elsewhere, and on another drive there is no such path: then it is
    absolute, and stands for itself.
    """
    if not has("backend.loader"):
        return str(MINI_COMPONENTS)
    from backend import loader

    configs = Path(loader.__file__).parent / "huggingface"
    for start in (configs, configs.resolve()):
        with suppress(ValueError):
            path = os.path.relpath(MINI_COMPONENTS, start)
            if (configs / path / "model_index.json").is_file():
                return path
    return str(MINI_COMPONENTS)


def with_own_parts(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Keep the UNet and take everything else from the mini's file.

    Forge puts the VAE and text encoder that the user chose for other checkpoints into every one.
    """
    parts: dict[str, Any] = {k: v for k, v in state_dict.items() if k.startswith(UNET)}
    with safe_open(str(MINI_FILE), framework="pt") as file:
        for key in file.keys():  # noqa: SIM118
            if not key.startswith(UNET):
                parts[key] = file.get_tensor(key)
    return parts
