"""Conditions on numbers as patterns over the bytes of a line."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from navigator_obs.cli.magnitudes import beyond, equal

SIGNS = {
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
}
signs = st.sampled_from(list(SIGNS))
bounds = st.one_of(
    st.integers(-2000, 2000).map(Decimal),
    st.decimals(-1000, 1000, places=3),
    st.floats(1e-9, 1e9).map(lambda number: Decimal(repr(number))),
    st.integers(-(10**25), 10**25).map(Decimal),
)
numbers = st.one_of(
    st.integers(-2000, 2000).map(str),
    st.decimals(-1000, 1000, places=4).map(lambda number: f"{number:f}"),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(1e-9, 1e9).map(lambda number: f"{number:f}"),
    st.integers(-(10**25), 10**25).map(str),
)


def line(number: str) -> bytes:
    return f'{{"level":"INFO","rows":{number},"more":1}}'.encode()


@given(signs, bounds, numbers)
@example("<=", Decimal("0.5"), "0.5")
@example(">", Decimal("0"), "0.0001")
@example(">=", Decimal("999.5"), "1000")
def test_a_number_that_meets_a_condition_is_never_left_out(sign: str, bound: Decimal, number: str):
    """The pattern finds each line whose number is wanted, as it stands and as a double."""
    found = beyond("rows", sign, bound, whole=False)
    holds = SIGNS[sign]
    if found and (holds(Decimal(number), bound) or holds(float(number), float(bound))):
        assert found.search(line(number))


@given(signs, bounds, numbers)
@example(">", Decimal(1), "1.5")
@example(">=", Decimal(0), "-0.4")
@example("<", Decimal(1), "0.5")
def test_a_number_that_meets_a_condition_when_rounded_is_never_left_out(sign: str, bound: Decimal, number: str):
    """The pattern finds each line whose number is wanted once it is a whole one."""
    found = beyond("rows", sign, bound, whole=True)
    if found and SIGNS[sign](round(Decimal(number)), bound):
        assert found.search(line(number))


@given(st.lists(st.integers(-30, 3000), min_size=1, max_size=3), numbers)
def test_a_number_that_is_equal_when_rounded_is_never_left_out(values: list[int], number: str):
    """The pattern finds each line whose number is one of those, once it is a whole one."""
    found = equal("rows", values)
    assert found
    if round(Decimal(number)) in values:
        assert found.search(line(number))


@pytest.mark.parametrize(
    "text", ['"7"', " 7", "NaN", "nan", "-nan", "Infinity", "true", "[7]", "1e-3", "-2E+9", "1.5e3"]
)
@pytest.mark.parametrize("sign", SIGNS)
def test_what_cannot_be_judged_is_let_pass(sign: str, text: str):
    """Text, white space, what is no finite number, and exponents are left to DuckDB."""
    found = beyond("rows", sign, Decimal(50), whole=False)
    assert found
    assert found.search(line(text))
    assert found.search(b'{"rows" : ' + text.encode() + b"}")


@pytest.mark.parametrize(
    ("sign", "bound", "left_out"),
    [
        (">", "100", ["0", "7", "98.9", "-500", "null"]),
        (">", "0", ["0", "-1", "null"]),
        (">=", "0.25", ["0.1", "0.248", "0", "-0.3", "0.0999"]),
        ("<", "0.001", ["0.00101", "0.01", "0.1", "1", "12", "null"]),
        ("<=", "150", ["153", "160", "200", "1500", "null"]),
        ("<", "0", ["0", "0.5", "12"]),
    ],
)
def test_most_of_what_is_not_wanted_is_left_out(sign: str, bound: str, left_out: list[str]):
    """A number that is clearly on the other side, and null, need no parsing."""
    found = beyond("rows", sign, Decimal(bound), whole=False)
    assert found
    assert [number for number in left_out if found.search(line(number))] == []


def test_of_what_nothing_can_be_told_there_is_no_pattern():
    """All but the negative numbers are no help, nor is a key that may be written in other ways."""
    assert beyond("rows", ">", Decimal(-5), whole=True) is None
    assert beyond("größe", ">", Decimal(5), whole=True) is None
    assert beyond("rows", ">", Decimal("1e30"), whole=False) is None
