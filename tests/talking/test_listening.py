"""Recordings: read from files, and heard."""

from __future__ import annotations

import json
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.talking import recording
from facechain_ext.talking.listening import (
    PhoneListener,
    follow_loudness,
    phones_of,
    resampled,
)
from facechain_ext.talking.recording import LONGEST_RECORDING, check_recording, read_recording
from facechain_ext.talking.speech import Samples, Speech

RATE = 16000
TOKENS = ["a", "p", "ʰ", "<wb>", "<blank>"]


def tone(seconds: float = 0.5, rate: int = RATE) -> Samples:
    return (0.5 * np.sin(np.arange(round(seconds * rate)) * 0.1)).astype(np.float32)


def write_wave(
    path: Path, samples: Samples, *, width: int = 2, channels: int = 1, rate: int = RATE
) -> Path:
    whole = np.round(samples.astype(np.float64) * (2 ** (8 * width - 1) - 1)).astype("<i4")
    if width == 1:
        whole = whole + 128
    parts = whole.view(np.uint8).reshape(-1, 4)[:, :width]
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(width)
        sound.setframerate(rate)
        sound.writeframes(np.repeat(parts, channels, axis=0).tobytes())
    return path


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_wave_files_are_read_without_any_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int, channels: int
) -> None:
    missing = replace(recording.AV, module="there_is_no_such_module")
    monkeypatch.setattr(recording, "AV", missing)
    path = write_wave(tmp_path / "a.wav", tone(), width=width, channels=channels)
    read = read_recording(path)
    assert (read.rate, read.seconds) == (RATE, 0.5)
    assert np.abs(read.samples - tone()).max() < 2.0 ** (1 - 8 * width) + 1e-6
    (tmp_path / "b.mp3").write_bytes(b"ID3" + bytes(100))
    with pytest.raises(InvalidInput, match="facechain models install av --yes"):
        read_recording(tmp_path / "b.mp3")


@pytest.mark.parametrize("suffix", [".mp3", ".m4a", ".ogg", ".flac"])
def test_other_recordings_are_read_by_av(tmp_path: Path, suffix: str) -> None:
    av = pytest.importorskip("av", reason="the optional package av is not installed")
    codec = {".mp3": "mp3", ".m4a": "aac", ".ogg": "libopus", ".flac": "flac"}[suffix]
    path = tmp_path / f"ü{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=48000)
        stream.layout = "mono"
        samples = tone(1.0, 48000)
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    read = read_recording(path)
    assert read.rate == 24000 and read.seconds == pytest.approx(1.0, abs=0.1)
    assert read.samples.std() == pytest.approx(0.5 / 2**0.5, rel=0.1)


def test_what_is_no_recording_is_said_in_a_sentence(tmp_path: Path) -> None:
    pytest.importorskip("av", reason="the optional package av is not installed")
    (tmp_path / "broken.mp3").write_bytes(bytes(range(256)) * 40)
    with pytest.raises(InvalidInput, match=r"broken\.mp3 is no recording that can be read"):
        read_recording(tmp_path / "broken.mp3")
    with pytest.raises(InvalidInput, match="there is no such file"):
        read_recording(tmp_path / "missing.wav")
    for name, told in (("broken.mp3", "is no recording"), ("missing.wav", "no such file")):
        with pytest.raises(InvalidInput, match=told):
            check_recording(tmp_path / name)
    silent = write_wave(tmp_path / "silent.wav", np.zeros(RATE, np.float32))
    with pytest.raises(InvalidInput, match=r"Nothing can be heard in silent\.wav"):
        read_recording(silent)
    three_hours = np.zeros(3 * 3600 * 100, np.float32)
    long = write_wave(tmp_path / "long.wav", three_hours, width=1, rate=100)
    for read in (read_recording, check_recording):
        with pytest.raises(InvalidInput, match="lasts 180 minutes"):
            read(long)
    assert LONGEST_RECORDING == 1800


@pytest.mark.parametrize(
    "playlist",
    ["ffconcat version 1.0\nfile b.wav\n", "#EXTM3U\n#EXTINF:1,\nb.wav\n#EXT-X-ENDLIST\n"],
)
def test_a_playlist_opens_no_other_file(tmp_path: Path, playlist: str) -> None:
    pytest.importorskip("av", reason="the optional package av is not installed")
    write_wave(tmp_path / "b.wav", tone())
    for name in ("a.mp3", "a.m3u8"):
        (tmp_path / name).write_text(playlist, encoding="utf-8")
        with pytest.raises(InvalidInput, match="is no recording that can be read"):
            check_recording(tmp_path / name)


def test_a_rate_that_no_sound_has_is_refused(tmp_path: Path) -> None:
    path = write_wave(tmp_path / "a.wav", tone(), width=1, rate=2**31)
    with pytest.raises(InvalidInput, match=r"a\.wav is no "):
        read_recording(path)


def test_tokens_become_phones_that_end() -> None:
    heard = np.array([4, 1, 1, 2, 0, 4, 4, 4, 3, 4, 4, 4, 4, 4, 4, 4, 4, 0])
    phones = phones_of(heard, TOKENS)
    assert [phone.symbol for phone in phones] == ["p", "a", "a"]
    assert [phone.start for phone in phones] == pytest.approx([0.04, 0.1, 0.36])
    assert [phone.end for phone in phones] == pytest.approx([0.1, 0.32, 0.58])
    assert phones_of(np.full(9, 4), TOKENS) == []


def test_loudness_alone_opens_the_mouth() -> None:
    sound = np.concatenate([np.zeros(RATE, np.float32), tone(1.0), np.zeros(RATE, np.float32)])
    followed = follow_loudness(Speech(sound, RATE))
    spoken = [phone for phone in followed.phones if phone.symbol]
    assert spoken[0].start == pytest.approx(1.0, abs=0.1)
    assert spoken[-1].end == pytest.approx(2.0, abs=0.1)
    assert followed.phones[-1].end == pytest.approx(3.0, abs=0.1)


def test_resampling_keeps_length_and_sound() -> None:
    low = resampled(tone(1.0, 44100), 44100, RATE)
    assert len(low) == RATE and low.std() == pytest.approx(tone().std(), rel=0.05)
    assert resampled(low, RATE, RATE) is low
    assert len(resampled(low, RATE, 24000)) == 24000


def test_long_sound_is_resampled_without_seams() -> None:
    time = np.arange(60 * 24000) / 24000
    low = resampled(np.sin(2 * np.pi * 50 * time).astype(np.float32), 24000, RATE)
    wanted = np.sin(2 * np.pi * 50 * np.arange(60 * RATE) / RATE)
    assert np.abs(low - wanted)[10:-10].max() < 0.02


def test_without_the_net_it_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"facechain models (download hama|install onnxruntime)"):
        PhoneListener(tmp_path)


@pytest.mark.parametrize(("sounds", "seconds"), [(30, 6), (12, 6)])
def test_speech_is_told_from_noise(
    monkeypatch: pytest.MonkeyPatch, sounds: int, seconds: int
) -> None:
    listener = object.__new__(PhoneListener)
    listener._tokens = TOKENS
    heard = np.full(seconds * 50, 4)
    heard[: 2 * sounds : 2] = 0
    monkeypatch.setattr(listener, "_heard", lambda piece: heard)
    assert len(listener.listen(Speech(tone(seconds), RATE)).phones) == sounds
    heard[16:] = 4
    with pytest.raises(InvalidInput, match="Nobody can be heard speaking"):
        listener.listen(Speech(tone(seconds), RATE))


def test_a_sound_was_there_before_it_was_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    listener = object.__new__(PhoneListener)
    listener._tokens = TOKENS
    heard = np.full(50, 4)
    heard[[0, 24, 49]] = 0, 1, 0
    monkeypatch.setattr(listener, "_heard", lambda piece: heard)
    phones = listener.listen(Speech(tone(1.0), RATE)).phones
    assert [phone.start for phone in phones] == pytest.approx([0, 0.44, 0.94])
    assert [phone.end for phone in phones] == pytest.approx([0.18, 0.66, 1.0])


def test_long_recordings_are_heard_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    listener, lengths = object.__new__(PhoneListener), []
    listener._tokens = TOKENS

    def heard(piece: Samples) -> np.ndarray:
        lengths.append(len(piece))
        return np.resize([0, 4, 1, 4], len(piece) // 320)

    monkeypatch.setattr(listener, "_heard", heard)
    speech = listener.listen(Speech(tone(90), RATE))
    assert sum(lengths) == 90 * RATE and max(lengths) <= 23 * RATE and len(lengths) > 3
    starts = [phone.start for phone in speech.phones]
    assert starts == sorted(starts) and starts[-1] > 89


def test_the_vocabulary_is_read_with_what_stands_behind_it(tmp_path: Path) -> None:
    from facechain_ext.talking.listening import _tokens

    path = tmp_path / "v.json"
    path.write_text(json.dumps({"decoder": ["<pad>", "a"]}), encoding="utf-8")
    assert _tokens(path) == ["<pad>", "a", "<wb>", "<blank>"]
