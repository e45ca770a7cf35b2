"""Plain columns: harmless, aligned, cut where they must be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navigator_obs.outputs.columns import aligned, one_line, pad, shorten, shorten_middle, width_of


@given(st.text())
def test_one_line_is_printable_whatever_comes(text: str):
    """No control character, line break, direction mark or lone surrogate gets through."""
    assert one_line(text).isprintable()


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_ordinary_text_stays_as_it_is(text: str):
    """What is harmless is not touched."""
    assert one_line(text) == text


def test_a_narrow_space_stays_a_space():
    """The spaces of French numbers are shown as spaces, not as escapes."""
    assert one_line("1\u202f204\xa0km") == "1 204 km"


@given(st.text(st.sampled_from("abc年デé\u0301"), max_size=12), st.integers(1, 12))
def test_cut_text_is_never_wider_than_asked(text: str, width: int):
    """Wide characters count as two columns when text is cut."""
    assert width_of(shorten(text, width)) <= width
    assert width_of(shorten_middle(text, width)) <= max(width, 1)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("scenarios/simulate/year_simulation", "…/year_simulation"),
        ("year_simulation/price/paths/draw", "…/price/paths/draw"),
        ("one/name_that_is_far_too_long_for_it", "name_that…ng_for_it"),
        ("can't read /var/lib/plan.toml", "can't rea…plan.toml"),
    ],
)
def test_a_path_keeps_its_last_names(text: str, shown: str):
    """A path is cut between names, at its beginning; words with a slash in them are no path."""
    assert shorten_middle(text, 19) == shown


@pytest.mark.parametrize(("text", "width"), [("year", 4), ("年", 2), ("e\u0301", 1)])
def test_widths_are_those_of_a_terminal(text: str, width: int):
    """East Asian characters are two columns wide, combining marks none."""
    assert width_of(text) == width


def test_columns_are_aligned():
    """Text to the left, numbers to the right, no spaces at the end."""
    rows = [("RUN", "N"), ("年", "1"), ("b", "1,000")]
    assert aligned(rows, (False, True)) == ["RUN      N", "年       1", "b    1,000"]
    assert pad("x", 3, right=True) == "  x"
