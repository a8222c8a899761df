"""The user's own recording: wav always, mp3, m4a, ogg and the rest by the package av."""

from __future__ import annotations

import wave
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import numpy as np

from facechain_ext.base.errors import InvalidInput, reason
from facechain_ext.installing.optional import AV
from facechain_ext.talking.speech import Samples, Speech

LONGEST_RECORDING = 30 * 60
"""Seconds."""
_RATE = 24000
_FASTEST, _BLOCK = 768_000, 1 << 18
_SILENT = 1e-3
_SAFELY = {
    "format_whitelist": "aac,aiff,amr,asf,au,caf,flac,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,"
    "ogg,w64,wav",
    "protocol_whitelist": "file",
}
"""What keeps FFmpeg from playlists, which name other files and addresses that it would open."""


def read_recording(path: Path) -> Speech:
    """Read a recording, phones yet unknown.

    Raises InvalidInput for what is none, too long or silent, or takes a package.
    """
    with _told(path):
        speech = _read_wave(path) if _is_plain_wave(path) else _read_any(path)
    if not len(speech.samples) or float(np.abs(speech.samples).max()) < _SILENT:
        raise InvalidInput(f"Nothing can be heard in {path.name}.")
    return speech


def check_recording(path: Path) -> None:
    """Find out what can be found out of a recording by its beginning; raises InvalidInput."""
    with _told(path):
        if _is_plain_wave(path):
            with path.open("rb") as stream, wave.open(stream) as sound:
                _check_length(path, sound.getnframes() / sound.getframerate())
        else:
            _require_av(path)
            next(_decoded(path), None)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what opening a file may raise into InvalidInput."""
    try:
        yield
    except OSError as error:
        raise InvalidInput(f"{path.name} cannot be read: {reason(error)}.") from error


def _is_plain_wave(path: Path) -> bool:
    """Tell whether Python reads it by itself: whole numbers, not compressed."""
    try:
        with path.open("rb") as stream, wave.open(stream) as sound:
            return sound.getsampwidth() in (1, 2, 3, 4) and 0 < sound.getframerate() <= _FASTEST
    except (wave.Error, EOFError):
        return False


def _read_wave(path: Path) -> Speech:
    with path.open("rb") as stream, wave.open(stream) as sound:
        rate, channels, width = sound.getframerate(), sound.getnchannels(), sound.getsampwidth()
        _check_length(path, sound.getnframes() / rate)
        samples = array("f")
        while data := sound.readframes(_BLOCK):
            whole = np.frombuffer(
                data, np.uint8, len(data) // (width * channels) * width * channels
            )
            samples.frombytes(_numbers(whole, width).reshape(-1, channels).mean(axis=1).tobytes())
    return Speech(np.frombuffer(samples, np.float32), rate)


def _numbers(data: np.ndarray[tuple[int], np.dtype[np.uint8]], width: int) -> Samples:
    """Turn whole numbers of `width` bytes, least first, into -1..1."""
    if width == 1:  # as the format has it, without a sign
        return np.asarray((data.astype(np.float32) - 128) / 128, np.float32)
    wide = np.zeros((len(data) // width, 4), np.uint8)
    wide[:, 4 - width :] = data.reshape(-1, width)
    return np.asarray(wide.view("<i4")[:, 0].astype(np.float32) / 2**31, np.float32)


def _require_av(path: Path) -> None:
    if not AV.installed:
        raise InvalidInput(f"{path.name} is no plain .wav file. {AV.lacking}")


def _read_any(path: Path) -> Speech:
    _require_av(path)
    samples = array("f")
    for part in _decoded(path):
        samples.frombytes(part.tobytes())
    return Speech(np.frombuffer(samples, np.float32), _RATE)


def _decoded(path: Path) -> Iterator[Samples]:
    """Yield a recording in parts, one channel at 24 kHz."""
    import av

    try:
        with av.open(str(path), options=_SAFELY) as container:
            if not container.streams.audio:
                raise InvalidInput(f"There is no sound in {path.name}.")
            if container.duration:
                _check_length(path, container.duration / 1e6)
            resampler = av.AudioResampler(format="flt", layout="mono", rate=_RATE)
            count = 0
            for frame in chain(container.decode(audio=0), [None]):
                for part in resampler.resample(frame):
                    samples = part.to_ndarray()[0].astype(np.float32)
                    count += len(samples)
                    _check_length(path, count / _RATE)
                    yield samples
    except av.FFmpegError as error:
        if isinstance(error, OSError) and error.errno and not isinstance(error, ValueError):
            raise OSError(error.errno, error.strerror) from error
        raise InvalidInput(f"{path.name} is no recording that can be read.") from error


def _check_length(path: Path, seconds: float) -> None:
    if seconds > LONGEST_RECORDING:
        raise InvalidInput(
            f"{path.name} lasts {seconds / 60:.0f} minutes or more; at most "
            f"{LONGEST_RECORDING // 60} are accepted. Make several videos of it."
        )
