"""A job of any kind in one body, and the work that it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from facechain_ext.api.operation import Call
from facechain_ext.api.reading import BadField
from facechain_ext.api.schema import told
from facechain_ext.api.starts import JobOptions
from facechain_ext.api.style_works import style_work
from facechain_ext.api.template_works import MOST_TEMPLATES, template_work
from facechain_ext.api.tickets import JobKind
from facechain_ext.api.uploads import AudioUpload, PhotoUpload
from facechain_ext.api.visible import person_named
from facechain_ext.config import (
    PortraitConfig,
    PrepareConfig,
    TalkConfig,
    TemplateConfig,
    TrainConfig,
    TrainStyleConfig,
    TryOnConfig,
)
from facechain_ext.config.setting import LONGEST_TEXT
from facechain_ext.jobs.talk_work import Talk
from facechain_ext.jobs.tryon_work import TryOn
from facechain_ext.jobs.work import Work
from facechain_ext.jobs.works import Check, Enrol, MakePortraits, Resume, Train
from facechain_ext.library.names import LONGEST_NAME
from facechain_ext.portrait.numbered import MOST_FACES
from facechain_ext.studio.look_keeping import MOST
from facechain_ext.studio.uploads import MOST_PHOTOS

TAKES = {
    "check": ("photos", "prepare"),
    "enrol": ("person", "photos", "prepare", "add"),
    "train": ("person", "photos", "prepare", "train"),
    "resume": ("person",),
    "portraits": ("person", "portrait"),
    "template": ("photos", "templates", "words", "cast", "who", "template"),
    "talk": ("person", "photos", "audio", "talk"),
    "try-on": ("person", "photos", "try_on"),
    "keep_look": ("name", "photos", "captions", "style"),
    "train_style": ("name", "photos", "captions", "style", "resume"),
}
"""What each kind of job takes."""
OF_STYLES = ("keep_look", "train_style")
OF_NOBODY = ("check", "template", "try-on", "talk", *OF_STYLES)


@dataclass(frozen=True, kw_only=True)
class JobOrder(JobOptions):
    """A job to begin."""

    kind: JobKind = told("What is to be done.")
    person: str = told(
        "Slug or name of whom it is about; with photos also the name of somebody new.",
        default="",
        longest=LONGEST_NAME,
    )
    photos: tuple[PhotoUpload, ...] = told(
        "For `check` and `enrol`; for `train` in place of those that are kept; for `template` the "
        "pictures that people are painted into; for `try-on` the garment's picture, then the "
        "photo that it is put on; for `talk` the one portrait that speaks, without which it is the "
        "person's newest; for `keep_look` and `train_style` pictures of a look, with a .txt of the "
        "same name for each that has a caption.",
        default=(),
        most=MOST_PHOTOS,
    )
    add: bool = told(
        "For `enrol`: whether photos come beside those that are there; else they take their place.",
        default=False,
    )
    prepare: PrepareConfig | None = told("How photos become training pictures.", default=None)
    train: TrainConfig | None = told("How it is trained.", default=None)
    portrait: PortraitConfig | None = told("How portraits are made.", default=None)
    templates: tuple[str, ...] = told(
        "Templates of the gallery by name, after the pictures in `photos`.",
        default=(),
        most=MOST_TEMPLATES,
    )
    words: str = told(
        "What a picture shows that is drawn first, to be the template; with `who`, and in place of "
        "`photos` and `templates`.",
        default="",
    )
    cast: dict[str, str] | None = told(
        "Who comes on which face of a template: slugs or names by the faces' numbers, which count "
        "from the left. Of several templates it is the same on all.",
        default=None,
    )
    who: tuple[str, ...] = told(
        "Who comes in, slugs or names, each on the face that fits best; in place of `cast`.",
        default=(),
        most=MOST_FACES,
    )
    template: TemplateConfig | None = told("How people are painted in.", default=None)
    talk: TalkConfig | None = told("What is said, and how.", default=None)
    audio: AudioUpload | None = told(
        "For `talk`: a recording of up to 30 minutes that is spoken in place of a text.",
        default=None,
    )
    try_on: TryOnConfig | None = told("How a garment is tried on.", default=None)
    name: str = told(
        "What a style is called that is trained or whose pictures are kept.",
        default="",
        longest=LONGEST_NAME,
    )
    captions: dict[str, str] | None = told(
        "What pictures of a look show, by the names of their files.",
        default=None,
        most=MOST,
        longest=LONGEST_TEXT,
    )
    style: TrainStyleConfig | None = told("How a style is trained.", default=None)
    resume: bool = told(
        "For `train_style`: go on with the training of that name that was stopped.", default=False
    )


def work_of(call: Call) -> Work:
    """Return what a JobOrder asks for; raises BadField, PersonNotFound, Taken."""
    order: JobOrder = call.body
    _require_fitting(call, order)
    prepare = _or_default(call, order.prepare, PrepareConfig)
    if order.kind == "check":
        return Check(photos=call.photos, prepare=prepare)
    if order.kind == "template":
        return template_work(call, order, _or_default(call, order.template, TemplateConfig))
    if order.kind == "talk":
        return _talk(call, order)
    if order.kind == "try-on":
        return _try_on(call, order)
    if order.kind in OF_STYLES:
        return style_work(call, order, _or_default(call, order.style, TrainStyleConfig))
    person = person_named(call, order.person, may_be_new=bool(call.photos))
    if order.kind == "enrol":
        return Enrol(person, call.photos, prepare, order.add)
    if order.kind == "train":
        return Train(person, call.photos, prepare, _or_default(call, order.train, TrainConfig))
    if order.kind == "resume":
        return Resume(person)
    return MakePortraits(person, _or_default(call, order.portrait, PortraitConfig))


def _talk(call: Call, order: JobOrder) -> Work:
    """Return the work of a portrait that speaks; raises BadField, PersonNotFound."""
    if len(call.photos) > 1:
        raise BadField("photos", f"One portrait speaks, not {len(call.photos)}.")
    if not (call.photos or order.person):
        raise BadField("person", "Say who is to speak: a portrait, or a person.")
    person = person_named(call, order.person, may_be_new=False) if order.person else ""
    config = _or_default(call, order.talk, TalkConfig)
    if config.run_code and not call.services.config.run_code:
        raise BadField(
            "talk.run_code",
            "Callers cannot let others' code run here, unless its owner began facechain serve with "
            "--run-code.",
        )
    folder = call.services.studio.talking.folder(person)
    given = (*["portrait"] * len(call.photos), *["audio"] * (call.audio is not None))
    return Talk(person, call.files, given, config, folder, unnamed=True)


def _try_on(call: Call, order: JobOrder) -> Work:
    """Return the work of trying a garment on; raises BadField, PersonNotFound."""
    config = _or_default(call, order.try_on, TryOnConfig)
    wanted = 1 if config.way == "worn" else 2
    if len(call.photos) != wanted:
        needed = "one picture" if wanted == 1 else "two pictures, the garment's first"
        raise BadField("photos", f"The way {config.way} takes {needed}, not {len(call.photos)}.")
    person = person_named(call, order.person, may_be_new=False) if order.person else ""
    return TryOn(person, tuple(call.photos), config)


def _require_fitting(call: Call, order: JobOrder) -> None:
    came = {"photos": call.photos, "audio": call.audio}
    for name in dict.fromkeys(name for taken in TAKES.values() for name in taken):
        given = came.get(name, getattr(order, name))
        if given and name not in TAKES[order.kind]:
            raise BadField(name, f"A job of the kind {order.kind} takes no {name}.")
    if order.kind in ("check", "enrol", "keep_look") and not call.photos:
        raise BadField("photos", "There are no photos in this.")
    if order.kind not in OF_NOBODY and not order.person:
        raise BadField("person", "person is missing.")


def _or_default(call: Call, config: Any, kind: type[Any]) -> Any:
    return call.services.defaults(kind) if config is None else config
