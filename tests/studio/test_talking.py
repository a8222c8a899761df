"""A portrait that speaks, from order to file; without any optional package."""

from __future__ import annotations

import json
import os
import wave
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from facechain_ext.base.errors import (
    Cancelled,
    FaceChainError,
    InvalidInput,
    NoFaceFound,
    PersonNotFound,
)
from facechain_ext.base.events import Filming, VideoFinished
from facechain_ext.base.host import HostPaths, Unavailable
from facechain_ext.base.records import Photo, Pixels
from facechain_ext.cli.main import main
from facechain_ext.config import TalkConfig
from facechain_ext.imaging.files import encode_png
from facechain_ext.installing.optional import EDGE_TTS
from facechain_ext.jobs.event_codec import EventCodec
from facechain_ext.jobs.kinds import KINDS
from facechain_ext.jobs.talk_work import Talk
from facechain_ext.nets import FaceNets
from facechain_ext.studio import saying
from facechain_ext.studio.portrait_files import ASIDE
from facechain_ext.studio.studio import Studio
from facechain_ext.studio.talking import SILENT, Order
from facechain_ext.talking import door, video
from facechain_ext.talking.speech import Speech
from facechain_ext.talking.voices import VOICES

pytestmark = pytest.mark.slow(10)

RATE = 16000
LOUD = TalkConfig(listening="loudness")


@pytest.fixture(scope="module")
def nets() -> FaceNets:
    return FaceNets()


@pytest.fixture
def studio(tmp_path: Path, nets: FaceNets) -> Studio:
    paths = HostPaths(*(tmp_path / part for part in ("data", "lora", "out", "models")))
    refused = Unavailable("There is no face restorer here.")
    host: Any = SimpleNamespace(
        paths=paths, cancelled=lambda: False, restore_face=lambda pixels: refused
    )
    return Studio(host, nets)


@pytest.fixture(autouse=True)
def _without_av(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "AV", replace(video.AV, module="there_is_no_such_module"))


@pytest.fixture
def portrait(tmp_path: Path) -> Path:
    path = tmp_path / "portrait.png"
    path.write_bytes(encode_png(np.ascontiguousarray(astronaut()[:320, 60:380])))
    return path


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    """Silence, a tone, silence: 1.2 s."""
    sound = np.concatenate([np.zeros(6400), np.sin(np.arange(6400) * 0.2), np.zeros(6400)])
    path = tmp_path / "voice.wav"
    with wave.open(str(path), "wb") as stream:
        stream.setnchannels(1)
        stream.setsampwidth(2)
        stream.setframerate(RATE)
        stream.writeframes((sound * 9000).astype("<i2").tobytes())
    return path


def frames_of(path: Path) -> list[Pixels]:
    reader, frames = cv2.VideoCapture(str(path)), []
    while True:
        read, picture = reader.read()
        if not read:
            reader.release()
            return frames
        frames.append(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))


def test_a_recording_makes_a_portrait_speak(
    studio: Studio, portrait: Path, audio: Path, tmp_path: Path
) -> None:
    out = tmp_path / "made" / "a.webm"
    still = replace(LOUD, head_motion=0.0, blink=False)
    *events, last = studio.talk(Order(out, portrait=portrait, audio=audio), still)
    assert isinstance(last, VideoFinished)
    assert (last.path, last.frames, last.sound, last.notes) == (out, 30, False, (SILENT,))
    assert [event for event in events if isinstance(event, Filming)][-1] == Filming(30, 30)
    frames = frames_of(out)
    assert len(frames) == 30 and frames[0].shape == (320, 320, 3)
    change = [np.abs(frame.astype(int) - frames[0]).max() for frame in frames]
    assert max(change[2:6]) < 30, "the mouth rests in silence"
    assert max(change[12:18]) > 60, "and opens where there is sound"


def test_a_cancelled_video_leaves_no_file(
    studio: Studio, portrait: Path, audio: Path, tmp_path: Path
) -> None:
    studio.host.cancelled = lambda: True  # type: ignore[method-assign]
    out = tmp_path / "made" / "a.webm"
    with pytest.raises(Cancelled):
        [*studio.talk(Order(out, portrait=portrait, audio=audio), LOUD)]
    assert [*out.parent.iterdir()] == []


def test_a_missing_face_restorer_is_told_once(
    studio: Studio, portrait: Path, audio: Path, tmp_path: Path
) -> None:
    order = Order(tmp_path / "a.webm", portrait=portrait, audio=audio)
    *_, last = studio.talk(order, replace(LOUD, restore_faces=True))
    assert isinstance(last, VideoFinished)
    assert last.notes.count("There is no face restorer here.") == 1


def test_what_restoring_faces_costs_is_told(
    studio: Studio, portrait: Path, audio: Path, tmp_path: Path
) -> None:
    studio.host.restore_face = lambda pixels: pixels // 2  # type: ignore[method-assign]
    order = Order(tmp_path / "a.webm", portrait=portrait, audio=audio)
    *_, last = studio.talk(order, replace(LOUD, restore_faces=True))
    assert isinstance(last, VideoFinished)
    assert [note for note in last.notes if note.startswith("Restoring faces took 0.")]
    assert frames_of(order.out)[0].mean() < 80


def test_a_person_speaks_by_the_newest_portrait_or_a_photo(
    studio: Studio, audio: Path, tmp_path: Path
) -> None:
    order = Order(tmp_path / "a.webm", "Eileen", audio=audio)
    with pytest.raises(PersonNotFound):
        studio.talking.require(order, LOUD)
    person = studio.library.create_or_get("Eileen", "ohwx")
    with pytest.raises(NoFaceFound, match="no picture of Eileen"):
        [*studio.talk(order, LOUD)]
    person.save_photos([Photo("a.jpg", np.ascontiguousarray(astronaut()))])
    person.take_new()
    talking = studio.talking
    assert talking._sitter(order, LOUD).pixels.shape[0] == 512
    assert len([*talking._donors("Eileen")]) == 1
    folder = studio.library.portraits_folder("Eileen")
    folder.mkdir(parents=True)
    (folder / "01-1.png").write_bytes(encode_png(np.ascontiguousarray(astronaut()[:320, 60:380])))
    assert talking._sitter(order, LOUD).pixels.shape[0] == 320
    for place, side in (("2026-11-29", 300), (ASIDE, 280)):
        made = folder / place / "00001-1.png"
        made.parent.mkdir()
        made.write_bytes(encode_png(np.ascontiguousarray(astronaut()[:side, 60:380])))
    os.utime(folder / "01-1.png", (1, 1))
    assert talking._sitter(order, LOUD).pixels.shape[0] == 300


@pytest.mark.parametrize(
    ("order", "config", "told"),
    [
        (Order(Path("a.webm"), portrait=Path("p.png")), TalkConfig(), "either a text to say or"),
        (
            Order(Path("a.webm"), portrait=Path("p.png"), audio=Path("a.wav")),
            TalkConfig(text="Hello"),
            "one of them",
        ),
        (Order(Path("a.webm")), TalkConfig(text="Hello"), "Say who is to speak"),
        (Order(Path("a.avi"), portrait=Path("p.png")), TalkConfig(text="Hello"), "must end in"),
        (Order(Path("a.mp4"), portrait=Path("p.png")), TalkConfig(text="Hi"), "install av --yes"),
    ],
)
def test_orders_that_cannot_be_are_refused_at_once(
    studio: Studio, order: Order, config: TalkConfig, told: str
) -> None:
    with pytest.raises(InvalidInput, match=told):
        studio.talking.require(order, config)


def test_a_recording_that_is_none_is_refused_before_a_net_is_asked_for(
    studio: Studio, tmp_path: Path
) -> None:
    pytest.importorskip("av", reason="the optional package av is not installed")
    (tmp_path / "broken.mp3").write_bytes(b"x")
    order = Order(Path("a.webm"), portrait=Path("p.png"), audio=tmp_path / "broken.mp3")
    with pytest.raises(InvalidInput, match=r"broken\.mp3 is no recording"):
        studio.talking.require(order, TalkConfig())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (" ... ", "nothing to say"),
        ("word " * 10_000, r"50,000 characters; at most 20,000"),
        ("Hello 你好", "Choose the voice xiaobei or yunxi"),
    ],
)
def test_a_text_that_cannot_be_said_is_refused_at_once(
    studio: Studio, portrait: Path, tmp_path: Path, text: str, told: str
) -> None:
    order = Order(tmp_path / "a.webm", portrait=portrait)
    with pytest.raises(InvalidInput, match=told):
        studio.talking.require(order, TalkConfig(text))


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[[str, bytes, int], Path]:
    def write(name: str, data: bytes, rate: int) -> Path:
        with wave.open(str(tmp_path / name), "wb") as stream:
            stream.setnchannels(1)
            stream.setsampwidth(1)
            stream.setframerate(rate)
            stream.writeframes(data)
        return tmp_path / name

    return write


def test_a_recording_that_cannot_be_spoken_leaves_a_sentence_and_no_file(
    studio: Studio,
    portrait: Path,
    tmp_path: Path,
    recorded: Callable[[str, bytes, int], Path],
) -> None:
    pytest.importorskip("av", reason="the optional package av is not installed")
    broken = tmp_path / "corrupt.mp3"
    broken.write_bytes(b"\xff\xfb\x90\x00" + bytes(range(256)) * 20)
    out = tmp_path / "made" / "a.webm"
    for audio, told in (
        (recorded("hours.wav", bytes([128]) * 3 * 3600 * 100, 100), "lasts 180 minutes"),
        (recorded("quiet.wav", bytes([128]) * 8000, 8000), r"Nothing can be heard in quiet\.wav"),
        (broken, r"corrupt\.mp3 is no recording|Nothing can be heard in corrupt"),
    ):
        with pytest.raises(InvalidInput, match=told):
            [*studio.talk(Order(out, portrait=portrait, audio=audio), LOUD)]
    assert not out.parent.exists()


def test_a_portrait_without_a_face_or_with_two_leaves_no_file(
    studio: Studio, audio: Path, tmp_path: Path
) -> None:
    head = np.ascontiguousarray(astronaut()[:320, 60:380])
    out = tmp_path / "made" / "a.webm"
    for pixels, told in (
        (np.full((200, 200, 3), 128, np.uint8), "No face was found"),
        (np.hstack([head, head]), "2 faces in the portrait: say which one"),
    ):
        path = tmp_path / "other.png"
        path.write_bytes(encode_png(pixels))
        with pytest.raises((NoFaceFound, InvalidInput), match=told):
            [*studio.talk(Order(out, portrait=path, audio=audio), LOUD)]
    assert not out.parent.exists()


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stand in for the voice of a service; holds what was sent to it."""
    sent: list[str] = []

    def make(models_dir: Path, pause: Callable[[], None], name: str) -> Any:
        def speak(text: str, *, speed: float, seed: int) -> Speech:
            sent.append(f"{name}: {text}")
            return Speech((0.5 * np.sin(np.arange(RATE) * 0.2)).astype(np.float32), RATE)

        return SimpleNamespace(speak=speak)

    offer = replace(VOICES["online"], package=replace(EDGE_TTS, module="json"), make=make)
    monkeypatch.setattr(saying, "find_voice", lambda name: offer)
    return sent


def test_a_text_leaves_the_machine_only_where_that_is_agreed_to(
    studio: Studio, portrait: Path, tmp_path: Path, online: list[str]
) -> None:
    order = Order(tmp_path / "a.webm", portrait=portrait)
    config = replace(LOUD, voice="online", text="Привет")
    with pytest.raises(InvalidInput, match="Nothing is sent unless you agree"):
        [*studio.talk(order, config)]
    assert online == []
    agreed = replace(config, send_text=True, online_voice="ru-RU-SvetlanaNeural")
    *_, last = studio.talk(order, agreed)
    assert online == ["ru-RU-SvetlanaNeural: Привет"]
    assert isinstance(last, VideoFinished) and last.frames == 25
    first, middle = frames_of(order.out)[0], frames_of(order.out)[12]
    assert np.abs(middle.astype(int) - first).max() > 60, "what was sent is listened to"


class Brightening:
    """An animator of somebody else's."""

    size = 320

    def lacking(self, models_dir: Path) -> str:
        return "" if models_dir.name == "models" else "It takes a net."

    def frames(self, portrait: Pixels, speech: Speech, fps: int) -> Iterator[Pixels]:
        for at in range(round(speech.seconds * fps)):
            yield np.full_like(portrait[: self.size], 60 + at)


def test_another_s_net_animates_the_face(
    studio: Studio, portrait: Path, audio: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = EntryPoint("bright", f"{__name__}:Brightening", door.GROUP)
    monkeypatch.setattr(EntryPoint, "load", lambda point: Brightening)
    monkeypatch.setattr(door, "entry_points", lambda group: [point] if group == door.GROUP else [])
    out = tmp_path / "made" / "a.webm"
    order, config = Order(out, portrait=portrait, audio=audio), replace(LOUD, animator="bright")
    with pytest.raises(InvalidInput, match="no animator 'dark' here: there are bright, sadt"):
        studio.talking.require(order, replace(config, animator="dark"))
    monkeypatch.setattr(Brightening, "size", 100)
    with pytest.raises(FaceChainError, match=r"bright made a picture of \(100, 320, 3\)"):
        [*studio.talk(order, config)]
    assert [*out.parent.iterdir()] == []
    monkeypatch.setattr(Brightening, "size", 320)
    *_, last = studio.talk(order, config)
    assert isinstance(last, VideoFinished) and (last.frames, last.teeth) == (30, "")
    assert frames_of(out)[-1].mean() > frames_of(out)[0].mean() + 20
    monkeypatch.setattr(Brightening, "lacking", lambda animator, models_dir: "It takes a net.")
    with pytest.raises(InvalidInput, match=r"It takes a net\."):
        studio.talking.require(order, config)


def test_the_command_runs_a_job_and_prints_json(
    tmp_path: Path, portrait: Path, audio: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "spoken.webm"
    flags = ["--listening", "loudness", "--head-motion", "0", "--json"]
    files = ["--portrait", str(portrait), "--audio", str(audio), "--out", str(out)]
    assert main(["talk", *files, *flags, "--data-dir", str(tmp_path / "data")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["video"] == str(out) and told["frames"] == 30 and told["teeth"] == "portrait"
    assert out.is_file() and Path(f"{out}.xmp").is_file()
    assert main(["talk", "Hello", *files, "--data-dir", str(tmp_path / "data")]) == 2
    assert "Give either a text to say or a recording" in capsys.readouterr().err


def test_a_talk_is_read_back_as_it_was_submitted(portrait: Path, audio: Path) -> None:
    work = Talk("Ana", (portrait, audio), ("portrait", "audio"), LOUD, Path("a.webm").absolute())
    facts = json.loads(json.dumps(work.facts()))
    assert KINDS["talk"]("Ana", (portrait, audio), facts) == work
    assert work.order.audio == audio and work.order.portrait == portrait


def test_a_video_gets_a_name_in_whatever_folder_it_goes_to(portrait: Path, tmp_path: Path) -> None:
    folder = tmp_path / "ana v1.5"
    work = Talk("", (portrait,), ("portrait",), LOUD, folder, unnamed=True)
    assert work.order.out.parent == folder
    facts = json.loads(json.dumps(work.facts()))
    assert KINDS["talk"]("", (portrait,), facts) == work
    assert replace(work, unnamed=False).order.out == folder


@pytest.fixture
def codec(tmp_path: Path) -> EventCodec:
    return EventCodec(tmp_path, HostPaths(tmp_path, tmp_path, tmp_path, tmp_path))


def test_its_events_are_read_back(codec: EventCodec) -> None:
    done = VideoFinished(Path("/a.mp4"), True, 1.5, 38, "photo", {"film": 1.0}, ("note",))
    for event in (Filming(1, 2), done):
        kind, facts = codec.encode(event) or ("", {})
        assert codec.decode(kind, json.loads(json.dumps(facts))) == event
