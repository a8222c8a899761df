"""Numbers as they are said in Chinese."""

from __future__ import annotations

import re

_DIGITS = "零一二三四五六七八九"
_PLACES = ((1000, "千"), (100, "百"), (10, "十"), (1, ""))
_GROUPS = ((10**12, "万亿"), (10**8, "亿"), (10**4, "万"), (1, ""))
_MOST_DIGITS = 16
_TWO = re.compile("(?<![十百零])二(?=[千万亿])")


def read_digits(digits: str, *, telephone: bool = False) -> str:
    """Say digits one by one; on the telephone 1 is yao, which is not taken for 7."""
    said = "".join(_DIGITS[int(digit)] for digit in digits)
    return said.replace("一", "幺") if telephone else said


def read_whole(digits: str) -> str:
    """Say a whole number; one that begins with 0 or has no end is said digit by digit."""
    if len(digits) > _MOST_DIGITS or (digits[0] == "0" and len(digits) > 1):
        return read_digits(digits)
    left, said, gap = int(digits), "", False
    for size, name in _GROUPS:
        group, left = divmod(left, size)
        if group:
            zero = "零" if said and (gap or group < 1000) else ""
            said += zero + _read_group(group) + name
        gap = not group
    said = _TWO.sub("两", said or _DIGITS[0])
    return said[1:] if said.startswith("一十") else said


def read_number(number: str) -> str:
    """Say a number with digits, commas between thousands and a point."""
    whole, _, fraction = number.replace(",", "").partition(".")
    return read_whole(whole) + (f"点{read_digits(fraction)}" if fraction else "")


def _read_group(group: int) -> str:
    """Say 1 to 9999."""
    said, gap = "", False
    for size, name in _PLACES:
        digit, group = divmod(group, size)
        if digit:
            said += ("零" if said and gap else "") + _DIGITS[digit] + name
        gap = not digit
    return said
