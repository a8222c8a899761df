"""Chinese with English words in it becomes the symbols of a voice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.talking import chinese_reader, english
from facechain_ext.talking.chinese_reader import ChineseReader


@pytest.fixture
def reader() -> ChineseReader:
    pytest.importorskip("pypinyin", reason="the optional package pypinyin is not installed")
    return ChineseReader()


def without(monkeypatch: pytest.MonkeyPatch, module: object, name: str) -> None:
    missing = replace(getattr(module, name), module="there_is_no_such_module")
    monkeypatch.setattr(module, name, missing)


def test_words_and_marks_stand_apart(reader: ChineseReader) -> None:
    said = reader.sentences("你好，我很高兴。《红楼梦》（上）……真的吗？")
    assert said[0] == "ni↗xau↓, wo↗ xə↓n kau→ɕi↘ŋ."
    assert said[1] == "“xʊ↗ŋlou↗mə↘ŋ” (ʂa↘ŋ)…"
    assert said[2].endswith("ma?")


def test_a_character_is_read_by_its_word(reader: ChineseReader) -> None:
    assert reader.sentences("银行行长在重庆长大") == ["i↗nxa↗ŋ xa↗ŋꭧa↓ŋ ʦai↘ ꭧʰʊ↗ŋʨʰi↘ŋ ꭧa↓ŋta↘"]


def test_numbers_are_read(reader: ChineseReader) -> None:
    (said,) = reader.sentences("5%")
    assert said.replace(" ", "") == "pai↓fə→nꭧɨ→u↓"


def test_abbreviations_need_no_package(
    reader: ChineseReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, english, "HIBARI")
    assert reader.sentences("USB接口") == ["jˈu ˈɛs bˈi ʨje→ kʰou↓"]
    with pytest.raises(InvalidInput, match=r"^The English word 'iPhone' takes .* hibari-tts"):
        reader.sentences("我用iPhone")
    with pytest.raises(InvalidInput, match="hibari-tts"):
        reader.sentences("Hello world.")


def test_english_words_are_read_as_english(reader: ChineseReader) -> None:
    pytest.importorskip("hibari", reason="the optional package hibari-tts is not installed")
    assert reader.sentences("我用iPhone和A组。I have 3 cats.") == [
        "wo↓ jʊ↘ŋ ˈIfˌOn xɤ↗ ˈA ʦu↓.",
        "ˌI hæv θɹˈi kˈæts.",
    ]


def test_a_character_without_a_reading_is_named(reader: ChineseReader) -> None:
    with pytest.raises(InvalidInput, match="how '㐂' is read"):
        reader.sentences("这是㐂字")


def test_the_package_that_reads_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, chinese_reader, "PYPINYIN")
    with pytest.raises(InvalidInput, match="facechain models install pypinyin --yes"):
        ChineseReader().sentences("你好")
