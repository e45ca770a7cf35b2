"""The table of keys, and numbers as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navigator_obs import fields


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"), (0.0000004, "400 ns"), (0.00042, "420 µs"), (0.0042, "4.2 ms"), (0.9994, "999 ms"),
        (0.9996, "1.00 s"), (59.994, "59.99 s"), (59.996, "1m 00s"), (83, "1m 23s"), (3599.6, "1h 00m"),
        (7440, "2h 04m"), (200_000, "2d 07h"), (-83, "-1m 23s"),
    ],
)  # fmt: skip
def test_seconds(seconds, text):
    """A duration shows its two largest units, and rounds into the next one."""
    assert fields.format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("formatter", "number", "text"),
    [
        (fields.format_bytes, 512, "512 B"),
        (fields.format_bytes, 12_345, "12.3 kB"),
        (fields.format_bytes, 4_560_000_000, "4.6 GB"),
        (fields.format_bytes, 5e15, "5000.0 TB"),
        (fields.format_mb, 1.25, "1.2 MB"),
        (fields.format_mb, 425, "425 MB"),
        (fields.format_mb, 12_300, "12.3 GB"),
        (fields.format_count, 12_345, "12,345"),
        (fields.format_percent, 3.14, "3.1%"),
        (fields.format_percent, 42.1, "42%"),
        (fields.format_rate, 12_345, "12,345/s"),
        (fields.format_rate, 0.42, "0.42/s"),
    ],
)
def test_other_units(formatter, number, text):
    """Sizes, counts, shares and rates carry their unit."""
    assert formatter(number) == text


@given(st.floats(-1e12, 1e12))
def test_every_number_has_a_short_text(number):
    """Whatever the number, the text is short."""
    for formatter in (fields.format_seconds, fields.format_bytes, fields.format_mb, fields.format_percent):
        assert len(formatter(number)) < 25


def test_the_unit_is_the_last_word_of_a_name():
    """A field with a unit says it in its name, and each name stands once."""
    every = [*fields.EVENT_FIELDS, *fields.EXCEPTION_FIELDS, *fields.OPERATION_FIELDS, *fields.NOTE_FIELDS]
    for field in every:
        if field.unit in {"s", "MB"}:
            assert field.name.endswith({"s": "_seconds", "MB": "_mb"}[field.unit])
    assert len({field.name for field in fields.EVENT_FIELDS}) == len(fields.EVENT_FIELDS)
    assert "exception" in fields.RESERVED
    assert "operation" not in fields.RESERVED
