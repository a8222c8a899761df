"""A voice of Kokoro on a net that is made here: what it is asked, and when each sound is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save

from facechain_ext.base.errors import Cancelled, InvalidInput, WeightsMissing
from facechain_ext.nets.catalog import find
from facechain_ext.nets.entry import ModelEntry, ModelFile
from facechain_ext.talking import kokoro
from facechain_ext.talking.kokoro import RATE, KokoroVoice, pieces_of, trimmed
from facechain_ext.talking.scripts import CHINESE, ENGLISH
from facechain_ext.talking.speech import Phone, Speech

VOCABULARY = {symbol: number for number, symbol in enumerate("ab→ ,.", start=1)}
STYLES = np.repeat(np.arange(510, dtype=np.float32)[:, None], 256, axis=1)
STEP = RATE // 40


class TinyNet:
    """Answers with 4 silent steps, 2 steps of sound for every symbol and a silent one."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def run(self, names: None, given: dict[str, Any]) -> list[Any]:
        self.asked.append(given)
        steps = np.array([[4.0, *[2.0] * (given["tokens"].shape[1] - 2), 8.0]], np.float32)
        samples = np.full(int(steps.sum()) * STEP, 0.5, np.float32)
        samples[: 4 * STEP] = samples[-8 * STEP :] = 0
        return [samples, steps]


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> TinyNet:
    tiny = TinyNet()
    monkeypatch.setattr(kokoro, "open_net", lambda model: tiny)
    return tiny


@pytest.fixture
def models_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A models folder with files as small as can be, which the catalogue takes for right."""
    contents = {
        "kokoro-v1.0.int8.onnx": b"net",
        "kokoro_vocabulary.json": json.dumps({"vocab": VOCABULARY}).encode(),
        "kokoro_voices_fp16.safetensors": save(
            dict.fromkeys(("zf_xiaobei", "zm_yunxi", "am_michael"), STYLES.astype(np.float16))
        ),
    }
    (tmp_path / "facechain").mkdir()
    for name, content in contents.items():
        (tmp_path / "facechain" / name).write_bytes(content)

    def like(file: ModelFile) -> ModelFile:
        return replace(file, sha256=hashlib.sha256(contents[file.name]).hexdigest())

    def found(name: str) -> ModelEntry:
        entry = find(name)
        return replace(entry, files=tuple(map(like, entry.files)), needs="", shipped=False)

    monkeypatch.setattr(kokoro, "find", found)
    return tmp_path


def on() -> None:
    """Let a speech go on."""


def said(*sentences: str) -> Callable[[str], list[str]]:
    return lambda text: [*sentences]


def test_the_net_is_asked_for_known_symbols_in_the_manner_of_their_number(
    net: TinyNet, models_dir: Path
) -> None:
    voice = KokoroVoice(models_dir, "zf_xiaobei", CHINESE, said("a→☃b."), on)
    speech = voice.speak("啊吧。", speed=1.5)
    (asked,) = net.asked
    assert asked["tokens"].tolist() == [[0, 1, 3, 2, 6, 0]]
    assert asked["style"].shape == (1, 256) and set(asked["style"][0]) == {3.0}
    assert asked["speed"].tolist() == [1.5]
    assert [phone.symbol for phone in speech.phones] == ["a", "b", ""]


def test_sounds_lie_where_the_net_makes_them(net: TinyNet, models_dir: Path) -> None:
    speech = KokoroVoice(models_dir, "am_michael", ENGLISH, said("ab"), on).speak("Ab")
    assert speech.seconds == pytest.approx(0.08 + 0.1 + 0.08, abs=1e-3)
    starts = [phone.start for phone in speech.phones]
    assert starts[1] - starts[0] == pytest.approx(0.05)
    assert starts[0] == pytest.approx(0.08 - kokoro.LATE * 0.025, abs=1e-3)


def test_sentences_follow_each_other(net: TinyNet, models_dir: Path) -> None:
    voice = KokoroVoice(models_dir, "zm_yunxi", CHINESE, said("a.", "b."), on)
    speech = voice.speak("啊。吧。")
    assert len(net.asked) == 2
    assert speech.seconds == pytest.approx(2 * 0.26 + 0.25, abs=1e-3)
    with pytest.raises(InvalidInput, match="nothing to say"):
        KokoroVoice(models_dir, "zm_yunxi", CHINESE, said(), on).speak("啊")


def test_a_speech_can_be_stopped_between_sentences(net: TinyNet, models_dir: Path) -> None:
    def stop() -> None:
        if net.asked:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        KokoroVoice(models_dir, "zm_yunxi", CHINESE, said("a.", "b."), stop).speak("啊。吧。")
    assert len(net.asked) == 1


def test_what_is_too_long_is_cut_at_marks_or_spaces() -> None:
    assert [*pieces_of("ab, ab ab", 6)] == ["ab,", "ab ab"]
    assert [*pieces_of("ab ab ab", 6)] == ["ab ab", "ab"]
    assert [*pieces_of("abababab", 6)] == ["ababab", "ab"]
    assert [*pieces_of("ab")] == ["ab"] and [*pieces_of("")] == []


def test_silence_before_and_after_is_cut_off() -> None:
    samples = np.zeros(3000, np.float32)
    samples[1000:2000] = 0.5
    phones = (Phone("a", 1.0, 1.5), Phone("b", 1.5, 2.5), Phone("", 2.5, 3.0))
    speech = trimmed(Speech(samples, 1000, phones))
    assert speech.seconds == pytest.approx(1.16, abs=0.002)
    assert [phone.symbol for phone in speech.phones] == ["a", "b"]
    assert speech.phones[0].start == pytest.approx(0.08)
    assert speech.phones[1].end == speech.seconds
    silent = Speech(np.zeros(10, np.float32), 1000)
    assert trimmed(silent) is silent


def test_a_net_that_is_not_there_says_how_to_get_it(models_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"66\.0 MB to download.*models download kokoro\."):
        kokoro.require_kokoro(tmp_path / "none")


def test_damaged_styles_are_noticed(models_dir: Path) -> None:
    styles = models_dir / "facechain" / "kokoro_voices_fp16.safetensors"
    styles.write_bytes(b"other")
    with pytest.raises(WeightsMissing, match=r"kokoro_voices_fp16\.safetensors is damaged"):
        KokoroVoice(models_dir, "zf_xiaobei", CHINESE, said("a"), on)
    styles.unlink()
    with pytest.raises(WeightsMissing, match=r"is missing from"):
        KokoroVoice(models_dir, "zf_xiaobei", CHINESE, said("a"), on)


def test_the_voices_that_ship_are_those_that_are_offered() -> None:
    (path,) = find(kokoro.STYLES).paths(Path("unused"))
    styles = load_file(path)
    assert {*styles} == {"zf_xiaobei", "zm_yunxi", "am_michael"}
    assert {style.shape for style in styles.values()} == {(510, 256)}
    assert all(np.isfinite(style).all() and style.std() > 0.1 for style in styles.values())
