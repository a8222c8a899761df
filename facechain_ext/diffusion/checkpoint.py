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

from facechain_ext.base.errors import UnsupportedCheckpoint
from facechain_ext.base.host import Family, PredictionType
from facechain_ext.diffusion.families import (
    FIRST_CONV,
    LAYOUTS,
    V_MARKER,
    WORKING,
    ZERO_SNR_MARKER,
    Shapes,
    family_of_file,
    family_of_folder,
)
from facechain_ext.diffusion.headers import QUANTIZED_WEIGHTS, read_header, weight_files

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

    @property
    def name(self) -> str:
        """What the checkpoint is called: a file without its ending, a folder as it stands."""
        return checkpoint_name(self.path)

    @cached_property
    def sha256(self) -> str:
        """Digest of the file; of the UNet's weight files for a diffusers folder."""
        digest = hashlib.sha256()
        for path in (self.path,) if self.layout == "ldm" else weight_files(self.path / "unet"):
            with path.open("rb") as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
        return digest.hexdigest()


def checkpoint_name(path: Path) -> str:
    """Name a checkpoint after its path; what looks like a folder's ending belongs to its name."""
    return path.name if path.is_dir() else path.stem


def inspect(path: Path) -> CheckpointInfo:
    """Classify a .safetensors file or a diffusers folder; raises UnsupportedCheckpoint."""
    if path.is_dir():
        return _inspect_folder(path)
    if not path.is_file():
        raise UnsupportedCheckpoint(f"There is no checkpoint at {path}.")
    if path.suffix.lower() == ".gguf":
        raise UnsupportedCheckpoint(
            f"{path.name} is a GGUF file, whose weights are quantized and cannot be trained on; "
            "use the plain .safetensors."
        )
    if path.suffix.lower() != ".safetensors":
        raise UnsupportedCheckpoint(
            f"{path.name} is not a .safetensors file. Pickled checkpoints (.ckpt, .pt, .bin) can "
            "run code when they are opened and are never read; convert it to .safetensors first."
        )
    header = read_header(path)
    shapes, metadata = header.shapes, header.metadata
    if "I8" in header.dtypes.values():
        raise UnsupportedCheckpoint(f"{path.name} {QUANTIZED_WEIGHTS}")
    family = family_of_file(path.name, shapes, metadata)
    components = _components(path, family, shapes)
    prediction_type = _file_prediction_type(path, shapes, metadata, components)
    zero_snr = ZERO_SNR_MARKER in shapes or metadata.get("ss_zero_terminal_snr") == "True"
    return CheckpointInfo(path, family, prediction_type, "ldm", components, zero_snr)


def read_config(folder: Path, component: str) -> dict[str, Any]:
    """Read a component's config; raises UnsupportedCheckpoint when it is missing or broken."""
    name = "scheduler_config.json" if component == "scheduler" else "config.json"
    return read_json(folder / component / name, folder.name)


def read_json(path: Path, name: str) -> dict[str, Any]:
    """Read a settings file of a model; raises UnsupportedCheckpoint as `read_config` does."""
    told = path.name if path.parent.name == name else f"{path.parent.name}/{path.name}"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UnsupportedCheckpoint(f"{name}: cannot read {told}.") from error
    if not isinstance(config, dict):
        raise UnsupportedCheckpoint(f"{name}: {told} is not a config.")
    return config


def _inspect_folder(path: Path) -> CheckpointInfo:
    if not (path / "unet" / "config.json").is_file():
        index = path / "model_index.json"
        kind = read_json(index, path.name).get("_class_name") if index.is_file() else None
        if kind is not None:
            raise UnsupportedCheckpoint(f"{path.name} is a {kind}, without a UNet; {WORKING}.")
        raise UnsupportedCheckpoint(f"{path} is not a diffusers model: it has no unet/config.json.")
    family = family_of_folder(path, read_config(path, "unet"))
    encoders = ("text_encoder", "text_encoder_2")[: len(LAYOUTS[family].text)]
    for component in ("unet", "vae", *encoders):
        weight_files(path / component)
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
    if stated not in ("", "epsilon", "eps", "v", "v_prediction"):
        raise UnsupportedCheckpoint(f"{path.name} predicts {stated!r}, not noise or v.")
    version = metadata.get("ss_base_model_version", "")
    if V_MARKER in shapes or stated.startswith("v") or version.endswith("_v"):
        return "v_prediction"
    yaml = path.with_suffix(".yaml")
    if yaml.is_file() and _V_IN_YAML.search(yaml.read_text(encoding="utf-8", errors="replace")):
        return "v_prediction"
    return _config_prediction_type(components)


def _config_prediction_type(folder: Path) -> PredictionType:
    scheduler = read_config(folder, "scheduler")
    kind = str(scheduler.get("_class_name", ""))
    if kind.startswith("EDM"):
        raise UnsupportedCheckpoint(f"{folder.name} is trained on EDM's noise levels.")
    if "FlowMatch" in kind or scheduler.get("use_flow_sigmas"):
        raise UnsupportedCheckpoint(
            f"{folder.name} is trained by flow matching ({kind}), not to predict noise or v."
        )
    stated = scheduler.get("prediction_type", "epsilon")
    if stated == "v_prediction":
        return "v_prediction"
    if stated == "epsilon":
        return "epsilon"
    raise UnsupportedCheckpoint(f"{folder.name} predicts {stated!r}, not noise or v.")
