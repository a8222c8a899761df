"""The voices there are, what each reads, and what it takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.config import TalkConfig
from facechain_ext.config.setting import settings_of
from facechain_ext.talking.scripts import CHINESE, ENGLISH, LANGUAGES, Language, check_speakable
from facechain_ext.talking.voices import VOICES, find_voice


def test_every_voice_can_be_chosen_and_reads_a_language() -> None:
    assert settings_of(TalkConfig)["voice"].choices == tuple(VOICES)
    assert {voice for language in LANGUAGES for voice in language.voices} == {
        name for name, offer in VOICES.items() if not offer.online
    }
    told = settings_of(TalkConfig)["voice"].help
    assert all(name in told for name in VOICES)


@pytest.mark.parametrize(
    ("language", "text", "told"),
    [
        (ENGLISH, "Hello 你好", r"reads English; .*'你好'\. Choose the voice xiaobei or yunxi"),
        (ENGLISH, "привет", "Write that in English, or give a recording"),
        (CHINESE, "こんにちは", "reads Chinese and English; .*'こんにちは'. Write that in Chinese"),
        (CHINESE, "안녕 world", "cannot read '안녕'"),
        (CHINESE, "……", "nothing to say"),
        (CHINESE, "好" * 5001, "5,001 characters, about 20 minutes; .* 5,000 where"),
    ],
)
def test_a_script_that_a_voice_does_not_read(language: Language, text: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        check_speakable(text, language)


def test_full_width_letters_and_rare_characters_are_read() -> None:
    check_speakable("ＡＢＣ〇㐂，café", CHINESE)
    check_speakable("ＡＢＣ café", ENGLISH)


def test_what_a_voice_lacks_is_listed(tmp_path: Path) -> None:
    xiaobei = find_voice("xiaobei")
    missing = replace(xiaobei.package, module="there_is_no_such_module")
    lacking = replace(xiaobei, package=missing).lacking(tmp_path)
    assert lacking[0] == "pypinyin" and lacking[-1] == "kokoro"
    there = replace(find_voice("heart").package, module="json")
    assert replace(find_voice("heart"), package=there).lacking(tmp_path) == ()


def test_a_voice_without_its_nets_is_refused_at_once(tmp_path: Path) -> None:
    find_voice("heart").require(tmp_path)
    for name in ("michael", "xiaobei", "yunxi"):
        with pytest.raises(InvalidInput, match=r"facechain models (install|download)"):
            find_voice(name).require(tmp_path)
