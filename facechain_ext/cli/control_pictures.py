"""Pictures on the command line that portraits are led by, read here, whoever draws."""

from __future__ import annotations

import argparse
from pathlib import Path

from facechain_ext.base.controls import ControlKind
from facechain_ext.config import PortraitConfig
from facechain_ext.config.flags import config_from
from facechain_ext.imaging.files import read_photo
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.pose_gallery import named_pose
from facechain_ext.studio.earlier_pose import names_portrait
from facechain_ext.studio.posing import KINDS, condition_of


def read_controls(args: argparse.Namespace) -> dict[str, str]:
    """Return the settings that pictures stand for; raises InvalidInput as `condition_of` does."""
    config, nets = config_from(args, PortraitConfig), FaceNets()

    def read(kind: ControlKind) -> str:
        if kind == "pose" and _stands_for_itself(config.pose):
            return config.pose
        pixels = read_photo(Path(getattr(config, kind)).expanduser()).pixels
        return condition_of(kind, pixels, nets, config)

    return {kind: read(kind) for kind in KINDS if getattr(config, kind).strip()}


def _stands_for_itself(pose: str) -> bool:
    """Whether a pose has a name, or is that of a portrait which is no file here."""
    named = named_pose(pose) is not None
    return named or (names_portrait(pose) and not Path(pose).is_file())
