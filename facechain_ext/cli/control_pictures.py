"""Pictures on the command line that portraits are led by, read here, whoever draws."""

from __future__ import annotations

import argparse
from pathlib import Path

from facechain_ext.base.controls import ControlKind, Depth
from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Pixels
from facechain_ext.cli.paths import data_dir, path
from facechain_ext.cli.streams import say
from facechain_ext.config import PortraitConfig
from facechain_ext.config.flags import config_from
from facechain_ext.imaging.files import read_photo
from facechain_ext.nets import FaceNets
from facechain_ext.nets.depth import FOLDER
from facechain_ext.nets.depth import read_depth as by_net
from facechain_ext.portrait.pose_gallery import named_pose
from facechain_ext.studio.earlier_pose import names_portrait
from facechain_ext.studio.posing import KINDS, DepthReader, condition_of, relief


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add what only pictures on the command line need."""
    parser.add_argument(
        "--depth-net",
        type=path,
        help="what reads depth: a DPT, MiDaS or Depth Anything as an ONNX file or a folder, or the "
        "name of one in the models folder's depth/",
    )


def read_controls(args: argparse.Namespace, depth: DepthReader = relief) -> dict[str, str]:
    """Return the settings that pictures stand for; raises InvalidInput as `condition_of` does.

    depth: what reads depth unless a net is given for it.
    """
    config, nets = config_from(args, PortraitConfig), FaceNets()

    def read(kind: ControlKind) -> str:
        if kind == "pose" and _stands_for_itself(config.pose):
            return config.pose
        pixels = read_photo(Path(getattr(config, kind)).expanduser()).pixels
        return condition_of(kind, pixels, nets, config, read_depth)

    def read_depth(pixels: Pixels, nets: FaceNets) -> Depth:
        net: Path | None = getattr(args, "depth_net", None)
        read = depth(pixels, nets) if net is None else by_net(_found(args, net), pixels)
        say(f"Depth by {read.by}.")
        return read

    return {kind: read(kind) for kind in KINDS if getattr(config, kind).strip()}


def _stands_for_itself(pose: str) -> bool:
    """Whether a pose has a name, or is that of a portrait which is no file here."""
    named = named_pose(pose) is not None
    return named or (names_portrait(pose) and not Path(pose).is_file())


def _found(args: argparse.Namespace, net: Path) -> Path:
    """Return a net by its path, or by its name in the models folder; raises InvalidInput."""
    folder = data_dir(args.data_dir) / "models" / FOLDER
    found = next((each for each in (net, folder / net) if each.exists()), None)
    if found is None:
        raise InvalidInput(
            f"There is no depth net {net}, here or in {folder}. dpt-large is published on Hugging "
            "Face as Intel/dpt-large (1.4 GB, Apache-2.0), Depth Anything as "
            "depth-anything/Depth-Anything-V2-Small-hf (99 MB, Apache-2.0): save config.json, "
            "preprocessor_config.json and model.safetensors in a folder of that name there."
        )
    return found
