"""What is there, what is not and what it would be good for: nets, packages, folders."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from facechain_ext import __version__
from facechain_ext.installing.optional import OPTIONAL
from facechain_ext.nets.catalog import CATALOG
from facechain_ext.ui.page.services import Services

MARKS = {"shipped": "good", "fetched": "good", "not fetched": "note", "missing": "bad",
         "damaged": "bad"}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A Python package: the names it may be installed under, and what it is needed for."""

    names: tuple[str, ...]
    purpose: str
    required: bool = True

    @property
    def version(self) -> str | None:
        return next(filter(None, map(_version, self.names)), None)


PARTS = (
    Part(("torch",), "training and drawing"),
    Part(("diffusers",), "checkpoints outside the webui, and in Forge"),
    Part(("transformers",), "text encoders"),
    Part(("peft",), "LoRA layers"),
    Part(("safetensors",), "weight files"),
    Part(("opencv-python", "opencv-python-headless", "opencv-contrib-python"), "faces in photos"),
    Part(("gradio",), "this page"),
    *(Part((package.name,), package.purpose, required=False) for package in OPTIONAL),
)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def models(models_dir: Path) -> str:
    """Draw a table of all nets; verifies every file."""
    rows = []
    for entry in CATALOG:
        told = entry.describe(models_dir)
        state = str(told["state"])
        badge = f'<span class="fc-badge fc-{MARKS[state]}">{escape(state)}</span>'
        cells = (str(told[key]) for key in ("size", "licence", "origin"))
        rows.append([escape(str(told["role"])), badge, *map(escape, cells)])
    return _section("Nets", _table(("", "", "on disk", "licence", "from"), rows, "fc-nets"))


def parts() -> str:
    """Draw a table of the packages with their versions."""
    rows = [[escape(part.names[0]), _part_state(part), escape(part.purpose)] for part in PARTS]
    told = f"FaceChain {__version__}, Python {platform.python_version()}, {platform.system()}"
    return _section("Packages", f'<p class="fc-hint">{told}</p>' + _table(("", "", ""), rows))


def _part_state(part: Part) -> str:
    if part.version is not None:
        return f'<span class="fc-badge fc-good">{escape(part.version)}</span>'
    word, tone = ("missing", "bad") if part.required else ("optional", "note")
    return f'<span class="fc-badge fc-{tone}">{word}</span>'


def folders(services: Services) -> str:
    """Draw where photos, LoRAs and portraits are kept, and what becomes of photos."""
    paths, library = services.studio.host.paths, services.studio.library
    rows = [
        ["People and their photos", _path(library.root)],
        ["LoRAs", _path(paths.lora_dir)],
        ["Portraits", _path(paths.output_dir)],
        ["Fetched nets", _path(paths.models_dir)],
        ["Your own styles", _path(paths.data_dir / "facechain" / "styles")],
    ]
    return _section("Folders and privacy", _table(("", ""), rows) + _PRIVACY)


_PRIVACY = (
    "<ul><li>Photos stay on this computer. Nothing is sent anywhere, and nothing is fetched "
    "without a click.</li>"
    "<li>Place, time and camera are removed from photos before they are kept.</li>"
    "<li>Delete in People removes a person's photos, crops, trainings, LoRAs and portraits.</li>"
    "<li>Portraits carry a marker that says they were made by a generative model.</li></ul>"
)


def _path(path: Path) -> str:
    return f"<code>{escape(str(path))}</code>"


def _section(title: str, content: str) -> str:
    return f'<section class="fc-section"><h3>{escape(title)}</h3>{content}</section>'


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """Draw a table; cells are HTML already. The first cell of every row is its heading."""
    names = "".join(f"<th scope='col'>{escape(name)}</th>" for name in head) if any(head) else ""
    body = "".join(
        f"<tr><th scope='row'>{first}</th>{''.join(f'<td>{cell}</td>' for cell in rest)}</tr>"
        for first, *rest in rows
    )
    top = f"<thead><tr>{names}</tr></thead>" if names else ""
    table = f'<table class="fc-table {kind}">{top}<tbody>{body}</tbody></table>'
    return f'<div class="fc-scroll">{table}</div>'
