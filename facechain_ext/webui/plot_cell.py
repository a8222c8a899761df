"""A cell of the X/Y/Z plot as a whole portrait: fused and scored, the score printed below.

An always visible script without controls: the webui calls it around every picture of txt2img, and
it does nothing unless one of our axes has chosen something.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from modules import scripts
from PIL import Image, ImageDraw

from facechain_ext.base.errors import FaceChainError, InvalidInput
from facechain_ext.base.host import GeneratedImage
from facechain_ext.base.infotext import parse_infotext
from facechain_ext.base.records import Portrait
from facechain_ext.config import PortraitConfig
from facechain_ext.imaging.provenance import ai_marker
from facechain_ext.portrait.infotext import PERSON as PERSON_FIELD
from facechain_ext.portrait.infotext import source_of
from facechain_ext.studio.finishing import Finisher
from facechain_ext.webui import plot, services
from facechain_ext.webui.host import loras

CELL = "facechain_cell"
ROOT = Path(__file__).parents[2]
STRIP = 14
"""The height of a picture over that of the strip below it."""


@dataclass(frozen=True)
class Cell:
    """A portrait to be; told: why there is none, instead."""

    finisher: Finisher | None = None
    told: str = ""


class PortraitCells(scripts.Script):  # type: ignore[misc]  # the webui has no types
    """Makes portraits of what is drawn where our axes have chosen a person or a style."""

    def title(self) -> str:
        return "FaceChain portraits"

    def show(self, is_img2img: bool) -> Any:
        return scripts.AlwaysVisible

    def ui(self, is_img2img: bool) -> None:
        return None

    def before_process(self, p: Any, *arguments: Any) -> None:
        if chosen := getattr(p, plot.CHOSEN, None):
            setattr(p, CELL, prepared(p, chosen))

    def postprocess_image(self, p: Any, pp: Any, *arguments: Any) -> None:
        if (cell := getattr(p, CELL, None)) is not None:
            pp.image = finished(cell, p, pp.image)


def prepared(job: Any, chosen: dict[str, Any]) -> Cell:
    """Put the person's prompt and LoRAs into a job, around the words that are typed there."""
    try:
        name = chosen.get(plot.PERSON) or _newest()
        settings = {key: value for key, value in chosen.items() if key != plot.PERSON}
        config = PortraitConfig(
            prompt=job.prompt, negative_prompt=job.negative_prompt, count=1, **settings
        )
        studio = services.studio()
        request, finisher = studio.request(name, config), studio.finisher(name, config)
        job.prompt = request.prompt + loras.tags(request.loras)
        job.negative_prompt = request.negative_prompt
    except FaceChainError as error:
        return Cell(told=str(error))
    return Cell(finisher)


def _newest() -> str:
    names = plot.people()
    if not names:
        raise InvalidInput("Nobody is trained yet: train a person in the FaceChain tab first.")
    return names[-1]


def finished(cell: Cell, job: Any, image: Image.Image) -> Image.Image:
    """Fuse and judge a picture, and print below it what came out; without a person, say why."""
    if cell.finisher is None:
        return below(Image.new("RGB", image.size, "#777"), cell.told)
    drawn = GeneratedImage(np.asarray(image.convert("RGB")), -1, "")
    portrait = cell.finisher.finish(drawn)
    job.extra_generation_params.update(parse_infotext(portrait.infotext)[2])
    return below(Image.fromarray(portrait.pixels), _score(portrait))


def _score(portrait: Portrait) -> str:
    similarity, rejection = portrait.score.similarity, portrait.score.rejection
    likeness = "" if similarity is None else f"likeness {similarity:.2f}"
    reason = "" if rejection is None else rejection.value.replace("_", " ")
    return ", ".join(each for each in (likeness, reason) if each) or "no likeness"


def below(image: Image.Image, text: str) -> Image.Image:
    """Print a line on a white strip below a picture, as large as it fits."""
    from modules.images import get_font

    strip = max(16, image.height // STRIP)
    whole = Image.new("RGB", (image.width, image.height + strip), "white")
    whole.paste(image, (0, 0))
    pen, size = ImageDraw.Draw(whole), strip * 2 // 3
    font = get_font(size)
    while size > 6 and pen.textlength(text, font=font) > image.width - 4:
        size -= 1
        font = get_font(size)
    width = pen.textlength(text, font=font)
    pen.text(((image.width - width) / 2, image.height + strip / 8), text, fill="black", font=font)
    return whole


def mark(params: Any) -> None:
    """Add the AI-generated marker to what the webui saves of a plot."""
    told = params.pnginfo.get("parameters") or ""
    if PERSON_FIELD in told:
        params.pnginfo.update(ai_marker(source_of(told)))


def add_script() -> None:
    """Have the webui run the cells' script, as if it lay in our scripts folder."""
    entry = ROOT / "scripts" / "facechain.py"
    data = scripts.ScriptClassData(PortraitCells, str(entry), str(ROOT), None)
    scripts.scripts_data.append(data)


def is_added() -> bool:
    return any(data.script_class is PortraitCells for data in scripts.scripts_data)
