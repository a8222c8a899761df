"""What is read off a picture to lead portraits by, as a text, and the control it stands for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

import numpy as np

from facechain_ext.base.controls import TITLES, Control, ControlKind, Depth
from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Pixels
from facechain_ext.config import PortraitConfig
from facechain_ext.dataset.captions import turned_phrase
from facechain_ext.imaging.edges import hard_edges, soft_edges
from facechain_ext.imaging.files import resize
from facechain_ext.imaging.openpose import DRAWN_SIDE, EYES_AND_NOSE, Skeleton, draw_skeleton
from facechain_ext.imaging.picture_text import read_picture, write_picture
from facechain_ext.imaging.pose_text import read_pose, write_pose
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.pose_gallery import named_pose
from facechain_ext.portrait.relief import draw_relief
from facechain_ext.portrait.skeleton import read_skeleton
from facechain_ext.studio.pose_size import fitted, require_judged

KINDS: tuple[ControlKind, ...] = get_args(ControlKind)

RELIEF = "a relief of face mesh and matte, no measured depth"
DepthReader = Callable[[Pixels, FaceNets], Depth]

_EDGES: Mapping[ControlKind, Callable[[Pixels], Any]] = {
    "canny": hard_edges,
    "soft_edges": soft_edges,
}


def relief(pixels: Pixels, nets: FaceNets) -> Depth:
    """Draw depth where there is no net for it; raises InvalidInput as `draw_relief` does."""
    return Depth(draw_relief(pixels, nets), RELIEF)


def condition_of(
    kind: ControlKind,
    picture: Pixels,
    nets: FaceNets,
    config: PortraitConfig,
    depth: DepthReader = relief,
) -> str:
    """Read what a kind of control keeps of a picture's middle, cut to the portraits' shape.

    A pose whose face is larger than portraits' may be is made smaller.
    Raises InvalidInput for a pose or a relief unless exactly one person's face is seen there.
    """
    width, height = _shape(config)
    cut = _cut(picture, width / height)
    if kind == "pose":
        return write_pose(fitted(read_skeleton(cut, nets), (width, height), config))
    pixels = resize(cut, _drawn_size(config))
    if kind == "depth":
        return write_picture(depth(pixels, nets).picture)
    return write_picture(_EDGES[kind](pixels))


def drawn_condition(kind: ControlKind, text: str, config: PortraitConfig) -> Pixels:
    """Draw what a ControlNet is shown, its shorter side 512 pixels where it is a pose.

    Raises InvalidInput for what is no pose or picture, or shows nothing.
    """
    if kind == "pose":
        pose = _pose_of(text)
        picture = draw_skeleton(pose, *_drawn_size(config))
    else:
        picture = read_picture(text, kind)
    if not picture.any():
        raise InvalidInput(f"Nothing of the picture that {TITLES[kind]} is to lead by is in sight.")
    return picture


def looking_of(text: str) -> str | None:
    """Say in a caption's words where a pose has the head turned, "" for the front.

    A person's LoRA knows turned heads by these words, and holds to the front without them. None
    where there is no pose, or one without a face.
    """
    if not text:
        return None
    points = _pose_of(text).face[list(EYES_AND_NOSE)]
    return (turned_phrase(points) or "") if np.isfinite(points).all() else None


def controls_of(config: PortraitConfig) -> tuple[Control, ...]:
    """Draw a config's controls.

    Raises InvalidInput as `drawn_condition` does, where they would have no time to lead, or for a
    pose whose face is of a size that is set aside.
    """
    asked = {kind: getattr(config, kind) for kind in KINDS}
    if any(asked.values()) and config.control_start >= config.control_end:
        raise InvalidInput(
            f"control_start must be less than control_end, not {config.control_start:g} and "
            f"{config.control_end:g}."
        )
    if asked["pose"]:
        require_judged(_pose_of(asked["pose"]), _shape(config), config)
    return tuple(
        Control(
            kind,
            drawn_condition(kind, text, config),
            getattr(config, f"{kind}_strength"),
            config.control_start,
            config.control_end,
        )
        for kind, text in asked.items()
        if text
    )


def _pose_of(text: str) -> Skeleton:
    return named_pose(text) or read_pose(text)


def _shape(config: PortraitConfig) -> tuple[int, int]:
    """Return the portraits' width and height; square where both are the checkpoint's own."""
    return config.width or config.height or 1, config.height or config.width or 1


def _drawn_size(config: PortraitConfig) -> tuple[int, int]:
    width, height = _shape(config)
    scale = DRAWN_SIDE / min(width, height)
    return round(width * scale), round(height * scale)


def _cut(picture: Pixels, shape: float) -> Pixels:
    """Cut the largest part of a shape, width over height, out of a picture's middle."""
    height, width = picture.shape[:2]
    new_width, new_height = min(width, round(height * shape)), min(height, round(width / shape))
    left, top = (width - new_width) // 2, (height - new_height) // 2
    return picture[top : top + new_height, left : left + new_width]
