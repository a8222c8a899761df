"""The whole of it from packages alone: a text, the small voice, and a video that anything plays."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from skimage.data import astronaut

from bench.lips import synchrony, wanted_of
from facechain_ext.base.events import VideoFinished
from facechain_ext.base.host import HostPaths
from facechain_ext.config import TalkConfig
from facechain_ext.imaging.files import encode_png
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.expression import read_expression
from facechain_ext.studio.studio import Studio
from facechain_ext.studio.talking import Order
from facechain_ext.talking.english import EnglishVoice

pytestmark = pytest.mark.slow(8)

WORDS = "Bob and Pam made a big map of my home town."


def test_a_text_becomes_a_video_whose_lips_follow_the_voice(tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="the optional package av is not installed")
    pytest.importorskip("hibari", reason="the optional package hibari-tts is not installed")
    nets = FaceNets()
    portrait, out = tmp_path / "portrait.png", tmp_path / "said.mp4"
    portrait.write_bytes(encode_png(np.ascontiguousarray(astronaut()[:320, 60:380])))
    host: Any = SimpleNamespace(
        paths=HostPaths(*(tmp_path / part for part in ("data", "lora", "out", "models"))),
        cancelled=lambda: False,
    )
    config = TalkConfig(WORDS, head_motion=0.0, blink=False)
    *_, last = Studio(host, nets).talk(Order(out, portrait=portrait), config)
    assert isinstance(last, VideoFinished) and last.sound and last.notes == ()

    av.logging.set_level(av.logging.WARNING)
    with av.logging.Capture() as warnings, av.open(str(out)) as film:
        frames = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
        film.seek(0)
        heard = sum(part.samples for part in film.decode(audio=0)) / 48000
        film.seek(int(0.6e6 * last.length))
        sought = next(film.decode(video=0)).time
    assert warnings == []
    assert len(frames) == last.frames and heard == pytest.approx(last.length, abs=0.1)
    assert 0 <= sought <= 0.6 * last.length + 0.05
    (face,) = nets.detector.detect(frames[0])
    opening = [read_expression(nets.landmarker.locate(each, face)).mouth for each in frames]
    phones = EnglishVoice().speak(WORDS, seed=config.seed).phones
    seen = synchrony(np.array(opening), wanted_of(phones, len(frames), 25), 25)
    assert seen["correlation"] > 0.8 and abs(seen["offset_ms"]) <= 40
