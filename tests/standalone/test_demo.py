"""The demo end to end on the mini checkpoint, with fewer steps than a person would want."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from skimage.data import astronaut

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Photo
from facechain_ext.config import PortraitConfig, PrepareConfig, TrainConfig
from facechain_ext.imaging.files import decode, encode_jpeg
from facechain_ext.standalone.demo import find_photos, run_demo, split

QUICK = TrainConfig(
    max_train_steps=4, train_batch_size=2, snapshot_every=2, samples_per_snapshot=1, rank=4
)


@pytest.mark.model
@pytest.mark.slow(15)
def test_the_demo_leaves_report_sheet_and_portraits(tmp_path: Path, quick_samples: None) -> None:
    report = run_demo(
        photos=None,
        out=tmp_path,
        device="cpu",
        train_config=QUICK,
        portrait_config=PortraitConfig(count=1, steps=8, seed=1000),
    )
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == report
    likeness = report["similarity"]
    assert likeness["real_photos"] == pytest.approx(1)
    assert likeness["lora_and_fusion"] > likeness["plain_checkpoint"]
    assert report["measured_against"] == "the training photos"
    assert {"prepare", "cache", "train", "generate", "fuse and rank", "total"} <= set(
        report["seconds"]
    )
    sheet = decode((tmp_path / "contact-sheet.png").read_bytes(), name="sheet")
    assert sheet.shape[1] == 1600
    for entry in report["portraits"]:
        assert (tmp_path / "portraits" / entry["file"]).is_file()


def test_photos_are_kept_back_when_there_are_four(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"{number}.jpg").write_bytes(encode_jpeg(astronaut()[number:]))
    used, kept_back = split(find_photos(tmp_path, PrepareConfig()))
    assert [photo.name for photo in used] == ["0.jpg", "1.jpg"]
    assert [photo.name for photo in kept_back] == ["2.jpg", "3.jpg"]
    assert split(used) == (used, [])


def test_without_a_folder_the_public_photo_is_used() -> None:
    (photo,) = find_photos(None, PrepareConfig())
    assert isinstance(photo, Photo)
    assert np.array_equal(photo.pixels, astronaut())


def test_a_folder_without_photos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no photos"):
        find_photos(tmp_path, PrepareConfig())
