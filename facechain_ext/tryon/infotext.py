"""What an infotext says of a garment that was tried on."""

from __future__ import annotations

from facechain_ext import __version__
from facechain_ext.config import TryOnConfig
from facechain_ext.portrait.infotext import PERSON, VERSION

TRY_ON, GARMENT, PHOTO = "FaceChain try-on", "FaceChain garment", "FaceChain photo"


def fitted_fields(
    photo: str, garment: str, person: str, config: TryOnConfig, *, seam: float
) -> dict[str, object]:
    """Tell what was put on whom; seam: how freely the edge was painted."""
    fields = {TRY_ON: config.way, PHOTO: photo, GARMENT: garment, "FaceChain seam": f"{seam:g}"}
    return {**({PERSON: person} if person else {}), **fields, VERSION: __version__}


def worn_fields(garment: str, config: TryOnConfig) -> dict[str, object]:
    """Tell whose clothes were kept, and what was drawn around them."""
    around = {"FaceChain background": config.background} if config.background else {}
    return {TRY_ON: config.way, GARMENT: garment, **around}
