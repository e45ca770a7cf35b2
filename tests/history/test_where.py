"""What `--where` means: typed comparison, dotted keys, and a needle that never hides a match."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navigator_obs.encoding import to_json
from navigator_obs.errors import UsageError
from navigator_obs.history.reader import Filter
from navigator_obs.history.where import Condition

EVENT = {
    "year": 2027,
    "label": "2027",
    "rate": 0.25,
    "operation": "year_simulation",
    "ok": True,
    "nothing": None,
    "tags": ["nightly", 7],
    "db.path": "wf.duckdb",
    "exception": {"type": "ValueError", "causes": [{"type": "KeyError"}, {"type": "OSError"}]},
}


@pytest.mark.parametrize(
    "text",
    [
        "year=2027",
        "year=2027.0",
        "label=2027",
        "rate=0.25",
        "rate=2.5e-1",
        "operation=year_simulation",
        'operation="year_simulation"',
        "ok=true",
        "nothing=null",
        "absent=null",
        "tags=nightly",
        "tags=7",
        "db.path=wf.duckdb",
        "exception.type=ValueError",
        "exception.causes.type=OSError",
        "exception.causes.0.type=KeyError",
        "year>2026",
        "year>=2027",
        "year<=2027",
        "year<2028",
        "year!=2026",
        "absent!=1",
        "operation~simul",
        "exception.causes.type~Key",
        " year = 2027 ",
    ],
)
def test_conditions_that_hold(text: str):
    """A value is compared by its type: numbers as numbers, text as text, items of a list one by one."""
    assert Condition.parse(text).holds(EVENT)


@pytest.mark.parametrize(
    "text",
    [
        "year=2026",
        "year=true",
        "ok=1",
        "nothing=0",
        "operation=year",
        "exception.type=KeyError",
        "exception.causes.5.type=KeyError",
        "year>2027",
        "label>2026",
        "ok>0",
        "absent>0",
        "year!=2027",
        "operation~Simul",
        "db=wf.duckdb",
    ],
)
def test_conditions_that_do_not_hold(text: str):
    """A truth value is no number, text has no size, and case matters."""
    assert not Condition.parse(text).holds(EVENT)


@pytest.mark.parametrize("text", ["", "year", "=5", "duration_seconds>fast", "year>"])
def test_wrong_conditions_are_named(text: str):
    """What is no condition is refused by its text, with what is valid."""
    with pytest.raises(UsageError, match="where="):
        Condition.parse(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(event=st.dictionaries(st.sampled_from(["a", "b", "a.b", "run_id"]), json_values, max_size=4), value=json_values)
def test_no_match_is_lost_to_the_search_in_raw_bytes(event: dict, value: object):
    """The quick look for bytes in the raw line gives the same answer as the comparison of parsed values."""
    for sign in ("=", "~", "!="):
        try:
            condition = Condition.parse(f"a{sign}{value}")
        except UsageError:
            continue
        found = Filter.build(run_id=None, level=None, where=[condition]).hit(to_json(event))
        assert (found is not None) == condition.holds(event)


@given(number=st.integers(-(10**16), 10**16), as_float=st.booleans(), nested=st.booleans())
def test_a_whole_number_is_found_however_it_is_written(number: int, as_float: bool, nested: bool):
    """As a whole number or with a fraction of zero, by itself or in a list."""
    value = float(number) if as_float else number
    condition = Condition.parse(f"a={number}")
    event = {"a": [value] if nested else value}
    found = Filter.build(run_id=None, level=None, where=[condition]).hit(to_json(event))
    assert (found is not None) == condition.holds(event)
