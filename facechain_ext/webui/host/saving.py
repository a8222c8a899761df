"""Pictures saved by the webui, so that its settings and other extensions have their say.

Its file format, its pattern for names, its folders for dates and its numbers are those that the
user chose for txt2img. The AI-generated marker is no setting: it is there whatever the format, and
whether or not the user has infotexts written into pictures.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from modules import images, processing, shared
from PIL import Image

from facechain_ext.base.infotext import parse_infotext
from facechain_ext.base.records import Pixels
from facechain_ext.imaging import xmp
from facechain_ext.imaging.provenance import XMP_KEY, ai_marker
from facechain_ext.portrait.infotext import source_of

NETWORK = re.compile(r" ?<\w+:[^>]*>")
"""A LoRA's mention in a prompt, which the webui leaves out of file names."""


def save(pixels: Pixels, infotext: str, folder: Path, stem: str) -> Path:
    """Write a picture into `folder` under the webui's name for it; returns the file.

    stem: `<rank>-<seed>`, or `<reason>-<seed>` for a picture that was set aside, whose reason is
    added to the name. A format that cannot hold the marker makes way for PNG.
    """
    label, _, seed = stem.rpartition("-")
    prompt, negative_prompt, fields = parse_infotext(infotext)
    chosen = str(getattr(shared.opts, "samples_format", "png")).lower()
    marker = dict(ai_marker(source_of(infotext)))
    written, _ = images.save_image(
        Image.fromarray(pixels),
        str(folder),
        "",
        seed=fields.get("Seed", seed),
        prompt=NETWORK.sub("", prompt),
        extension=chosen if chosen in xmp.FORMATS else "png",
        info=infotext,
        p=_description(prompt, negative_prompt, fields, pixels),
        existing_info=marker,
        suffix="" if label.isdigit() or not label else f"-{label}",
    )
    path = Path(written)
    xmp.embed(path, marker[XMP_KEY])
    return path


def _description(prompt: str, negative: str, fields: dict[str, str], pixels: Pixels) -> Any:
    """Describe the picture as the webui describes its own, for patterns such as [sampler]."""
    height, width = pixels.shape[:2]
    picture = processing.StableDiffusionProcessingTxt2Img(
        prompt=prompt,
        negative_prompt=negative,
        steps=int(fields.get("Steps", 0)),
        cfg_scale=float(fields.get("CFG scale", 0)),
        sampler_name=fields.get("Sampler"),
        width=width,
        height=height,
    )
    picture.scheduler = fields.get("Schedule type")  # no argument in webuis before 1.9
    return picture
