"""Syllables become sounds, with the tones in which they are said."""

from __future__ import annotations

import pytest

from facechain_ext.talking.pinyin import symbols_of
from facechain_ext.talking.tone_changes import spoken_tones

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("syllable", "symbols"),
    [
        ("zhong1", "ꭧʊ→ŋ"),
        ("guo2", "kwo↗"),
        ("ni3", "ni↓"),
        ("shi4", "ʂɨ↘"),
        ("zi5", "ʦɨ"),
        ("ju1", "ʨy→"),
        ("quan2", "ʨʰɥɛ↗n"),
        ("lv4", "ly↘"),
        ("lüe4", "lɥe↘"),
        ("nu3", "nu↓"),
        ("yi1", "i→"),
        ("yuan2", "ɥɛ↗n"),
        ("you3", "jou↓"),
        ("wu3", "u↓"),
        ("wen4", "wə↘n"),
        ("gui4", "kwei↘"),
        ("dun1", "twə→n"),
        ("liu4", "ljou↘"),
        ("bo1", "pwo→"),
        ("er2", "ɚ↗"),
        ("ng4", "ŋ↘"),
        ("rang4", "ɻa↘ŋ"),
        ("xyz1", None),
        ("㐂5", None),
        ("ma", None),
        ("", None),
    ],
)
def test_a_syllable_is_its_sounds(syllable: str, symbols: str | None) -> None:
    assert symbols_of(syllable) == symbols


@pytest.mark.parametrize(
    ("words", "read", "said"),
    [
        ("第一名", "di4 yi4 ming2", "di4 yi1 ming2"),
        ("一 个", "yi1 ge4", "yi2 ge4"),
        ("一 天", "yi1 tian1", "yi4 tian1"),
        ("一百", "yi4 bai3", "yi4 bai3"),
        ("统一", "tong3 yi1", "tong3 yi1"),
        ("等 一 下", "deng3 yi1 xia4", "deng3 yi2 xia4"),
        ("十一 月", "shi2 yi1 yue4", "shi2 yi1 yue4"),
        ("一月 一 日", "yi2 yue4 yi1 ri4", "yi1 yue4 yi1 ri4"),
        ("看一看", "kan4 yi1 kan4", "kan4 yi5 kan4"),
        ("不 去", "bu4 qu4", "bu2 qu4"),
        ("不 来", "bu4 lai2", "bu4 lai2"),
        ("不一样", "bu4 yi1 yang4", "bu4 yi2 yang4"),
        ("展览馆", "zhan3 lan3 guan3", "zhan2 lan2 guan3"),
        ("我 很 好", "wo3 hen3 hao3", "wo3 hen2 hao3"),
        ("你好 老板", "ni3 hao3 lao3 ban3", "ni2 hao3 lao2 ban3"),
    ],
)
def test_tones_change_by_what_follows(words: str, read: str, said: str) -> None:
    assert spoken_tones(words.split(), read.split()) == said.split()
