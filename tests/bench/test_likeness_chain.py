"""The bench from photos to its table, on a tiny random checkpoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from skimage import data

from bench.likeness import report
from bench.likeness.draw import Settings, draw_person
from bench.likeness.kept import kept
from bench.likeness.measure import measure_drawn, measure_kept
from bench.likeness.people import CROPS
from bench.likeness.strips import load_strip, save_strip
from facechain_ext.base.records import Instance, Photo
from facechain_ext.config import PortraitConfig, TrainConfig
from facechain_ext.dataset.prepare import prepare
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.nets import FaceNets

QUICK = Settings(
    TrainConfig(
        max_train_steps=2,
        snapshot_every=1,
        samples_per_snapshot=1,
        train_batch_size=1,
        rank=2,
        crops_per_photo=1,
    ),
    PortraitConfig(count=2, steps=2),
)


@pytest.fixture(scope="module")
def nets() -> FaceNets:
    return FaceNets()


@pytest.fixture(scope="module")
def instance(nets: FaceNets) -> Instance:
    (photo,) = prepare([Photo("astronaut", data.astronaut())], CROPS, nets)
    assert photo.instance is not None
    return photo.instance


def test_strips_come_back_as_they_went(tmp_path: Path) -> None:
    pictures = [np.full((16, 16, 3), level, np.uint8) for level in (20, 120, 220)]
    save_strip(tmp_path / "strip.jpg", pictures)
    back = load_strip(tmp_path / "strip.jpg")
    assert [picture.shape for picture in back] == [(16, 16, 3)] * 3
    assert [round(float(picture.mean())) for picture in back] == [20, 120, 220]


@pytest.mark.slow
@pytest.mark.model
def test_a_person_goes_through_the_whole_bench(
    small_model: DiffusersModel, nets: FaceNets, instance: Instance, tmp_path: Path
) -> None:
    folders = [tmp_path / "trials" / name for name in ("first", "second")]
    for folder in folders:
        draw_person(small_model, nets, [instance] * 2, QUICK, folder)
        chosen, embedders = kept(folder, "best"), {"SFace": nets.embedder}
        measure_drawn(folder, nets=nets, embedders=embedders, strips=chosen.strips)
        measure_kept(
            folder,
            [instance] * 2,
            [instance],
            nets=nets,
            embedders=embedders,
            config=QUICK.portrait,
            lora=chosen.lora,
        )
    results = report.compute(folders, QUICK)
    report.save(results, tmp_path)
    rows = results.rows["SFace"]
    assert rows["trained"].similarity == pytest.approx(1.0, abs=1e-3)
    assert rows["plain"].rank_1 == 0
    assert (results.people, results.portraits) == (2, 2)
    assert set(results.kept_steps) <= {1, 2} and sum(results.kept_steps.values()) == 2
    assert kept(folders[0], "last").lora == kept(folders[0], "best").last == "step-000002"
    assert kept(folders[0], "average").lora == "average"
    table = (tmp_path / "likeness.md").read_text(encoding="utf-8")
    assert "| LoRA + fusion | 0.0% | 0.000 |" in table
