"""SadTalker as modelscope publishes it, where a user has it: its own code, in a process of its own.

Zhang and others, 2023; code and nets Apache-2.0. Its packages are old and its nets partly pickles,
so that it gets a Python of its own and none of it is imported here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from facechain_ext.base.errors import FaceChainError
from facechain_ext.base.records import Pixels
from facechain_ext.imaging.files import encode_png, resize
from facechain_ext.talking.speech import Speech

NAME = "sadtalker"
FOLDER, PYTHON = "FACECHAIN_SADTALKER", "FACECHAIN_SADTALKER_PYTHON"
"""Variables: where its files are, unless in modelscope's cache; which Python has its packages."""
_REPOSITORY = "wwd123/sadtalker"
_FILES = (
    "configuration.json",
    "checkpoints/mapping_00109-model.pth.tar",
    "checkpoints/mapping_00229-model.pth.tar",
    "checkpoints/SadTalker_V0.0.2_256.safetensors",
)
_STYLES = 46
_LOOK_EVERY = 0.2
"""Seconds between two looks at whether it is done."""


@dataclass(frozen=True)
class SadTalker:
    """An `Animator`. agreed: that its code runs. pause: called while it works; stops it by raising.

    still: keep the head still. expression: scales the face. seed: picks one of its 46 ways to move.
    """

    agreed: bool
    pause: Callable[[], None]
    still: bool = False
    expression: float = 1.0
    seed: int = 0

    def lacking(self, models_dir: Path) -> str:
        del models_dir
        folder = _folder()
        missing = [name for name in _FILES if folder is None or not (folder / name).is_file()]
        if missing:
            return (
                f"SadTalker is not here ({missing[0]} is missing). It is fetched by modelscope, "
                f"modelscope download --model {_REPOSITORY}: 1 to 2.5 GB, Apache-2.0, parts of it "
                f"under licences of their own; {FOLDER} names its folder where it lies elsewhere."
            )
        if not os.environ.get(PYTHON) and find_spec("modelscope") is None:
            return (
                "SadTalker takes the package modelscope and others of its own, of old versions: "
                f"give it an environment of its own, and its Python's path in {PYTHON}."
            )
        if not self.agreed:
            return (
                f"SadTalker is program code and nets of others' (in {folder}; 1 to 2.5 GB, "
                "Apache-2.0, parts of it under licences of their own), which runs with all of your "
                "rights. Nothing of it runs unless you agree to that: Run others' code "
                "(--run-code)."
            )
        return ""

    def frames(self, portrait: Pixels, speech: Speech, fps: int) -> Iterator[Pixels]:
        """Yield pictures, 25 a second as it makes them; raises FaceChainError where it fails."""
        del fps
        with tempfile.TemporaryDirectory(prefix="facechain-", ignore_cleanup_errors=True) as place:
            yield from _pictures(self._run(Path(place), portrait, speech), portrait)

    def _run(self, place: Path, portrait: Pixels, speech: Speech) -> Path:
        """Let it make a video in a folder."""
        order = self._order(place, portrait, speech)
        (place / "order.json").write_text(json.dumps(order), encoding="utf-8")
        script = Path(__file__).with_name("sadtalker_process.py")
        command = [os.environ.get(PYTHON) or sys.executable, str(script), str(place / "order.json")]
        with (place / "log.txt").open("wb") as log:
            try:
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                    env={**os.environ, "PYTHONIOENCODING": "utf-8"},
                )  # fmt: skip
            except OSError as error:
                raise FaceChainError(f"{command[0]} ({PYTHON}) cannot be run.") from error
            with process:
                self._wait(process)
        made = place / "made.txt"
        if process.returncode or not made.is_file():
            raise FaceChainError(f"SadTalker broke off: {_last_line(place / 'log.txt')}")
        return place / made.read_text(encoding="utf-8")

    def _order(self, place: Path, portrait: Pixels, speech: Speech) -> dict[str, Any]:
        (place / "portrait.png").write_bytes(encode_png(portrait))
        _write_wave(place / "speech.wav", speech)
        settings = {
            "preprocess": "full", "still_mode": self.still, "use_enhancer": False, "batch_size": 1,
            "size": 256, "pose_style": self.seed % _STYLES, "exp_scale": self.expression,
            "result_dir": str(place),
        }  # fmt: skip
        return {
            "folder": str(_folder()), "picture": str(place / "portrait.png"),
            "audio": str(place / "speech.wav"), "settings": settings,
            "made": str(place / "made.txt"),
        }  # fmt: skip

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        try:
            while process.poll() is None:
                self.pause()
                time.sleep(_LOOK_EVERY)
        except BaseException:
            process.kill()
            raise


def _folder() -> Path | None:
    """Return where its files are: as told, or as modelscope keeps them in its versions."""
    if told := os.environ.get(FOLDER):
        return Path(told).absolute()
    usual = Path.home() / ".cache" / "modelscope"
    cache = Path(os.environ.get("MODELSCOPE_CACHE") or usual)
    places = [cache / part / _REPOSITORY for part in ("models", "hub/models", "hub", "")]
    return next((place for place in places if place.is_dir()), None)


def _write_wave(path: Path, speech: Speech) -> None:
    with wave.open(str(path), "wb") as stream:
        stream.setnchannels(1)
        stream.setsampwidth(2)
        stream.setframerate(speech.rate)
        stream.writeframes((32767 * speech.samples).astype("<i2").tobytes())


def _pictures(video: Path, portrait: Pixels) -> Iterator[Pixels]:
    reader = cv2.VideoCapture(str(video))
    size = (portrait.shape[1], portrait.shape[0])
    try:
        while True:
            read, picture = reader.read()
            if not read:
                return
            pixels = np.ascontiguousarray(picture[..., ::-1])
            yield pixels if pixels.shape == portrait.shape else resize(pixels, size)
    finally:
        reader.release()


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
