"""H.264 with AAC, or VP9 with Opus, by FFmpeg's libraries as the package av brings them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from facechain_ext.base.errors import FaceChainError
from facechain_ext.base.records import Pixels
from facechain_ext.talking.speech import Speech

ORIGIN = "AI-generated: a portrait made to speak by FaceChain"
_CODECS: dict[str, tuple[str, str, int, dict[str, str], dict[str, str]]] = {
    ".mp4": (
        "libx264", "aac", 48000, {"preset": "veryfast", "crf": "20"},
        {"movflags": "+faststart"},
    ),
    ".webm": (
        "libvpx-vp9", "libopus", 48000,
        {"deadline": "realtime", "cpu-used": "8", "crf": "31", "row-mt": "1"}, {},
    ),
}  # fmt: skip
"""Picture codec, sound codec, its rate, options of the picture codec and of the file."""
_SOUND_BITRATE = 96_000
_BT709, _TV_RANGE = 1, 1
"""FFmpeg's numbers for the colours of HD video (matrix, primaries and curve), and 16 to 235."""


class SoundFilm:
    """One video; the part of the speech that belongs to a picture is written with it."""

    def __init__(self, path: Path, speech: Speech, fps: int) -> None:
        self._path, self._speech, self._fps = path, speech, fps
        self._count = self._heard = 0
        self._container: Any = None
        self._picture: Any = None
        self._sound: Any = None

    def add(self, pixels: Pixels) -> None:

        with _as_os_error():
            if self._container is None:
                self._open(pixels)
            frame = _in_video_colours(pixels)
            frame.pts, frame.time_base = self._count, Fraction(1, self._fps)
            self._container.mux(self._picture.encode(frame))
            self._count += 1
            self._say(round(self._count / self._fps * self._speech.rate))

    def finish(self) -> None:
        if self._container is None:
            raise FaceChainError("There is not a single picture to make a video of.")
        with _as_os_error():
            self._say(len(self._speech.samples))
            self._container.mux(self._sound.encode(None))
            self._container.mux(self._picture.encode(None))
            self.close()

    def close(self) -> None:
        container, self._container = self._container, None
        if container is not None:
            container.close()

    def _open(self, pixels: Pixels) -> None:
        import av

        video, audio, rate, options, of_file = _CODECS[self._path.suffix]
        self._container = av.open(str(self._path), "w", options=of_file)
        self._container.metadata["comment"] = ORIGIN
        picture = self._container.add_stream(video, rate=self._fps)
        picture.height, picture.width = pixels.shape[:2]
        picture.pix_fmt, picture.options = "yuv420p", options
        picture.codec_context.thread_count = 0
        told = picture.codec_context
        told.colorspace = told.color_primaries = told.color_trc = _BT709
        told.color_range = _TV_RANGE
        if video == "libvpx-vp9":
            picture.bit_rate = 0
        sound = self._container.add_stream(audio, rate=rate)
        sound.bit_rate, sound.layout = _SOUND_BITRATE, "mono"
        self._picture, self._sound = picture, sound

    def _say(self, until: int) -> None:
        """Write the speech up to a sample."""
        import av

        part = self._speech.samples[self._heard : until]
        if not len(part):
            return
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(part[None], np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate = self._speech.rate
        frame.pts, frame.time_base = self._heard, Fraction(1, self._speech.rate)
        self._container.mux(self._sound.encode(frame))
        self._heard += len(part)


def _in_video_colours(pixels: Pixels) -> Any:
    """Turn a picture into the colours that the file is told to have."""
    import av

    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
    return frame.reformat(format="yuv420p", dst_colorspace=_BT709)


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Raise FFmpeg's errors as the system's, so that a full disk is told as one."""
    import av

    try:
        yield
    except av.FFmpegError as error:
        raise OSError(error.errno, error.strerror) from error
