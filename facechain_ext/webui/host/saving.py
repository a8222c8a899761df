"""Pictures saved by the webui, so that its settings and other extensions have their say."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

from modules import images
from PIL import Image

from facechain_ext.base.records import Pixels
from facechain_ext.imaging.provenance import ai_marker
from facechain_ext.portrait.infotext import source_of


def save(pixels: Pixels, infotext: str, folder: Path, stem: str) -> Path:
    """Write `<stem>.png`, or `<stem>-2.png` and so on where that is taken; returns the file."""
    free = next(name for name in _numbered(stem) if not (folder / f"{name}.png").exists())
    path, _ = images.save_image(
        Image.fromarray(pixels),
        str(folder),
        "",
        extension="png",
        info=infotext,
        forced_filename=free,
        existing_info=dict(ai_marker(source_of(infotext))),
        save_to_dirs=False,
    )
    return Path(path)


def _numbered(stem: str) -> Iterator[str]:
    yield stem
    yield from (f"{stem}-{number}" for number in count(2))
