"""The English voice: its phones lie where its sound is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.config.talking import LONGEST_TEXT
from facechain_ext.talking import english
from facechain_ext.talking.english import EnglishVoice, phones_of
from facechain_ext.talking.mouth_track import loudness_of
from facechain_ext.talking.onnx_graph import with_output
from facechain_ext.talking.voices import find_voice


def test_stress_and_spaces_are_no_sounds_of_their_own() -> None:
    phones = phones_of(list("ˈa b, c"), [1, 2, 1, 2, 4, 1, 2], before=2)
    assert [phone.symbol for phone in phones] == ["a", "b", "", "c"]
    assert [(phone.start, phone.end) for phone in phones] == [
        pytest.approx(each) for each in ((0.05, 0.15), (0.15, 0.2), (0.2, 0.325), (0.325, 0.375))
    ]


def test_an_output_is_put_behind_the_model() -> None:
    added = with_output(b"model", "x" * 200)[5:]
    assert added[:1] == b"\x3a" and added[3:4] == b"\x62" and added.endswith(b"x" * 200)
    assert added[1:3] == bytes([0xCE, 0x01]), "lengths from 128 on take two bytes"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "nothing to say"),
        (" \n?! ", "nothing to say"),
        ("Hello 你好", "cannot read '你好'"),
        ("привет", "cannot read 'привет'"),
        ("word " * 10_000, "at most 20,000"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(text: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        EnglishVoice().speak(text)
    assert LONGEST_TEXT == 20_000


def test_a_voice_that_is_not_there_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = replace(english.HIBARI, module="there_is_no_such_module")
    monkeypatch.setattr(english, "HIBARI", missing)
    with pytest.raises(InvalidInput, match="facechain models install hibari-tts --yes"):
        EnglishVoice().speak("Hello.")
    with pytest.raises(InvalidInput, match="there are heart"):
        find_voice("nobody")


@pytest.fixture(scope="module")
def voice() -> EnglishVoice:
    pytest.importorskip("hibari", reason="the optional package hibari-tts is not installed")
    return EnglishVoice()


@pytest.mark.parametrize("speed", [0.7, 1.0, 1.6])
def test_phones_last_as_long_as_the_sound(voice: EnglishVoice, speed: float) -> None:
    speech = voice.speak("Bob met Pam. How was it?", speed=speed)
    assert speech.seconds == pytest.approx(speech.phones[-1].end, abs=0.2)
    assert [phone.symbol for phone in speech.phones][:3] == ["b", "ɑ", "b"]
    starts = [phone.start for phone in speech.phones]
    assert starts == sorted(starts)


def test_vowels_are_where_it_is_loud(voice: EnglishVoice) -> None:
    speech = voice.speak("A father and a mother saw Bob at the harbour.")
    loud = loudness_of(speech.samples, speech.rate, 100)
    vowels = np.zeros(len(loud), bool)
    for phone in speech.phones:
        if phone.symbol in ("ɑ", "ɔ", "ʌ", "æ"):
            vowels[int(phone.start * 100) : int(phone.end * 100)] = True
    assert loud[vowels].mean() > 1.4 * loud[~vowels].mean()


def test_s_is_where_it_hisses(voice: EnglishVoice) -> None:
    speech = voice.speak("Six silly sisters sit on sixty seats. Sue sees the sea.")
    hop, size = speech.rate // 200, speech.rate // 50
    parts = np.lib.stride_tricks.sliding_window_view(speech.samples, size)[::hop]
    power = np.abs(np.fft.rfft(parts * np.hanning(size))) ** 2
    hiss = power[:, np.fft.rfftfreq(size, 1 / speech.rate) > 4000].sum(1) / (power.sum(1) + 1e-3)
    times = (np.arange(len(parts)) * hop + size / 2) / speech.rate

    def alike(shift: float) -> float:
        said = np.zeros(len(times), bool)
        for phone in speech.phones:
            if phone.symbol in ("s", "z"):
                said |= (times >= phone.start + shift) & (times < phone.end + shift)
        return float(np.corrcoef(said, hiss)[0, 1])

    assert abs(max(np.arange(-0.1, 0.1, 0.01), key=alike)) < 0.025


def test_numbers_and_abbreviations_are_read(voice: EnglishVoice) -> None:
    said = "".join(phone.symbol for phone in voice.speak("Dr. Lee paid $5 on 3 May.").phones)
    assert "dɑktəɹ" in said and "fIv" in said and "dɑləɹz" in said


def test_the_seed_makes_the_sound_the_same(voice: EnglishVoice) -> None:
    first, again, other = (voice.speak("Hello.", seed=seed).samples for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
