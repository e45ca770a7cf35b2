"""Values that do what no value should: raise when they are shown, hold themselves, go on for ever."""

from __future__ import annotations

import enum


class Colour(enum.Enum):
    RED = "red"


class Raises:
    def __repr__(self):
        raise RuntimeError("no")


class Recurses:
    def __repr__(self):
        return repr(self)


class ReturnsInt:
    def __repr__(self):
        return 3


class Liar:
    @property
    def __class__(self):
        raise RuntimeError("who knows")


def circular():
    value = {"name": "a"}
    value["self"] = value
    return value


def deep(levels, kind=list):
    value = "bottom"
    for _ in range(levels):
        value = [value] if kind is list else {"in": value}
    return value
