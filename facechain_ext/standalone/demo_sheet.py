"""The demo's contact sheet: what a run showed on its way, laid out as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from facechain_ext.base.events import (
    Event,
    PhotoPrepared,
    PortraitsFinished,
    Preview,
    Step,
    TrainingFinished,
)
from facechain_ext.base.records import Instance, Pixels, Portrait, PreparedPhoto
from facechain_ext.portrait.template import choose_template
from facechain_ext.standalone.contact_sheet import (
    BAD,
    GOOD,
    INK,
    SECOND,
    SOFT,
    ContactSheet,
    Series,
    Tile,
)

SHOWN_PHOTOS = 12


@dataclass
class Recording:
    """What a run showed on its way."""

    photos: dict[int, PreparedPhoto] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    previews: list[Preview] = field(default_factory=list)
    trained: TrainingFinished | None = None
    portraits: PortraitsFinished | None = None

    def add(self, event: Event) -> None:
        match event:
            case PhotoPrepared():
                self.photos[event.done] = event.photo
            case Step():
                self.steps.append(event)
            case Preview():
                self.previews.append(event)
            case TrainingFinished():
                self.trained = event
            case PortraitsFinished():
                self.portraits = event


def draw_sheet(
    recording: Recording,
    instances: Sequence[Instance],
    plain: Sequence[tuple[Pixels, float | None]],
    report: dict[str, Any],
) -> Pixels:
    """Lay out photos with verdicts, template, samples, curves and ranked portraits."""
    trained, portraits = recording.trained, recording.portraits
    assert trained is not None and portraits is not None
    sheet = ContactSheet()
    sheet.title("FaceChain", _subtitle(report))
    sheet.heading("Photos, aligned crops and the template face")
    sheet.tiles(_photo_tiles(recording, instances), 230)
    sheet.heading("Without the LoRA, and after each snapshot of the training")
    sheet.tiles(_sample_tiles(recording.previews, plain), 176)
    sheet.heading("Loss and likeness by step")
    sheet.charts([[_loss(recording.steps)], [_likeness(recording.previews)]])
    sheet.heading("Portraits, ranked by likeness")
    sheet.tiles([_ranked(n, p) for n, p in enumerate(portraits.ranked, 1)], 240)
    others = [*map(_spare, portraits.spare), *map(_rejected, portraits.rejected)]
    if others:
        sheet.heading("Not chosen")
        sheet.tiles(others, 150)
    return sheet.render()


def _subtitle(report: dict[str, Any]) -> str:
    likeness = report["similarity"]
    return (
        f"{report['checkpoint']}, {report['training_steps']} steps. Similarity to "
        f"{report['measured_against']}: checkpoint alone {likeness['plain_checkpoint']:.2f}, "
        f"LoRA {likeness['lora']:.2f}, LoRA and fusion {likeness['lora_and_fusion']:.2f}, "
        f"real photos {likeness['real_photos']:.2f}"
    )


def _photo_tiles(recording: Recording, instances: Sequence[Instance]) -> list[Tile]:
    template, crops = choose_template(instances), {i.name: i for i in instances}
    tiles = []
    for photo in list(recording.photos.values())[:SHOWN_PHOTOS]:
        if (crop := crops.get(photo.name)) is not None:
            mark = "accepted, template" if crop is template else "accepted"
            tiles.append(Tile(crop.pixels, (mark, photo.name), GOOD))
    return tiles


def _sample_tiles(
    previews: Sequence[Preview], plain: Sequence[tuple[Pixels, float | None]]
) -> list[Tile]:
    """Return four tiles of the plain checkpoint, then four of each snapshot."""
    tiles = [Tile(image, (f"plain: {_told(similarity)}",), SOFT) for image, similarity in plain[:4]]
    for preview in previews:
        for image, similarity in zip(preview.images[:4], preview.similarities[:4], strict=True):
            tiles.append(Tile(image, (f"step {preview.step}: {_told(similarity)}",)))
    return tiles


def _told(similarity: float | None) -> str:
    return "no face" if similarity is None else f"{similarity:.2f}"


def _loss(steps: Sequence[Step]) -> Series:
    return Series("loss, smoothed", tuple((step.step, step.loss) for step in steps))


def _likeness(previews: Sequence[Preview]) -> Series:
    points = tuple((preview.step, preview.similarity) for preview in previews)
    return Series("likeness of the samples", points, SECOND)


def _ranked(place: int, portrait: Portrait) -> Tile:
    return Tile(portrait.pixels, (f"{place}.  {portrait.score.similarity:.3f}",), INK)


def _spare(portrait: Portrait) -> Tile:
    return Tile(portrait.pixels, (f"{portrait.score.similarity:.3f}",), SOFT)


def _rejected(portrait: Portrait) -> Tile:
    reason = portrait.score.rejection.value.replace("_", " ") if portrait.score.rejection else ""
    return Tile(portrait.pixels, (reason,), BAD, greyed=True)
