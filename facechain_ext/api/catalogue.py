"""What there is to draw with: styles, and the host's checkpoints and LoRAs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from starlette.responses import FileResponse

from facechain_ext.api.errors import NotFound
from facechain_ext.api.operation import Call, Media, Operation
from facechain_ext.api.schema import told
from facechain_ext.api.template_works import templates_seen
from facechain_ext.api.visible import is_visible
from facechain_ext.base.errors import ModelUnavailable
from facechain_ext.config.option import Validated, option
from facechain_ext.imaging.files import files_in
from facechain_ext.library.people import Damaged, Person
from facechain_ext.styles import Style
from facechain_ext.styles.catalog import PREVIEWS
from facechain_ext.templates.gallery import matching


@dataclass(frozen=True)
class StyleEntry:
    """The words around a person."""

    name: str = told("What a portrait's `style` says.")
    title: str = told("What people call it.")
    category: str = told("What kind of style it is.")
    prompt: str = told("Its words; {person} stands for the person's.")
    negative_prompt: str = told("What it avoids.")
    genders: tuple[str, ...] = told("Whom it suits; empty: everybody.")
    preview: str | None = told("The address of a picture.")


@dataclass(frozen=True)
class StyleList:
    """All styles."""

    styles: tuple[StyleEntry, ...] = told("The shipped ones and the user's own.")


@dataclass(frozen=True)
class TemplateEntry:
    """A picture that people can be painted into."""

    name: str = told("What a job's `templates` says.")
    title: str = told("What people call it.")
    tags: tuple[str, ...] = told("What it shows, in words.")
    faces: int | None = told("How many faces it has; null where nobody has looked yet.")
    own: bool = told("Whether it is the user's, or ships.")
    picture: str = told("The address of the picture.")


@dataclass(frozen=True)
class TemplateList:
    """Templates."""

    templates: tuple[TemplateEntry, ...] = told("The shipped ones and the user's own.")


@dataclass(frozen=True)
class Wanted(Validated):
    """Which templates."""

    words: str = option("", label="Words", help="Only those that have them in title and tags.")


@dataclass(frozen=True)
class CheckpointEntry:
    """A checkpoint of the host."""

    name: str = told("What the host calls it.")
    sha256: str = told("Its hash; empty where it is not known yet.")
    current: bool = told("Whether the next job would use it.")


@dataclass(frozen=True)
class CheckpointList:
    """The checkpoints that the host has."""

    checkpoints: tuple[CheckpointEntry, ...] = told("In the host's order.")


@dataclass(frozen=True)
class LoraEntry:
    """A LoRA file of the host."""

    name: str = told("Its file's name without the suffix.")
    folder: str = told("Where below the LoRA folder it lies; empty: in it.")
    bytes: int = told("Its size.")


@dataclass(frozen=True)
class LoraList:
    """The LoRA files that the host has."""

    loras: tuple[LoraEntry, ...] = told("By place.")


def list_styles(call: Call) -> StyleList:
    styles = call.services.studio.styles.values()
    return StyleList(tuple(_style(call, style) for style in styles))


def _style(call: Call, style: Style) -> StyleEntry:
    has_preview = _preview(style.name).is_file()
    return StyleEntry(
        name=style.name,
        title=style.title,
        category=style.category,
        prompt=style.prompt,
        negative_prompt=style.negative_prompt,
        genders=tuple(gender.value for gender in style.genders),
        preview=call.link("styles", style.name, "preview") if has_preview else None,
    )


def get_style_preview(call: Call) -> FileResponse:
    name = call.path["name"]
    if name not in call.services.studio.styles or not _preview(name).is_file():
        raise NotFound(f"There is no picture of a style {name[:60]!a}.")
    return FileResponse(_preview(name), media_type="image/jpeg")


def _preview(style: str) -> Path:
    return PREVIEWS / f"{style}.jpg"


def list_templates(call: Call) -> TemplateList:
    """List templates; where people have owners, those that ship alone."""
    found = matching(templates_seen(call).values(), call.query.words)
    return TemplateList(
        tuple(
            TemplateEntry(
                each.name,
                each.title,
                each.tags,
                None if each.faces is None else len(each.faces),
                each.own,
                call.link("templates", each.name, "picture"),
            )
            for each in found
        )
    )


def get_template_picture(call: Call) -> FileResponse:
    found = templates_seen(call).get(call.path["template"])
    if found is None:
        raise NotFound(f"There is no template {call.path['template'][:60]!a}.")
    return FileResponse(found.picture, filename=found.picture.name)


def list_checkpoints(call: Call) -> CheckpointList:
    host = call.services.studio.host
    try:
        current = host.current_checkpoint().name
    except ModelUnavailable:
        current = None
    return CheckpointList(
        tuple(
            CheckpointEntry(each.name, each.sha256, each.name == current)
            for each in host.checkpoints()
        )
    )


def list_loras(call: Call) -> LoraList:
    """List LoRA files, without those of people whom the user may not see."""
    root, hidden = call.services.studio.host.paths.lora_dir, _hidden_loras(call)
    files = (path for path in files_in(root) if path.suffix == ".safetensors")
    return LoraList(
        tuple(
            LoraEntry(path.stem, _below(root, path), path.stat().st_size)
            for path in files
            if path.stem not in hidden
        )
    )


def _hidden_loras(call: Call) -> set[str]:
    if not call.services.config.owners:
        return set()
    library = call.services.studio.library
    others = [who for who in library.everybody() if not is_visible(call, who)]
    return {Path(lora).stem for who in others for lora in _loras_of(who)}


def _loras_of(who: Person | Damaged) -> tuple[str, ...]:
    return tuple(run.lora for run in who.manifest.runs) if isinstance(who, Person) else who.loras


def _below(root: Path, path: Path) -> str:
    return "/".join(PurePosixPath(*path.parent.relative_to(root).parts).parts)


OPERATIONS = (
    Operation("GET", "/styles", list_styles, "List styles", "catalogue", {200: StyleList}),
    Operation(
        "GET",
        "/styles/{name}/preview",
        get_style_preview,
        "Get a picture of a style",
        "catalogue",
        {200: Media("image/jpeg", "The picture.")},
        parts={"name": "The style's name."},
    ),
    Operation(
        "GET",
        "/templates",
        list_templates,
        "List templates",
        "catalogue",
        {200: TemplateList},
        query=Wanted,
    ),
    Operation(
        "GET",
        "/templates/{template}/picture",
        get_template_picture,
        "Get a template's picture",
        "catalogue",
        {200: Media("image/*", "The picture, as its file is.")},
        parts={"template": "The template's name."},
    ),
    Operation(
        "GET",
        "/checkpoints",
        list_checkpoints,
        "List the host's checkpoints",
        "catalogue",
        {200: CheckpointList},
    ),
    Operation(
        "GET", "/loras", list_loras, "List the host's LoRA files", "catalogue", {200: LoraList}
    ),
)
