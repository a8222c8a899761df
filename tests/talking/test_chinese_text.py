"""Numbers, dates and signs in Chinese are said as people say them."""

from __future__ import annotations

import time

import pytest

from facechain_ext.talking.chinese_numbers import read_digits, read_number, read_whole
from facechain_ext.talking.chinese_text import sentences_of, spell_out

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("digits", "said"),
    [
        ("0", "零"),
        ("10", "十"),
        ("19", "十九"),
        ("101", "一百零一"),
        ("110", "一百一十"),
        ("1010", "一千零一十"),
        ("2000", "两千"),
        ("10010", "一万零一十"),
        ("22000", "两万两千"),
        ("1020000", "一百零二万"),
        ("100010000", "一亿零一万"),
        ("1000200000000", "一万亿零二亿"),
        ("007", "零零七"),
        ("12345678901234567", "一二三四五六七八九零一二三四五六七"),
    ],
)
def test_whole_numbers(digits: str, said: str) -> None:
    assert read_whole(digits) == said


def test_points_commas_and_telephones() -> None:
    assert read_number("1,234,567.80") == "一百二十三万四千五百六十七点八零"
    assert read_digits("110", telephone=True) == "幺幺零"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("今天是2026年11月29日", "今天是二零二六年十一月二十九日"),
        ("２０２６/1/5见", "二零二六年一月五日见"),
        ("2026-13-45号", "两千零二十六到十三到四十五号"),
        ("一千年前，1000年", "一千年前,一千年"),
        ("下午2:05到14:30", "下午两点零五分到十四点三十分"),
        ("8:00，20:00:15", "八点,二十点零分十五秒"),
        ("增长12.5%，下降-3%", "增长百分之十二点五,下降负百分之三"),
        ("10%-20%，5‰", "百分之十到百分之二十,千分之五"),
        ("¥12.50，$2，€3万", "十二点五元,两美元,三万欧元"),
        ("3-5个人，5~10天", "三到五个人,五到十天"),
        ("13:00-14:00", "十三点到十四点"),
        ("1990-2000年，90后，00后", "一九九零到二零零零年,九零后,零零后"),
        ("¥-5，50€，3万$", "负五元,五十欧元,三万美元"),
        ("(010)12345678，QQ是12345", "(零幺零)幺二三四五六七八,QQ是幺二三四五"),
        ("½杯，±3，x=3吗", "二分之一杯,正负三,x等于三吗"),
        ("2个，第2个，12个，2.5个，2号", "两个,第二个,十二个,二点五个,二号"),
        ("5-3=2，3×4>10", "五减三等于二,三乘四大于十"),
        ("比分3:1，3/4的人", "比分三比一,四分之三的人"),
        ("版本1.2.3", "版本一点二点三"),
        ("电话是13812345678", "电话是幺三八幺二三四五六七八"),
        ("打010-12345678，密码1234", "打零幺零-幺二三四五六七八,密码幺二三四"),
        ("高1.75m，60kg，50㎡，120km/h", "高一点七五米,六十公斤,五十平方米,一百二十公里每小时"),
        ("-5°C到30℃，-2度", "零下五摄氏度到三十摄氏度,零下二度"),
        ("答案是-7", "答案是负七"),
        ("A380、GPT-4、MP3文件", "A三八零、GPT-四、MP三文件"),
        ("R&D部门", "R和D部门"),
        ("I have 3 cats.", "I have 3 cats."),
        ("12345", "一万两千三百四十五"),
    ],
)
def test_what_is_written_is_said(written: str, said: str) -> None:
    assert spell_out(written) == said


def test_the_longest_text_is_quick() -> None:
    for text in ("1" * 20_000, "1-" * 10_000, "1.2" * 6_000, "好" + " -" * 9_999):
        begin = time.process_time()
        spell_out(text)
        assert time.process_time() - begin < 2


def test_sentences_end_where_they_end() -> None:
    text = "你好！我用3.5版。Hello. I am Ana.再见\n……\nv1.0"
    assert sentences_of(text) == ["你好！", "我用3.5版。", "Hello.", "I am Ana.", "再见", "v1.0"]
