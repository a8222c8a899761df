"""Which files the photo picker offers: those that can be decoded here."""

from __future__ import annotations

from importlib.util import find_spec

from PIL import Image

ALWAYS = (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".mpo")
OF_IPHONES = (".heic", ".heif")
HINT = (
    "Photos of iPhones (.heic) can be chosen once the package pillow-heif is installed; until then "
    "save them as JPEG."
)

LATER = "Photos of iPhones (.heic) can be read now, and chosen after Reload UI or a restart."


def reads_heic() -> bool:
    return find_spec("pillow_heif") is not None


def file_types() -> list[str]:
    """Return the suffixes, in both cases: browsers compare the name of a dropped file with them."""
    Image.init()
    avif = (".avif",) if "AVIF" in Image.OPEN else ()
    suffixes = (*ALWAYS, *avif, *(OF_IPHONES if reads_heic() else ()))
    return [*suffixes, *map(str.upper, suffixes)]


def hint(*, drawn_without: bool = False) -> str:
    """Say what is missing for photos that cannot be chosen; nothing where all can.

    drawn_without: the picker was drawn before they could be read, and cannot be told.
    """
    text = (LATER if drawn_without else "") if reads_heic() else HINT
    return f'<p class="fc-hint">{text}</p>' if text else ""
