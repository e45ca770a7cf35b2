"""What every peer is asked to do: the same messages, fields, context and failure; each event has its own number."""

from __future__ import annotations

from typing import NoReturn

Row = tuple[int, str, str, float, float, bool]
"""The six own fields of one event, in the order of `FIELDS`."""

RUN_ID = "20250818_143022-1a2b3c4d"
CONTEXT = {"scenario": "baseline", "phase": "promotions"}
LOGGER = "planwise.promotions"
FIELDS = ("sequence", "employee", "department", "salary", "increase_percent", "eligible")

INFO = "employee promoted"
BELOW = "employee considered"
ERROR = "promotion failed"
OPERATION = "promote"


class PromotionError(Exception):
    """What goes wrong in the ERROR case."""


def row(sequence: int) -> Row:
    """The own fields of event number `sequence`: some vary from event to event, some repeat, as in a simulation."""
    return (
        sequence,
        f"E{sequence:08d}",
        "Engineering and Operations",
        round(50_000 + sequence * 1.37, 2),
        3.25,
        sequence % 3 == 0,
    )


def rows(start: int, count: int) -> list[Row]:
    """`count` rows, numbered from `start`; made beforehand, so that making them is not measured."""
    return [row(sequence) for sequence in range(start, start + count)]


def fail(sequence: int) -> NoReturn:
    """Raise from six frames down, as an error in a simulation does; the message differs from event to event."""
    _simulate_year(sequence)


def _simulate_year(sequence: int) -> NoReturn:
    _simulate_department(sequence)


def _simulate_department(sequence: int) -> NoReturn:
    _promote_everybody(sequence)


def _promote_everybody(sequence: int) -> NoReturn:
    _promote(sequence)


def _promote(sequence: int) -> NoReturn:
    _new_salary(sequence)


def _new_salary(sequence: int) -> NoReturn:
    raise PromotionError(f"no salary band for employee {sequence}")


FAILURE_MARKS = ("PromotionError", "no salary band for employee {sequence}", "_new_salary")
"""What must be found in the record of an ERROR: type, message and innermost function."""
