"""Symbols with times become phones."""

from __future__ import annotations

import numpy as np
import pytest

from facechain_ext.talking.speech import Phone, Speech
from facechain_ext.talking.timing import ending_with_sound, phones_of


def test_a_tone_and_a_length_belong_to_the_sound_before() -> None:
    phones = phones_of(list("pʰa→n ɑː,"), [1, 1, 4, 2, 2, 1, 2, 2, 3], before=0)
    assert [phone.symbol for phone in phones] == ["p", "ʰ", "a", "n", "ɑ", ""]
    assert [phone.end for phone in phones] == [
        pytest.approx(each) for each in (0.025, 0.05, 0.2, 0.275, 0.375, 0.45)
    ]


def test_what_a_pause_follows_ends_where_it_is_heard_last() -> None:
    samples = np.zeros(10_000, np.float32)
    samples[1000:3000] = samples[6000:8000] = 0.5
    said = (Phone("k", 0.0, 0.1), Phone("a", 0.1, 0.45), Phone("", 0.45, 0.6), Phone("o", 0.6, 1.0))
    phones = ending_with_sound(Speech(samples, 10_000, said)).phones
    assert [phone.symbol for phone in phones] == ["k", "a", "", "o"]
    assert [phone.start for phone in phones] == [0.0, 0.1, 0.45, 0.6]
    assert [phone.end for phone in phones] == [
        pytest.approx(each, abs=1e-3) for each in (0.1, 0.33, 0.6, 0.83)
    ]
    assert ending_with_sound(Speech(samples, 10_000)).phones == ()
    short = Speech(samples, 10_000, (Phone("t", 0.4, 0.55),))
    assert ending_with_sound(short).phones[0].end == pytest.approx(0.45)
