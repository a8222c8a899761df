"""Measure portraits that speak: lips against phones, likeness, stillness, speed, memory.

    python -m bench.talking PORTRAIT [PORTRAIT ...] [--voice heart] [--sentences 20] [--size 512]
        [--minutes 0]

Every portrait speaks sentences in turn; frames are measured by their own landmarks, before they are
encoded. Results go to stdout as JSON. --minutes makes one long video more and tells the most memory
in use.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bench.hiss import hiss_shift
from facechain_ext.base.records import Mask, Pixels
from facechain_ext.imaging.files import read_photo, resize
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.expression import read_expression
from facechain_ext.standalone.diffusers_host import default_data_dir, paths_under
from facechain_ext.talking.gestures import make_gestures
from facechain_ext.talking.mouth_shapes import shape_of
from facechain_ext.talking.mouth_track import Curve, loudness_of, track_mouth
from facechain_ext.talking.performance import Performer
from facechain_ext.talking.scripts import ENGLISH
from facechain_ext.talking.sitter import Sitter, find_sitter
from facechain_ext.talking.speech import Phone, Speech, joined
from facechain_ext.talking.video import write_video
from facechain_ext.talking.voices import VOICES, Voice, find_voice

FPS = 25
STEP, SMOOTH = 0.005, 0.045
"""Seconds: of one step, and the deviation of the Gaussian that phones are smoothed with."""
MOST_SHIFT = 4
MET = 0.04
"""Opening over width of a mouth whose lips meet, as landmarks tell it."""

SENTENCES = (
    "Bob and Pam made a big map of my home town.",
    "She sells sea shells by the sea shore.",
    "We open the window at noon, before the room becomes too warm.",
    "Please put the blue paper boat on the table.",
    "My mother bought five apples and a bottle of milk.",
    "How far is it to the old harbour from here?",
    "The museum opens at half past nine on Monday.",
    "Five women walked along the empty beach.",
    "I hope you both remember what I promised.",
    "A warm bath helps me more than a cup of tea.",
    "Nobody knows why the clock stopped at noon.",
    "Could you move your bag a little, please?",
    "The baker makes bread before people wake up.",
    "Our plane was late, so we missed the boat.",
    "It costs nine dollars and fifty cents.",
    "Keep the window shut; the papers blow about.",
    "Maybe Tom will bring his own umbrella.",
    "They laughed, and then they hummed a song.",
    "Who would have thought of that? Not me.",
    "Thank you very much, and goodbye for now.",
)

CHINESE_SENTENCES = (
    "妈妈买了八本白皮书，爸爸不怕跑步。",
    "四十是四十，十四是十四。",
    "今天是2026年11月29日，气温零下五度。",
    "请把门关上，外面风太大了。",
    "我用手机拍了三张照片，发给了朋友。",
    "这本书一共有256页，卖39.8元。",
    "明天早上8:30在公司门口见面。",
    "他不知道怎么去北京大学。",
    "小西说他是上海的学生，喜欢吃西瓜。",
    "我们一起去公园散步，好不好？",
)


def sentences_for(voice: str) -> tuple[str, ...]:
    """Return what a voice is given to say."""
    return SENTENCES if voice in ENGLISH.voices else CHINESE_SENTENCES


def open_voice(name: str) -> Voice:
    """Open a voice by its name, its nets in the usual folder."""
    models_dir = paths_under(default_data_dir()).models_dir
    return find_voice(name).make(models_dir, lambda: None, "")


def measure(
    portraits: Sequence[Path], voice: Voice, sentences: Sequence[str], size: int, nets: FaceNets
) -> dict[str, Any]:
    """Let every portrait speak its share of the sentences; return a row for each, and the means."""
    rows: list[dict[str, Any]] = []
    for number, sentence in enumerate(sentences):
        path = portraits[number % len(portraits)]
        sitter = find_sitter(_sized(read_photo(path).pixels, size), nets)
        rows.append({"portrait": path.name, **_clip(sitter, voice.speak(sentence), number, nets)})
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    numbers = [name for name, value in rows[0].items() if not isinstance(value, str)]
    means = {name: round(float(np.mean([row[name] for row in rows])), 3) for name in numbers}
    worst = {
        "correlation": min(row["correlation"] for row in rows),
        "likeness": min(row["least_likeness"] for row in rows),
        "around": max(row["around"] for row in rows),
    }
    return {"clips": len(rows), "mean": means, "worst": worst}


def _sized(pixels: Pixels, size: int) -> Pixels:
    scale = size / min(pixels.shape[:2])
    return resize(pixels, (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale)))


def _clip(sitter: Sitter, speech: Speech, seed: int, nets: FaceNets) -> dict[str, Any]:
    loudness = loudness_of(speech.samples, speech.rate, FPS)
    mouth = track_mouth(speech.phones, loudness, FPS)
    performer = Performer(sitter)
    gestures = make_gestures(loudness, FPS, seed, blink=False)
    begin = time.process_time()
    frames = [*performer.frames(mouth, gestures)]
    drawn = time.process_time() - begin
    with tempfile.TemporaryDirectory() as folder:
        begin = time.process_time()
        for _ in write_video(Path(folder) / "a.mp4", iter(frames), speech, FPS):
            pass
        encoded = time.process_time() - begin
    opening, likeness = _seen(frames, sitter, nets)
    wanted = _wanted(speech.phones, len(frames))
    return {
        "teeth": performer.teeth_from,
        **_synchrony(opening, wanted),
        "hiss_ms": 1000 * hiss_shift(speech),
        "lips_met": _met(opening, speech.phones),
        "likeness": float(np.mean(likeness)),
        "least_likeness": float(np.min(likeness)),
        "around": _around(frames, sitter.person),
        "draw_ms": 1000 * drawn / len(frames),
        "encode_ms": 1000 * encoded / len(frames),
    }


def _seen(frames: Sequence[Pixels], sitter: Sitter, nets: FaceNets) -> tuple[Curve, list[float]]:
    """Return how far the mouth is open in each frame, and how like the portrait every fifth is."""
    (face, *_) = nets.detector.detect(sitter.pixels)
    own = nets.embedder.embed(sitter.pixels, face)
    opening, likeness = [], []
    for number, pixels in enumerate(frames):
        opening.append(read_expression(nets.landmarker.locate(pixels, face)).mouth)
        if number % 5 == 0:
            found = nets.detector.detect(pixels)
            seen = [nets.embedder.embed(pixels, each) @ own for each in found]
            likeness.append(float(max(seen, default=0.0)))
    return np.array(opening), likeness


def _wanted(phones: Sequence[Phone], count: int) -> Curve:
    """Return the opening that the phones alone ask for, smoothed as mouths are, at each frame."""
    wanted = np.zeros(round(count / FPS / STEP))
    for phone in phones:
        if phone.symbol:
            wanted[round(phone.start / STEP) : round(phone.end / STEP)] = shape_of(
                phone.symbol
            ).opening
    soft = cv2.GaussianBlur(wanted[None], (0, 0), SMOOTH / STEP, borderType=cv2.BORDER_REPLICATE)[0]
    return np.asarray(soft[((np.arange(count) + 0.5) / FPS / STEP).astype(int)])


def _synchrony(opening: Curve, wanted: Curve) -> dict[str, float]:
    """Compare what is seen with what the phones ask for, and find the shift that fits best."""

    def alike(shift: int) -> float:
        return float(np.corrcoef(np.roll(opening, -shift), wanted)[0, 1])

    best = max(range(-MOST_SHIFT, MOST_SHIFT + 1), key=alike)
    return {"correlation": alike(0), "offset_ms": 1000 * best / FPS}


def _met(opening: Curve, phones: Sequence[Phone]) -> float:
    """Return the share of p, b and m at whose middle, or a frame beside it, the lips meet."""
    met = []
    for phone in phones:
        if shape_of(phone.symbol).closed:
            at = int((phone.start + phone.end) / 2 * FPS)
            met.append(float(opening[max(0, at - 1) : at + 2].min()) < MET)
    return float(np.mean(met)) if met else 1.0


def _around(frames: Sequence[Pixels], person: Mask) -> float:
    """Return the mean change from frame to frame, in grey levels, outside the person."""
    outside = cv2.dilate(person, np.ones((25, 25), np.uint8)) < 0.05
    if not outside.any():
        return 0.0
    changes = [
        float(np.abs(after[outside].astype(int) - before[outside]).mean())
        for before, after in pairwise(frames)
    ]
    return max(changes, default=0.0)


def memory(
    portrait: Path,
    voice: Voice,
    sentences: Sequence[str],
    minutes: float,
    size: int,
    nets: FaceNets,
) -> dict[str, float]:
    """Make one long video; return the most memory in use in MB, and frames a second."""
    import resource

    sitter = find_sitter(_sized(read_photo(portrait).pixels, size), nets)
    part = joined([voice.speak(each) for each in sentences], 0.3)
    speech = joined([part] * max(1, round(60 * minutes / part.seconds)), 0.3)
    loudness = loudness_of(speech.samples, speech.rate, FPS)
    mouth = track_mouth(speech.phones, loudness, FPS)
    frames = Performer(sitter).frames(mouth, make_gestures(loudness, FPS, 0))
    before, begin = _most_memory(resource), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for _ in write_video(Path(folder) / "a.mp4", frames, speech, FPS):
            pass
    seconds = time.perf_counter() - begin
    return {
        "minutes": speech.seconds / 60,
        "before_mb": before,
        "most_mb": _most_memory(resource),
        "frames_per_second": len(mouth) / seconds,
    }


def _most_memory(resource: Any) -> float:
    most = float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure portraits that speak.")
    parser.add_argument("portraits", nargs="+", type=Path)
    parser.add_argument("--voice", choices=VOICES, default="heart")
    parser.add_argument("--sentences", type=int, default=len(SENTENCES))
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--minutes", type=float, default=0.0)
    args = parser.parse_args()
    nets = FaceNets()
    voice, sentences = open_voice(args.voice), sentences_for(args.voice)[: args.sentences]
    told: dict[str, Any] = {}
    if args.minutes:
        told["memory"] = memory(args.portraits[0], voice, sentences, args.minutes, args.size, nets)
    told.update(measure(args.portraits, voice, sentences, args.size, nets))
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
