"""The mouth over time, from phones that stand here in full."""

from __future__ import annotations

import numpy as np
import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.talking.mouth_shapes import REST, shape_of
from facechain_ext.talking.mouth_track import MouthTrack, loudness_of, track_mouth
from facechain_ext.talking.speech import Phone, Speech, joined

FPS = 25
RATE = 8000


def spoken(*sounds: tuple[str, float]) -> tuple[Phone, ...]:
    """Return phones of these lengths, one after the other."""
    ends = np.cumsum([length for _, length in sounds]).tolist()
    return tuple(
        Phone(symbol, end - length, end) for (symbol, length), end in zip(sounds, ends, strict=True)
    )


def track(phones: tuple[Phone, ...], *, loud: float = 0.5, expression: float = 1.0) -> MouthTrack:
    frames = round(phones[-1].end * FPS)
    return track_mouth(phones, np.full(frames, loud), FPS, expression=expression)


@pytest.mark.parametrize(
    ("symbol", "like"),
    [("ˈɑː", "a"), ("tʃ", "t"), ("ɡʲ", "g"), ("n̩", "n"), ("ã", "a"), ("¿", "ə"), (" ", "")],
)
def test_marks_of_stress_and_length_change_no_shape(symbol: str, like: str) -> None:
    assert shape_of(symbol) == shape_of(like)


def test_lips_of_mandarin_spread_and_round() -> None:
    """Xi, ji, si and the e of 喝 spread the lips, shi, zhu and yu round them."""
    assert all(shape_of(symbol).width > 0 for symbol in "ɕʨɨɤj")
    assert all(shape_of(symbol).width < 0 for symbol in "ʂꭧɻyɥu")
    assert shape_of("ʰ") == shape_of("h") != shape_of("¿")


def test_a_diphthong_goes_towards_its_second_vowel() -> None:
    assert shape_of("oʊ").width < shape_of("o").width + 0.01
    assert shape_of("aʊ").width < 0 < shape_of("aɪ").width
    assert shape_of("") == REST


def test_vowels_open_the_mouth_and_pauses_close_it() -> None:
    mouth = track(spoken(("", 0.4), ("ɑ", 0.2), ("", 0.4)))
    assert mouth.opening[:6].max() == 0 and mouth.opening[-6:].max() == 0
    assert 11 <= int(mouth.opening.argmax()) <= 13
    assert mouth.opening.max() > 0.6


def test_silence_stands_still_exactly() -> None:
    mouth = track(spoken(("ɑ", 0.2), ("", 1.0), ("i", 0.2)))
    quiet = slice(11, 24)
    assert np.ptp(mouth.opening[quiet]) == 0 and np.ptp(mouth.width[quiet]) == 0


@pytest.mark.parametrize("length", [0.03, 0.05, 0.08, 0.12])
@pytest.mark.parametrize("start", [0.2, 0.21, 0.22, 0.23])
@pytest.mark.parametrize("lips", ["p", "b", "m"])
def test_lips_meet_however_short_the_sound(lips: str, length: float, start: float) -> None:
    mouth = track(spoken(("ɑ", start), (lips, length), ("ɑ", 0.3)))
    middle = start + length / 2
    assert mouth.opening[int(middle * FPS)] == 0
    assert mouth.opening[int(middle * FPS) - 3] > 0.3


def test_vowels_between_short_closures_open_the_mouth() -> None:
    syllables = [("p", 0.05), ("a", 0.1)] * 4
    mouth = track(spoken(("", 0.2), *syllables, ("", 0.2)))
    vowels = [int((0.2 + 0.15 * at + 0.1) * FPS) for at in range(4)]
    assert min(float(mouth.opening[n - 1 : n + 2].max()) for n in vowels) > 0.57


def test_long_closures_stay_shut() -> None:
    mouth = track(spoken(("a", 0.4), ("m", 0.2), ("a", 0.4)))
    assert mouth.opening[11:14].max() == 0


def test_a_consonant_follows_its_neighbours() -> None:
    open_t = track(spoken(("ɑ", 0.2), ("t", 0.06), ("ɑ", 0.2))).opening[5]
    close_t = track(spoken(("i", 0.2), ("t", 0.06), ("i", 0.2))).opening[5]
    assert open_t > close_t + 0.1


def test_rounding_begins_before_its_vowel() -> None:
    mouth = track(spoken(("i", 0.4), ("s", 0.08), ("u", 0.3)))
    assert mouth.width[10] < shape_of("i").width - 0.2
    assert mouth.width[15] < -0.5


def test_loud_speech_opens_wider_and_expression_scales_it() -> None:
    phones = spoken(("", 0.2), ("ɛ", 0.3), ("", 0.2))
    soft, loud = (track(phones, loud=level).opening.max() for level in (0.0, 1.0))
    assert loud / soft == pytest.approx(1.25 / 0.75, rel=0.01)
    assert track(phones, expression=0.5).opening.max() < 0.6 * track(phones).opening.max()
    assert track(spoken(("ɑ", 0.5)), loud=1, expression=2).opening.max() <= 1


def test_loudness_is_relative_and_silence_is_none() -> None:
    tone = np.sin(np.arange(RATE) / 5).astype(np.float32)
    halves = np.concatenate([np.zeros(RATE, np.float32), 0.1 * tone])
    loud = loudness_of(halves, RATE, FPS)
    assert len(loud) == 50
    assert loud[:20].max() == 0 and loud[30:].min() > 0.9
    assert loudness_of(np.zeros(RATE, np.float32), RATE, FPS).max() == 0


def test_parts_are_joined_with_their_times() -> None:
    part = Speech(np.ones(RATE, np.float32), RATE, (Phone("a", 0.5, 0.75),))
    both = joined([part, part], pause=0.5)
    assert both.seconds == pytest.approx(2.5)
    assert [phone.start for phone in both.phones] == [0.5, 2.0]
    assert both.samples[RATE : RATE + RATE // 2].max() == 0
    assert both.at_volume(0.5).samples.max() == 0.5


def test_speech_that_cannot_be_is_refused() -> None:
    with pytest.raises(InvalidInput, match="cannot last"):
        Phone("a", 1.0, 0.5)
    with pytest.raises(InvalidInput, match="one rate"):
        joined([])
