"""Chinese as it is typed to Chinese as it is said: dates, times, prices and signs in characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from facechain_ext.talking.chinese_numbers import read_digits, read_number, read_whole

HANZI = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
LATIN = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"

_NUMBER = r"(?<!\d)(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
_SAID = "零一二三四五六七八九十百千万亿"
_MINUS = rf"(?<![{LATIN}\d)%])-\s*"
_MONEY = {"¥": "元", "$": "美元", "€": "欧元", "£": "英镑"}
_UNITS = {
    "km/h": "公里每小时", "m/s": "米每秒", "km2": "平方公里", "m2": "平方米", "m3": "立方米",
    "km": "公里", "cm": "厘米", "mm": "毫米", "m": "米", "kg": "公斤", "mg": "毫克", "g": "克",
    "ml": "毫升", "mL": "毫升", "L": "升", "°C": "摄氏度", "°F": "华氏度", "°": "度",
    "kW": "千瓦", "W": "瓦", "h": "小时", "min": "分钟", "s": "秒",
}  # fmt: skip
_COUNTED = (
    "个|位|名|只|条|张|本|次|天|年(?!级)|周|岁|人|倍|元|块|公里|公斤|米|厘米|斤|升|点|分钟|小时|秒|"
    "件|台|辆|部|种|家|间|座|杯|瓶|碗|双|对|口|句|页|项|篇|首|场|遍|万|亿|千"
)
_SIGNS = {"+": "加", "-": "减", "×": "乘", "*": "乘", "÷": "除以", "=": "等于", ">": "大于"}
_SIGNS |= {"<": "小于", "≥": "大于等于", "≤": "小于等于", "≈": "约等于"}
_SENTENCE = re.compile(rf"(?<=[。！？!?…；;\n])|(?<=\.)(?=[\s{HANZI}])")


def sentences_of(text: str) -> list[str]:
    """Cut a text at the ends of its sentences; those that say nothing are left out."""
    cut = _SENTENCE.split(text)
    return [each.strip() for each in cut if any(letter.isalnum() for letter in each)]


def spell_out(sentence: str) -> str:
    """Return a sentence in which characters stand for all numbers and signs that are said.

    Words in Latin letters stay; a sentence that has no Chinese in it stays as it is.
    """
    plain = unicodedata.normalize("NFKC", sentence).replace("\u2044", "/")
    plain = re.sub(r"\.{3,}", "…", plain)
    if re.search(f"[{LATIN}]", plain) and not re.search(f"[{HANZI}]", plain):
        return plain
    for pattern, said in _RULES:
        plain = pattern.sub(said, plain)
    return plain


def _date(found: re.Match[str]) -> str:
    year, month, day = found.group(1, 3, 4)
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        return found.group()
    return f"{read_digits(year)}年{read_whole(str(int(month)))}月{read_whole(str(int(day)))}日"


def _time(found: re.Match[str]) -> str:
    hour, minute, second = found.groups()
    said = ("两" if int(hour) == 2 else read_whole(str(int(hour)))) + "点"
    if int(minute) or second:
        said += ("零" if minute == "00" else read_whole(minute)) + "分"
    return said + (read_whole(second) + "秒" if second else "")


def _telephone(found: re.Match[str]) -> str:
    return re.sub(r"\d+", lambda run: read_digits(run.group(), telephone=True), found.group())


def _percent(found: re.Match[str]) -> str:
    minus, number, sign = found.groups()
    return ("负" if minus else "") + f"{'百' if sign == '%' else '千'}分之{read_number(number)}"


def _money(found: re.Match[str]) -> str:
    sign, number, size, after = found.groups()
    minus = "负" if number.startswith("-") else ""
    number = number.removeprefix("-")
    number = number.rstrip("0").rstrip(".") if "." in number else number
    amount = "两" if number == "2" else read_number(number)
    return minus + amount + (size or "") + _MONEY[sign or after]


def _degrees(found: re.Match[str]) -> str:
    return f"零下{found.group(1)}"


def _measure(found: re.Match[str]) -> str:
    return f"{found.group(1)}{_UNITS[found.group(2)]}"


def _sign(found: re.Match[str]) -> str:
    return _SIGNS[found.group(1)]


def _version(found: re.Match[str]) -> str:
    return "点".join(read_whole(part) for part in found.group().split("."))


def _rule(
    pattern: str, said: str | Callable[[re.Match[str]], str]
) -> tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]:
    return re.compile(pattern), said


_UNIT = "|".join(re.escape(unit) for unit in _UNITS)
_RULES = (
    _rule(r"(?<!\d)(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?!\d|\.\d)", _date),
    _rule(
        r"(?<!\d)(?:1[1-9]|20)\d\d(?=\s*(?:[-~–—至到]\s*\d{4}\s*)?年)",
        lambda found: read_digits(found.group()),
    ),
    _rule(r"(?<![\d:])([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?(?![\d:])", _time),
    _rule(
        r"(?<![\d.])(?:1[3-9]\d{9}|0\d{2,3}\)?[- ]?\d{7,8}|\d{3,4}-\d{3,4}-\d{4})(?!\d)", _telephone
    ),
    _rule(
        r"(?:电话|手机|拨打|热线|号码|密码|邮编|账号|房间|QQ|微信)[号码为是:,\s]*\d{3,}(?![\d.])",
        _telephone,
    ),
    _rule(rf"{_MINUS}({_NUMBER}\s*(?:°C|摄氏度|°(?!F)|度))", _degrees),
    _rule(rf"({_MINUS})?({_NUMBER})\s*([%‰])", _percent),
    _rule(rf"([¥$€£])\s*(-?{_NUMBER})\s*([万亿])?()", _money),
    _rule(rf"()({_NUMBER})\s*([万亿])?\s*([¥$€£])", _money),
    _rule(rf"({_NUMBER})\s*({_UNIT})(?![{LATIN}\d])", _measure),
    _rule(r"(?<=\d)\s*(-)\s*(?=\d+\s*=)", _sign),
    _rule(rf"(?<=[\d{_SAID}点分秒年月日元度])\s*[-~–—]+\s*(?=[\d{_SAID}]|零下)", "到"),
    _rule(rf"{_MINUS}(?=\d)", "负"),
    _rule(r"±\s*(?=\d)", "正负"),
    _rule(r"(?<!\d)[05-9]0(?=后)", lambda found: read_digits(found.group())),
    _rule(r"(?<!\d)(\d+)/(\d+)(?![\d/])", lambda found: f"{found[2]}分之{found[1]}"),
    _rule(r"(?<=\d)\s*([+×*÷=><≥≤≈])\s*(?=负?\d|$)", _sign),
    _rule(r"(?<=\d)\s*:\s*(?=\d)", "比"),
    _rule(r"(?<!\d)\d+(?:\.\d+){2,}", _version),
    _rule(rf"(?<=[{LATIN}])-?(\d{{3,}})(?![\d.])", lambda found: read_digits(found[1])),
    _rule(rf"(?<![\d.第])2(?=\s*(?:{_COUNTED}))", "两"),
    _rule(_NUMBER, lambda found: read_number(found.group())),
    _rule(r"\s*&\s*", "和"),
    _rule(rf"(?<=[{LATIN}])\s*=\s*", "等于"),
    _rule(r"@", " at "),
)
"""What is said in place of what is written, in this order."""
