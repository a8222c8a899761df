"""Clothes that are tried on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from facechain_ext.config.option import option
from facechain_ext.config.template import TemplateConfig

Way = Literal["fitted", "worn"]
Part = Literal["auto", "upper", "lower", "dress"]


@dataclass(frozen=True)
class TryOnConfig(TemplateConfig):
    """How clothes are tried on; what a template takes counts for the face of the way `worn`."""

    way: Way = option(
        "fitted",
        label="Way",
        help="fitted: a garment that is worn, laid flat or cut out is put on the photo. worn: the "
        "picture of somebody in the clothes becomes one of the person, clothes kept as they are.",
    )
    part: Part = option(
        "auto",
        label="Part of the body",
        help="fitted: where the garment is worn. auto: told by its outline; of clothes that "
        "somebody wears, the upper part. lower: trousers, shorts and skirts, flat or cut out. "
        "dress: from the shoulders to below the hips, flat or cut out.",
    )
    seam: float = option(
        0.3,
        label="Repaint of the edge",
        minimum=0.0,
        maximum=1.0,
        help="How freely the edge of a fitted garment is painted anew. 0 leaves it as it was laid; "
        "so does a checkpoint that knows faces alone, as the mini.",
    )
    background: str = option(
        "",
        label="Background",
        help="worn: words for what is drawn anew around the clothes; empty leaves it as it is.",
    )
