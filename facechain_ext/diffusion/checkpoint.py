"""Tell what a checkpoint is from headers and configs, without loading a weight."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from safetensors import SafetensorError, safe_open

from facechain_ext.base.errors import UnsupportedCheckpoint
from facechain_ext.base.host import Family, PredictionType
from facechain_ext.diffusion.families import (
    FIRST_CONV,
    LAYOUTS,
    V_MARKER,
    ZERO_SNR_MARKER,
    Shapes,
    family_of_file,
    family_of_folder,
)

Layout = Literal["ldm", "diffusers"]

MINI_COMPONENTS = Path(__file__).resolve().parents[1] / "weights" / "mini"
CONFIGS = Path(__file__).resolve().parent / "configs"
"""Component configs of each family's published checkpoints, in a folder of its name."""
SD1_COMPONENTS = CONFIGS / "sd1"

_V_IN_YAML = re.compile(r"^\s*parameterization\s*:\s*[\"']?v[\"']?\s*(#.*)?$", re.MULTILINE)


@dataclass(frozen=True)
class CheckpointInfo:
    """What a checkpoint is.

    components: the folder whose unet/, vae/, text_encoder/, scheduler/ and tokenizer/ describe it.
    prediction_type: of single files of Stable Diffusion 2.x only what is stated; see
        `parameterization`.
    zero_snr: whether the noise schedule ends in pure noise, without any signal left.
    """

    path: Path
    family: Family
    prediction_type: PredictionType
    layout: Layout
    components: Path
    zero_snr: bool = False

    @property
    def is_mini(self) -> bool:
        """Whether this is the embedded checkpoint, here or copied elsewhere."""
        return self.components.resolve() == MINI_COMPONENTS

    @cached_property
    def sha256(self) -> str:
        """Digest of the file; of the UNet's weight file for a diffusers folder."""
        digest = hashlib.sha256()
        with self._weight_file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()

    @property
    def _weight_file(self) -> Path:
        return self.path if self.layout == "ldm" else weight_file(self.path / "unet")


def inspect(path: Path) -> CheckpointInfo:
    """Classify a .safetensors file or a diffusers folder; raises UnsupportedCheckpoint."""
    if path.is_dir():
        return _inspect_folder(path)
    if not path.is_file():
        raise UnsupportedCheckpoint(f"There is no checkpoint at {path}.")
    if path.suffix.lower() != ".safetensors":
        raise UnsupportedCheckpoint(
            f"{path.name} is not a .safetensors file. Pickled checkpoints (.ckpt, .pt, .bin) can "
            "run code when they are opened and are never read; convert it to .safetensors first."
        )
    shapes, metadata = read_header(path)
    family = family_of_file(path.name, shapes)
    components = _components(path, family, shapes)
    prediction_type = _file_prediction_type(path, shapes, metadata, components)
    zero_snr = ZERO_SNR_MARKER in shapes
    return CheckpointInfo(path, family, prediction_type, "ldm", components, zero_snr)


def read_header(path: Path) -> tuple[Shapes, dict[str, str]]:
    """Return the shape of every tensor, and the metadata, of a .safetensors file."""
    try:
        with safe_open(str(path), framework="numpy") as file:
            shapes = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
            return shapes, dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise UnsupportedCheckpoint(
            f"{path.name} is not a valid .safetensors file: {error}"
        ) from error


def read_config(folder: Path, component: str) -> dict[str, Any]:
    """Read a component's config; raises UnsupportedCheckpoint when it is missing or broken."""
    name = "scheduler_config.json" if component == "scheduler" else "config.json"
    path = folder / component / name
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnsupportedCheckpoint(f"{folder.name}: cannot read {component}/{name}.") from error
    if not isinstance(config, dict):
        raise UnsupportedCheckpoint(f"{folder.name}: {component}/{name} is not a config.")
    return config


def weight_file(component: Path) -> Path:
    """Return a diffusers component's .safetensors file, full precision first."""
    stem = "model" if component.name.startswith("text_encoder") else "diffusion_pytorch_model"
    for name in (f"{stem}.safetensors", f"{stem}.fp16.safetensors"):
        if (component / name).is_file():
            return component / name
    raise UnsupportedCheckpoint(
        f"{component.parent.name}: {component.name}/ holds no {stem}.safetensors. "
        "Pickled weights (.bin) are never read."
    )


def _inspect_folder(path: Path) -> CheckpointInfo:
    if not (path / "unet" / "config.json").is_file():
        raise UnsupportedCheckpoint(f"{path} is not a diffusers model: it has no unet/config.json.")
    family = family_of_folder(path, read_config(path, "unet"))
    encoders = ("text_encoder", "text_encoder_2")[: len(LAYOUTS[family].text)]
    for component in ("unet", "vae", *encoders):
        weight_file(path / component)
    scheduler = read_config(path, "scheduler")
    return CheckpointInfo(
        path,
        family,
        _config_prediction_type(path),
        "diffusers",
        path,
        bool(scheduler.get("rescale_betas_zero_snr")),
    )


def _components(path: Path, family: Family, shapes: Shapes) -> Path:
    """Find the configs that fit a single file: beside it, the mini's, or its family's own."""
    for folder in (path.parent, MINI_COMPONENTS, CONFIGS / family):
        described = (folder / "unet" / "config.json").is_file()
        if described and _fits(read_config(folder, "unet"), family, shapes):
            return folder
    raise UnsupportedCheckpoint(
        f"{path.name} has {LAYOUTS[family].title}'s layout in another size, and no component "
        "configs (unet/config.json and so on) lie beside it."
    )


def _fits(unet_config: Mapping[str, Any], family: Family, shapes: Shapes) -> bool:
    return bool(
        unet_config.get("cross_attention_dim") == shapes[LAYOUTS[family].context][1]
        and unet_config.get("block_out_channels", [0])[0] == shapes[FIRST_CONV][0]
    )


def _file_prediction_type(
    path: Path, shapes: Shapes, metadata: Mapping[str, str], components: Path
) -> PredictionType:
    """Look where each tool says it: a marker tensor, ModelSpec metadata, the .yaml beside it."""
    stated = metadata.get("modelspec.prediction_type", "")
    if V_MARKER in shapes or stated in ("v", "v_prediction"):
        return "v_prediction"
    yaml = path.with_suffix(".yaml")
    if yaml.is_file() and _V_IN_YAML.search(yaml.read_text(encoding="utf-8", errors="replace")):
        return "v_prediction"
    return _config_prediction_type(components)


def _config_prediction_type(folder: Path) -> PredictionType:
    scheduler = read_config(folder, "scheduler")
    if str(scheduler.get("_class_name", "")).startswith("EDM"):
        raise UnsupportedCheckpoint(f"{folder.name} is trained on EDM's noise levels.")
    stated = scheduler.get("prediction_type", "epsilon")
    if stated == "v_prediction":
        return "v_prediction"
    if stated == "epsilon":
        return "epsilon"
    raise UnsupportedCheckpoint(f"{folder.name} predicts {stated!r}, not noise or v.")
