"""The whole chain on one public photo or a folder of photos, measured and drawn on one sheet."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from facechain_ext import __version__
from facechain_ext.base.errors import InvalidInput, WeightsMissing
from facechain_ext.base.events import Event
from facechain_ext.base.records import Embedding, Photo, Pixels, PreparedPhoto
from facechain_ext.config import PortraitConfig, PrepareConfig, TrainConfig
from facechain_ext.imaging.files import encode_png, list_photos, write_atomic
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.likeness import Likeness, mean_embedding
from facechain_ext.standalone.demo_sheet import Recording, draw_sheet
from facechain_ext.standalone.diffusers_host import DiffusersHost
from facechain_ext.studio.studio import Studio
from facechain_ext.studio.uploads import Upload, read_uploads

PERSON = "Demo"
KEEP_BACK_FROM = 4
KEPT_BACK = 2
PORTRAITS = PortraitConfig(count=6, seed=1000)
ONE_PHOTO = TrainConfig(max_train_steps=160, snapshot_every=40, samples_per_snapshot=2)
FOLDER = TrainConfig(max_train_steps=300)
"""Fewer steps than a training of their own would take, so that the demo stays short."""

PLAIN = 6
"""Pictures of the checkpoint by itself, to compare with."""


def run_demo(
    *,
    photos: Path | None,
    out: Path,
    checkpoint: Path | None = None,
    device: str | None = None,
    prepare_config: PrepareConfig | None = None,
    train_config: TrainConfig | None = None,
    portrait_config: PortraitConfig = PORTRAITS,
    show: Callable[[Event], None] = lambda event: None,
) -> dict[str, Any]:
    """Train, draw, fuse and rank; write report.json, contact-sheet.png and the portraits to out.

    photos: a folder of one person's photos (with four or more, two are kept back and only
        measured against), or None for the portrait that scikit-image ships.
    """
    start = time.perf_counter()
    prepare_config = prepare_config or PrepareConfig()
    train_config = train_config or (ONE_PHOTO if photos is None else FOLDER)
    host = DiffusersHost(out / "data", checkpoint, device=device)
    studio, recording = Studio(host, FaceNets()), Recording()
    uploads, kept_back = split(find_photos(photos, prepare_config))

    def follow(events: Iterable[Event]) -> None:
        for event in events:
            recording.add(event)
            show(event)

    follow(studio.train_person(PERSON, uploads, prepare_config, train_config))
    follow(studio.make_portraits(PERSON, portrait_config))
    assert recording.trained is not None and recording.portraits is not None
    likeness = Likeness(studio.nets, _reference(studio, kept_back, prepare_config))
    plain = [(pixels, likeness.of(pixels)) for pixels in _plain_pictures(studio, portrait_config)]
    report = _report(studio, recording, plain, likeness, kept_back=len(kept_back))
    files = studio.save_portraits(recording.portraits, out / "portraits")
    report["portraits"] = [
        {"file": path.name, "seed": p.seed, "similarity": p.score.similarity}
        for path, p in zip(files, recording.portraits.ranked, strict=True)
    ]
    sheet = draw_sheet(recording, studio.library.get(PERSON).load_instances(), plain, report)
    report["seconds"]["total"] = round(time.perf_counter() - start, 1)
    write_atomic(out / "contact-sheet.png", encode_png(sheet, {}))
    write_atomic(out / "report.json", (json.dumps(report, indent=2) + "\n").encode("utf-8"))
    return report


def find_photos(folder: Path | None, config: PrepareConfig) -> Sequence[Upload]:
    """Read the folder's photos, or scikit-image's public-domain portrait of an astronaut."""
    if folder is None:
        return [_astronaut()]
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is not a folder.")
    paths = list_photos(folder)
    if not paths:
        raise InvalidInput(f"There are no photos in {folder}.")
    return read_uploads(paths, config)


def _astronaut() -> Photo:
    try:
        from skimage.data import astronaut
    except ImportError as error:
        raise WeightsMissing(
            "The demo's photo comes with scikit-image, which is not installed; install it or "
            "give a folder with --photos."
        ) from error
    return Photo("astronaut (NASA, public domain)", astronaut())


def split(uploads: Sequence[Upload]) -> tuple[Sequence[Upload], Sequence[Upload]]:
    """Keep the last two photos back for measuring when there are at least four."""
    if len(uploads) < KEEP_BACK_FROM:
        return uploads, []
    return uploads[:-KEPT_BACK], uploads[-KEPT_BACK:]


def _plain_pictures(studio: Studio, config: PortraitConfig) -> list[Pixels]:
    """Draw the same prompt and seeds without the LoRA: what the checkpoint does by itself."""
    request = studio.request(PERSON, config)
    request = replace(request, loras=(), seeds=request.seeds[:PLAIN])
    return [image.pixels for image in studio.host.generate(request)]


def _reference(studio: Studio, kept_back: Sequence[Upload], config: PrepareConfig) -> Embedding:
    """Return the mean identity of the photos kept back, or of the training photos."""
    prepared = [event.photo for event in studio.check(kept_back, config)] if kept_back else []
    instances = [photo.instance for photo in prepared if photo.instance is not None]
    return mean_embedding(instances or studio.library.get(PERSON).load_instances())


def _report(
    studio: Studio,
    recording: Recording,
    plain: Sequence[tuple[Pixels, float | None]],
    likeness: Likeness,
    *,
    kept_back: int,
) -> dict[str, Any]:
    trained, portraits = recording.trained, recording.portraits
    assert trained is not None and portraits is not None
    drawn = [*portraits.ranked, *portraits.spare]
    instances = studio.library.get(PERSON).load_instances()
    return {
        "version": __version__,
        "python": platform.python_version(),
        "checkpoint": studio.host.current_checkpoint().name,
        "photos": [_photo_entry(photo) for photo in recording.photos.values()],
        "training_steps": len(recording.steps),
        "kept_from_steps": list(trained.steps),
        "measured_against": f"{kept_back} photos kept back" if kept_back else "the training photos",
        "similarity": {
            "plain_checkpoint": _mean([similarity for _, similarity in plain]),
            "lora": _mean(
                [likeness.of(p.before_fusion) for p in drawn if p.before_fusion is not None]
            ),
            "lora_and_fusion": _mean([likeness.of(p.pixels) for p in drawn]),
            "real_photos": _mean([float(i.embedding @ likeness.reference) for i in instances]),
        },
        "rejected": [
            {"seed": p.seed, "reason": p.score.rejection.value if p.score.rejection else None}
            for p in portraits.rejected
        ],
        "seconds": {**trained.seconds, **portraits.seconds},
    }


def _photo_entry(photo: PreparedPhoto) -> dict[str, Any]:
    reason = photo.verdict.reason
    return {
        "photo": photo.name,
        "accepted": photo.verdict.accepted,
        "reason": reason.value if reason else None,
        "message": photo.verdict.message,
    }


def _mean(similarities: Sequence[float | None]) -> float | None:
    """Return the mean, a picture without a face counting 0; None when there is none at all."""
    if not similarities:
        return None
    return round(float(np.mean([s or 0.0 for s in similarities])), 4)
