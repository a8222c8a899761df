"""The tool that trains a face prior, on the tiny model and two folders of photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from skimage.data import astronaut

from facechain_ext.config import TrainConfig
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.imaging.encode import encode_png
from facechain_ext.lora.adapter import inject
from facechain_ext.lora.checkpoint import read_lora
from facechain_ext.nets import FaceNets
from tools.face_prior import instances_of, main, train_prior

pytestmark = pytest.mark.slow(6)


def test_a_prior_of_several_people_is_a_start_for_the_next(
    small_model: DiffusersModel, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    photo = np.ascontiguousarray(astronaut()[:300, 60:360])
    people = {"one": photo, "two": np.ascontiguousarray(photo[:, ::-1]), "nobody": photo * 0 + 128}
    for name, pixels in people.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(encode_png(pixels))
    instances = list(instances_of([tmp_path / name for name in people], FaceNets()))
    assert len(instances) == 2
    assert "nobody is left out" in caplog.text
    config = TrainConfig(
        max_train_steps=2, train_batch_size=1, rank=2, samples_per_snapshot=0, selection="last"
    )
    lora = train_prior(small_model, instances, config, tmp_path / "prior.safetensors")
    kind = small_model.suggested_target_modules
    with inject(small_model, kind, rank=4, alpha=4.0, seed=0) as adapter:
        adapter.start_from(read_lora(lora.path)[0])


@pytest.mark.parametrize(
    ("people", "flags", "told"),
    [
        ("missing", [], "is not a folder"),
        ("empty", [], "no photo to train on"),
        ("empty", ["--rank", "0"], "rank must be between"),
        ("empty", ["--checkpoint", "none.safetensors"], "none.safetensors"),
    ],
)
def test_bad_input_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], people: str, flags: list[str], told: str
) -> None:
    (tmp_path / "empty").mkdir()
    out = tmp_path / "prior.safetensors"
    with pytest.raises(SystemExit) as stopped:
        main([str(tmp_path / people), "--out", str(out), "--device", "cpu", *flags])
    assert stopped.value.code == 2
    assert told in capsys.readouterr().err
    assert not out.exists()
