"""Symbols with times become phones."""

from __future__ import annotations

import pytest

from facechain_ext.talking.timing import phones_of


def test_a_tone_and_a_length_belong_to_the_sound_before() -> None:
    phones = phones_of(list("pʰa→n ɑː,"), [1, 1, 4, 2, 2, 1, 2, 2, 3], before=0)
    assert [phone.symbol for phone in phones] == ["p", "ʰ", "a", "n", "ɑ", ""]
    assert [phone.end for phone in phones] == [
        pytest.approx(each) for each in (0.025, 0.05, 0.2, 0.275, 0.375, 0.45)
    ]
