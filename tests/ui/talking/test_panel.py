"""The Talk panel: what a press of its button makes, and what can be watched then."""

from __future__ import annotations

import base64
import wave
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from skimage.data import astronaut

from facechain_ext.base.errors import InvalidInput
from facechain_ext.config import TalkConfig
from facechain_ext.imaging.files import encode_png
from facechain_ext.jobs.kinds import KINDS
from facechain_ext.jobs.queue import Jobs
from facechain_ext.studio import talking
from facechain_ext.studio.talking import free_path
from facechain_ext.talking import video
from facechain_ext.ui.page.actions import failing_in_place
from facechain_ext.ui.page.compat import MAJOR
from facechain_ext.ui.page.redraw import Redraw
from facechain_ext.ui.page.services import Services
from facechain_ext.ui.talking.desk import TalkDesk, progress
from facechain_ext.ui.talking.panel import NOBODY, TalkPanel
from tests.ui.conftest import done

LOUD = TalkConfig(listening="loudness")


@pytest.fixture(autouse=True)
def _without_av(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = replace(video.AV, module="there_is_no_such_module")
    monkeypatch.setattr(video, "AV", missing)
    monkeypatch.setattr(talking, "AV", missing)


@pytest.fixture
def desk(services: Services) -> Iterator[TalkDesk]:
    jobs = Jobs(services.studio, kinds=KINDS)
    yield TalkDesk(replace(services, jobs=jobs))
    jobs.close()


@pytest.fixture
def portrait(tmp_path: Path) -> Path:
    path = tmp_path / "her.png"
    path.write_bytes(encode_png(np.ascontiguousarray(astronaut()[:300, 60:360])))
    return path


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    path = tmp_path / "voice.wav"
    with wave.open(str(path), "wb") as stream:
        stream.setnchannels(1)
        stream.setsampwidth(2)
        stream.setframerate(8000)
        stream.writeframes((9000 * np.sin(np.arange(3200) * 0.3)).astype("<i2").tobytes())
    return path


def test_a_press_makes_a_video_that_can_be_watched(
    desk: TalkDesk, portrait: Path, audio: Path
) -> None:
    with gr.Blocks():
        panel = TalkPanel(desk)
        panel.draw()
    values = [panel.form.shown(name, getattr(LOUD, name)) for name in panel.form.components]
    assert panel._talk(NOBODY, str(portrait), str(audio), None, *values) == ""
    job = desk.job()
    assert job is not None
    assert done(job).error is None
    page = Redraw({})
    panel.refresh(page, [NOBODY])
    shown = Path(page.values["talk_video"])
    assert shown.suffix == ".webm" and shown.is_file()
    folder = desk.services.studio.talking.folder()
    assert shown.read_bytes() == (folder / "talking-001.webm").read_bytes()
    assert "0 s of video" in progress(desk) and "takes the package av" in progress(desk)
    assert free_path(folder).name == "talking-002.webm"


def test_what_the_microphone_gives_is_taken_as_it_is(desk: TalkDesk, audio: Path) -> None:
    with gr.Blocks():
        panel = TalkPanel(desk)
        panel.draw()
    data = "data:audio/webm;base64," + base64.b64encode(b"as recorded").decode()
    if MAJOR < 4:
        sent: Any = {"name": "audio.webm", "data": data, "is_file": False}
        copied = panel.spoken.preprocess({"name": str(audio), "data": None, "is_file": True})
        assert Path(copied).read_bytes() == audio.read_bytes()
    else:
        (audio.parent / "audio.webm").write_bytes(b"as recorded")
        sent = gr.FileData(path=str(audio.parent / "audio.webm"))
    taken = Path(panel.spoken.preprocess(sent))
    assert (taken.name, taken.read_bytes()) == ("audio.webm", b"as recorded")
    assert panel.spoken.preprocess(None) is None


def test_what_cannot_be_is_said_at_once(desk: TalkDesk, portrait: Path, audio: Path) -> None:
    with pytest.raises(InvalidInput, match="clear one of them"):
        desk.talk(None, portrait, audio, replace(LOUD, text="Hello"))
    with pytest.raises(InvalidInput, match="Say who is to speak"):
        desk.talk(None, None, audio, LOUD)
    assert desk.job() is None and "No video yet" in progress(desk)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (TalkConfig("Hello 你好"), "Choose the voice xiaobei or yunxi, which can."),
        (TalkConfig("Привет"), "Write that in English, or give a recording."),
        (TalkConfig("Hi", "online"), "unless you agree to that: Send the text. The other voices"),
        (TalkConfig("Hi", "yunxi"), " is not "),
        (TalkConfig("Hi", animator="sadtalker"), "SadTalker is not here"),
    ],
)
def test_refusals_name_no_flags_on_the_page(
    desk: TalkDesk, portrait: Path, config: TalkConfig, told: str
) -> None:
    with gr.Blocks():
        panel = TalkPanel(desk)
        panel.draw()
    values = [panel.form.shown(name, getattr(config, name)) for name in panel.form.components]
    answer = failing_in_place(panel._talk)(NOBODY, str(portrait), None, None, *values)
    assert told in answer and "facechain models" not in answer and " ." not in answer
    assert "--" not in answer.replace("--model wwd123", "")


def test_voices_that_are_not_ready_say_what_they_take(desk: TalkDesk) -> None:
    with gr.Blocks():
        panel = TalkPanel(desk)
        panel.draw()
    page = Redraw({})
    panel.refresh(page, [NOBODY])
    told = page.values["talk_voices"]
    assert "Not ready: " in told and "; xiaobei takes " in told
    assert "kokoro. See Models." in told


def test_everybody_of_the_library_may_speak(desk: TalkDesk) -> None:
    desk.services.studio.library.create_or_get("Ana", "ohwx")
    with gr.Blocks():
        panel = TalkPanel(desk)
        panel.draw()
    page = Redraw({})
    panel.refresh(page, ["Bea"])
    assert [name for name, *_ in _choices(page.values["talk_person"])] == [NOBODY, "Ana"]


def _choices(update: dict[str, list[object]]) -> list[tuple[str, ...]]:
    return [each if isinstance(each, tuple) else (str(each),) for each in update["choices"]]
