"""SadTalker by name: what it takes, that nothing runs unasked, and its pictures in our video."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

from facechain_ext.base.errors import Cancelled, FaceChainError
from facechain_ext.talking import sadtalker
from facechain_ext.talking.sadtalker import FOLDER, PYTHON, SadTalker
from facechain_ext.talking.speech import Speech

pytestmark = pytest.mark.slow(4)

MODELSCOPE = """
    import json, shutil, sys, time
    from pathlib import Path
    import cv2, numpy as np

    def pipeline(task, model, trust_remote_code):
        from modelscope.models import Model

        folder = Path(Model.from_pretrained(model))
        assert task == "talking-head" and trust_remote_code and folder == Path.cwd()
        how = (folder / "how.txt").read_text()
        print("a line of its own")
        if how == "fails":
            sys.exit("no face is detected")
        if how == "hangs":
            (folder / "begun.txt").touch()
            time.sleep(60)
        return talk

    def talk(picture, driven_audio, result_dir, **settings):
        place = Path(result_dir) / "its own"
        place.mkdir()
        kept = shutil.move(picture, place)
        shutil.move(driven_audio, place)
        Path("settings.json").write_text(json.dumps(settings))
        pixels = cv2.imread(kept)
        code = cv2.VideoWriter.fourcc(*"MJPG")
        video = cv2.VideoWriter(str(place / "full.avi"), code, 25, (60, 80))
        for at in range(10):
            video.write(cv2.resize(pixels, (60, 80)) // 2 + 10 * at)
        video.release()
        return str(place / "full.avi")
"""
MODELS = """
    class Model:
        @classmethod
        def from_pretrained(cls, model, trust_remote_code=False):
            assert trust_remote_code, "without it, newer versions refuse"
            return model
"""
SPEECH = Speech(np.zeros(6400, np.float32), 16000)


@pytest.fixture
def portrait() -> np.ndarray:
    return np.full((96, 64, 3), (200, 100, 40), np.uint8)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A snapshot in the published layout, and a modelscope that makes videos."""
    for name in sadtalker._FILES:
        path = tmp_path / "hub" / "wwd123" / "sadtalker" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    package = tmp_path / "python" / "modelscope"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    for name, text in (("pipelines.py", MODELSCOPE), ("models.py", MODELS)):
        (package / name).write_text(dedent(text), encoding="utf-8")
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    monkeypatch.setenv(PYTHON, sys.executable)
    monkeypatch.delenv(FOLDER, raising=False)
    folder = tmp_path / "hub" / "wwd123" / "sadtalker"
    (folder / "how.txt").write_text("works", encoding="utf-8")
    return folder


@pytest.fixture
def agreed() -> SadTalker:
    return SadTalker(True, lambda: None, still=True, expression=1.5, seed=47)


def test_what_it_lacks_is_said_and_nothing_runs_unasked(
    folder: Path, agreed: SadTalker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert agreed.lacking(tmp_path) == ""
    told = replace(agreed, agreed=False).lacking(tmp_path)
    assert "Apache-2.0" in told and "GB" in told and "unless you agree" in told
    monkeypatch.setenv(FOLDER, str(tmp_path / "elsewhere"))
    assert "modelscope download --model wwd123/sadtalker" in agreed.lacking(tmp_path)
    monkeypatch.delenv(FOLDER)
    (folder / sadtalker._FILES[-1]).unlink()
    assert "SadTalker_V0.0.2_256.safetensors is missing" in agreed.lacking(tmp_path)


def test_without_modelscope_a_python_of_its_own_is_asked_for(
    folder: Path, agreed: SadTalker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(PYTHON)
    monkeypatch.setattr(sadtalker, "find_spec", lambda name: None)
    assert PYTHON in agreed.lacking(folder)


def test_its_pictures_come_in_the_portraits_size(
    folder: Path, agreed: SadTalker, portrait: np.ndarray
) -> None:
    frames = [*agreed.frames(portrait, SPEECH, 25)]
    assert len(frames) == 10 and all(frame.shape == portrait.shape for frame in frames)
    first, *_, last = frames
    assert np.abs(first.mean(axis=(0, 1)) - [100, 50, 20]).max() < 6
    assert last.mean() > first.mean() + 60
    told = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    assert (told["still_mode"], told["exp_scale"], told["pose_style"]) == (True, 1.5, 1)


def test_what_goes_wrong_in_it_is_told(
    folder: Path, agreed: SadTalker, portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "how.txt").write_text("fails", encoding="utf-8")
    with pytest.raises(FaceChainError, match="SadTalker broke off: no face is detected"):
        [*agreed.frames(portrait, SPEECH, 25)]
    monkeypatch.setenv(PYTHON, str(folder / "no python"))
    with pytest.raises(FaceChainError, match="cannot be run"):
        [*agreed.frames(portrait, SPEECH, 25)]


def test_it_is_stopped_while_it_works(folder: Path, portrait: np.ndarray) -> None:
    (folder / "how.txt").write_text("hangs", encoding="utf-8")

    def pause() -> None:
        if (folder / "begun.txt").exists():
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        [*SadTalker(True, pause).frames(portrait, SPEECH, 25)]
