"""Pictures on the command line that portraits are led by, read here, whoever draws."""

from __future__ import annotations

import argparse
from pathlib import Path

from facechain_ext.config import PortraitConfig
from facechain_ext.config.flags import config_from
from facechain_ext.imaging.files import read_photo
from facechain_ext.nets import FaceNets
from facechain_ext.studio.posing import pose_of


def read_controls(args: argparse.Namespace) -> dict[str, str]:
    """Return the settings that pictures stand for; raises InvalidInput for one without a pose."""
    config = config_from(args, PortraitConfig)
    if not config.pose.strip():
        return {}
    pixels = read_photo(Path(config.pose).expanduser()).pixels
    return {"pose": pose_of(pixels, FaceNets(), config)}
