"""Videos: what is in them, and that half of one is never left."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from facechain_ext.base.errors import FaceChainError, InvalidInput
from facechain_ext.base.records import Pixels
from facechain_ext.talking import video
from facechain_ext.talking.animation import LONGEST_ANIMATION
from facechain_ext.talking.speech import Speech
from facechain_ext.talking.video import check_format, has_sound, write_video

FPS = 25
RATE = 24000


def frames(count: int = 30) -> Iterator[Pixels]:
    """Yield pictures that become brighter."""
    return (np.full((96, 64, 3), 60 + 4 * at, np.uint8) for at in range(count))


def speech(seconds: float = 1.2) -> Speech:
    time = np.arange(round(seconds * RATE)) / RATE
    return Speech((0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32), RATE)


@pytest.fixture
def without_av(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "AV", replace(video.AV, module="there_is_no_such_module"))


@pytest.mark.parametrize(
    ("name", "codecs"), [("a.mp4", ("h264", "aac")), ("ä.WEBM", ("vp9", "opus"))]
)
def test_pictures_and_sound_are_in_the_video(
    tmp_path: Path, name: str, codecs: tuple[str, str]
) -> None:
    av = pytest.importorskip("av", reason="the optional package av is not installed")
    path = tmp_path / "new folder" / name
    assert [*write_video(path, frames(), speech(), FPS)] == [*range(1, 31)]
    with av.open(str(path)) as container:
        picture, sound = container.streams.video[0], container.streams.audio[0]
        assert (picture.codec_context.name, sound.codec_context.name) == codecs
        assert (picture.width, picture.height) == (64, 96)
        told = {key.lower(): value for key, value in container.metadata.items()}
        assert told["comment"].startswith("AI-generated")
        seen = [frame.to_ndarray(format="rgb24").mean() for frame in container.decode(video=0)]
        assert len(seen) == 30 and seen[0] == pytest.approx(60, abs=4) and seen[-1] > 165
        container.seek(0)
        heard = np.concatenate([part.to_ndarray()[0] for part in container.decode(audio=0)])
    assert len(heard) / 48000 == pytest.approx(1.2, abs=0.1)
    assert heard.std() == pytest.approx(0.3 / 2**0.5, rel=0.1)
    beside = sorted(each.name for each in path.parent.iterdir())
    assert beside == sorted([name, f"{name}.xmp"])
    packet = (path.parent / f"{name}.xmp").read_text(encoding="utf-8")
    assert "compositeWithTrainedAlgorithmicMedia" in packet


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_a_video_names_its_colours_and_has_them(tmp_path: Path, suffix: str) -> None:
    av = pytest.importorskip("av", reason="the optional package av is not installed")
    colours = np.array([(220, 40, 40), (40, 200, 60), (40, 60, 210), (230, 200, 170)], np.uint8)
    bars = np.repeat(np.repeat(colours[None], 16, axis=1), 64, axis=0)
    path = tmp_path / f"a{suffix}"
    [*write_video(path, [bars] * 3, speech(0.12), FPS)]
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        told = container.streams.video[0].codec_context
        bt709, tv = 1, 1
        assert (told.colorspace, told.color_primaries, told.color_trc) == (bt709,) * 3
        assert told.color_range == tv
        seen = frame.to_ndarray(format="yuv420p").astype(float)
    brightness = seen[32, 8:64:16]
    red, green, blue = colours.T / 255
    wanted = 16 + 219 * (0.2126 * red + 0.7152 * green + 0.0722 * blue)
    assert brightness == pytest.approx(wanted, abs=2)


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".gif"])
def test_what_is_cancelled_leaves_no_file(tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("av", reason="the optional package av is not installed")
    writing = write_video(tmp_path / f"a{suffix}", frames(), speech(), FPS)
    assert [next(writing) for _ in range(5)] == [1, 2, 3, 4, 5]
    writing.close()
    assert [*tmp_path.iterdir()] == []


def test_an_older_video_stays_when_the_new_one_fails(tmp_path: Path) -> None:
    pytest.importorskip("av", reason="the optional package av is not installed")
    path = tmp_path / "a.mp4"
    path.write_bytes(b"older")

    def failing() -> Iterator[Pixels]:
        yield from frames(3)
        raise FaceChainError("The face is gone.")

    with pytest.raises(FaceChainError, match="face is gone"):
        [*write_video(path, failing(), speech(), FPS)]
    assert path.read_bytes() == b"older" and len([*tmp_path.iterdir()]) == 1


def test_a_full_disk_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class FullDisk(video.Animation):
        def finish(self) -> None:
            raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setitem(video.FORMATS, ".gif", FullDisk)  # type: ignore[arg-type]
    with pytest.raises(FaceChainError, match=r"a\.gif cannot be written: the disk is full\."):
        [*write_video(tmp_path / "a.gif", frames(2), speech(), FPS)]
    assert [*tmp_path.iterdir()] == []


@pytest.mark.usefixtures("without_av")
def test_without_av_a_webm_is_silent_and_an_mp4_says_what_to_install(tmp_path: Path) -> None:
    path = tmp_path / "a.webm"
    [*write_video(path, frames(), speech(), FPS)]
    reader: Any = cv2.VideoCapture(str(path))
    read, first = reader.read()
    reader.release()
    assert read and first.shape == (96, 64, 3)
    assert not has_sound(path)
    with pytest.raises(InvalidInput, match="facechain models install av --yes"):
        check_format(tmp_path / "a.mp4")


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_animations_move_and_are_small(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    large = (np.full((960, 720, 3), 50 * at, np.uint8) for at in range(4))
    [*write_video(path, large, speech(0.16), FPS)]
    with Image.open(path) as image:
        assert image.size == (360, 480)
        assert getattr(image, "n_frames", 1) == 4
    assert not has_sound(path)


def test_formats_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"must end in one of \.mp4, \.webm"):
        check_format(tmp_path / "a.avi")
    with pytest.raises(InvalidInput, match=r"is for up to 15\. Write an \.mp4"):
        check_format(tmp_path / "a.gif", LONGEST_ANIMATION + 1)
