"""Conditions on numbers as patterns that find, in the bytes of a log, the lines of events that may meet them.

A pattern leaves out plain numbers whose first digits put them on the other side, and null. All else is let pass: a
number with an exponent, one in quotes, NaN. No line is left out that DuckDB, which reads the value as a BIGINT or as a
DOUBLE, could take for one that is wanted.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Final

PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+")
"""A key that stands in each line as it is, unless the whole line is escaped."""
# So many leading digits tell two numbers apart well enough.
_DIGITS: Final = 3
# By more than that no double is off the number that its text is.
_SLACK: Final = Decimal("1e-9")
# Of more digits a DOUBLE does not keep all.
_LONGEST: Final = 14
_NEGATIVE: Final = r"-\d"
_ZERO: Final = r"0(?:\.0*+(?!\d)|(?![.\d]))"


def beyond(name: str, sign: str, bound: Decimal, *, whole: bool) -> re.Pattern[bytes] | None:
    """Return the pattern of lines whose *name* may be above or below *bound*: *sign* is ``>``, ``>=``, ``<``, ``<=``.

    *whole*: the value is rounded before it is compared. None where nothing can be told from the digits.

    >>> found = beyond("rows", ">", Decimal(150), whole=True)
    >>> [bool(found.search(line)) for line in (b'{"rows":149}', b'{"rows":151}', b'{"rows":"7"}', b'{"rows":null}')]
    [False, True, True, False]
    """
    unwanted = _unwanted_whole(sign, bound) if whole else _unwanted(sign, bound)
    if not unwanted or not PLAIN_NAME.fullmatch(name):
        return None
    # An exponent may make anything of a number.
    return re.compile(rf'"{re.escape(name)}"(?!:(?:(?:{unwanted})[\d.]*+(?![eE])|null))'.encode())


def equal(name: str, values: list[int]) -> re.Pattern[bytes] | None:
    """Return the pattern of lines whose *name*, rounded, may be one of *values*.

    >>> bool(equal("year", [2027]).search(b'{"year":2027.0}'))
    True
    """
    if not PLAIN_NAME.fullmatch(name):
        return None
    numbers = "|".join(number for value in values for number in _rounded_to(value))
    odd = r"[^\d\-n]|n(?!ull)|-(?!\d)|-?[\d.]++[eE]"
    return re.compile(rf'"{re.escape(name)}"(?::(?:{numbers}|{odd})|[^:])'.encode())


def _rounded_to(value: int) -> list[str]:
    if value == 0:
        return [r"-?0(?!\d)"]
    minus, size = "-" if value < 0 else "", abs(value)
    return [rf"{minus}{size}(?!\d)", rf"{minus}{size - 1}\."]


def _unwanted(sign: str, bound: Decimal) -> str:
    if bound == 0:
        return {">": f"{_NEGATIVE}|{_ZERO}", ">=": "", "<": r"\d", "<=": "[1-9]"}[sign]
    slack = abs(bound) * _SLACK
    return _below(bound - slack) if sign[0] == ">" else _above(bound + slack)


def _unwanted_whole(sign: str, bound: Decimal) -> str:
    """What is rounded to *nearest*, the first that is wanted, may be as much as a half below it."""
    if sign[0] == "<":
        return _above(Decimal(math.ceil(bound) - 1 if sign == "<" else math.floor(bound)))
    nearest = math.floor(bound) + 1 if sign == ">" else math.ceil(bound)
    unwanted = _below(Decimal(nearest))
    return rf"(?!{nearest - 1}\.)(?:{unwanted})" if unwanted else ""


def _below(limit: Decimal) -> str:
    """The beginnings of numbers that are below *limit*; empty where that tells too little."""
    if limit <= 0 or abs(limit.adjusted()) > _LONGEST:
        return ""
    zeros, digits = _leading(limit)
    if limit >= 1:
        size = limit.adjusted() + 1
        shorter = rf"\d{{1,{size - 1}}}(?!\d)|" if size > 1 else ""
        return rf"{_NEGATIVE}|{shorter}(?=\d{{{size}}}(?!\d))(?:{_lower(digits)})"
    # Digits that are not there are zeros.
    lower = _lower(digits.rstrip("0"), r"(?!\d)")
    return rf"{_NEGATIVE}|0(?:\.(?:0{{{zeros}}}(?:{lower})|0{{0,{zeros}}}(?!\d))|(?![.\d]))"


def _above(limit: Decimal) -> str:
    """The beginnings of numbers that are above *limit*; empty where that tells too little."""
    if limit <= 0:
        return r"\d" if limit < 0 else "[1-9]"
    if abs(limit.adjusted()) > _LONGEST:
        return ""
    zeros, digits = _leading(limit)
    if limit >= 1:
        size = limit.adjusted() + 1
        return rf"(?=\d{{{size}}})(?:\d{{{size + 1}}}|{_higher(digits)})"
    fewer = rf"0{{0,{zeros - 1}}}[1-9]|" if zeros else ""
    return rf"[1-9]|0\.(?:{fewer}0{{{zeros}}}(?:{_higher(digits)}))"


def _lower(digits: str, ended: str = "") -> str:
    """What begins with lower digits than *digits*, or has *ended* before they have."""
    digit, rest = int(digits[0]), digits[1:]
    lower = [_between(0, digit - 1)] if digit else []
    more = "|".join(filter(None, [ended, _lower(rest, ended)])) if rest else ""
    return "|".join([*lower, *([f"{digit}(?:{more})"] if more else [])]) or "(?!)"


def _higher(digits: str) -> str:
    """What begins with higher digits than *digits*."""
    digit, rest = int(digits[0]), digits[1:]
    higher = [_between(digit + 1, 9)] if digit < 9 else []
    return "|".join([*higher, *([f"{digit}(?:{_higher(rest)})"] if rest else [])]) or "(?!)"


def _between(low: int, high: int) -> str:
    return str(low) if low == high else f"[{low}-{high}]"


def _leading(limit: Decimal) -> tuple[int, str]:
    """Return how many zeros follow the point of a number below 1, and the first digits that are none, cut off."""
    known = _DIGITS if limit < 1 else min(_DIGITS, limit.adjusted() + 1)
    return max(0, -limit.adjusted() - 1), str(int(limit.scaleb(known - 1 - limit.adjusted())))
