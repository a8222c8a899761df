"""The webui's DeepDanbooru interrogator, used only where its weights are there."""

from __future__ import annotations

from pathlib import Path

from modules import paths
from PIL import Image

from facechain_ext.base.host import Unavailable
from facechain_ext.base.records import Pixels
from facechain_ext.dataset.tags import caption_tags


def tag(pixels: Pixels) -> list[str] | Unavailable:
    """Return what a caption may say of a picture, above the threshold of the webui's settings."""
    if not any((Path(paths.models_path) / "torch_deepdanbooru").glob("*.pt")):
        return Unavailable(
            "DeepDanbooru's weights are not there yet; the webui fetches them when its "
            "Interrogate DeepBooru button in img2img is pressed for the first time."
        )
    try:
        from modules import deepbooru  # it loads torch models' code
    except ImportError:
        return Unavailable("This webui has no DeepDanbooru.")
    deepbooru.model.start()
    try:
        text = deepbooru.model.tag_multi(Image.fromarray(pixels), force_disable_ranks=True)
    finally:
        deepbooru.model.stop()
    return caption_tags(tag for tag in text.replace("\\", "").split(", ") if tag)
