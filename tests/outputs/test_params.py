"""A run's parameters on one line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from navigator_obs.outputs.params import MAX_LENGTH, shown, value


def test_parameters_are_readable():
    """Numbers have their thousands apart, years do not; nothing is `none`; years in a row are a range."""
    params = {"budget": 24_000_000_000.0, "cap": None, "year": 2027, "seed": 42, "rate": 0.1 + 0.2, "on": True}
    assert shown(params) == "budget=24,000,000,000  cap=none  year=2027  seed=42  rate=0.3  on=true"
    assert shown({"years": list(range(2025, 2061))}) == "years=2025-2060"
    assert shown({"years": [2025, 2027, 2030]}) == "years=[2025, 2027, 2030]"
    assert shown({"layers": [1, 2, 3]}) == "layers=[1, 2, 3]"
    assert shown({"plan": {"cap": 1e6, "off": None}}) == "plan={cap: 1,000,000, off: none}"


def test_many_parameters_are_counted():
    """Beyond ten, how many more there are is said; a long value is cut."""
    told = shown({f"p{at}": at for at in range(12)} | {"p0": "x" * 100})
    assert told.endswith("p9=9  … 2 more")
    assert max(map(len, told.split("  "))) == MAX_LENGTH + len("p0=")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=50,
)


@given(anything)
def test_any_value_is_told_harmlessly(given_value: object):
    """Whatever JSON holds is told on one line that drives no terminal."""
    assert shown({"p": given_value}).isprintable()


def test_depth_has_an_end():
    """A value nested a thousand deep is cut, not a crash."""
    nested: object = 1
    for _ in range(5000):
        nested = [nested]
    assert value(nested) == "[[[[…]]]]"
