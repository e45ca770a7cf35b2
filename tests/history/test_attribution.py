"""What looks like a mistake in the program is none where the program was the same, and something else was not."""

from __future__ import annotations

import pytest

from navigator_obs.history.attribution import attributed
from navigator_obs.history.cause import Cause
from navigator_obs.history.surroundings import Change, Weighed


def cause(category="code", kind="KeyError", fingerprint="a"):
    return Cause(category, "likely", "type LookupError", "'level'", type=kind, fingerprint=fingerprint)


def changed(kind, now="2", failed_without=0):
    return Weighed(Change(kind, "it", "1", now), 0.5, 1, 1, failed_without, 4)


def first(found, *changes):
    return attributed([found], changes)[0].category


@pytest.mark.parametrize(
    ("kind", "category"),
    [
        ("config", "config"),
        ("input", "data/schema"),
        ("package", "environment/dependency"),
        ("computer", "environment"),
        ("code", "code"),
    ],
)
def test_it_is_a_matter_of_what_alone_has_changed(kind: str, category: str):
    """A missing key is one of the data where only these are other ones; the program's where that is another one."""
    assert first(cause(), changed(kind)) == category


def test_an_input_without_a_byte_lacks_its_data():
    """Whatever the program says of it."""
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert first(cause("database/sql", "duckdb.BinderException"), changed("input", empty)) == "data/missing"
    assert first(cause("code", "TypeError"), changed("input")) == "data"


def test_text_where_a_number_belongs_is_a_setting():
    """Where only settings have changed; else it stands in the data."""
    assert first(cause("data/format", "ValueError"), changed("config")) == "config"
    assert first(cause("data/format", "ValueError"), changed("input")) == "data/format"


def test_nothing_is_concluded_from_less():
    """Of two kinds that changed, of failures without the change, of a cause that is plain, and of a run's end."""
    assert first(cause(), changed("config"), changed("input")) == "code"
    assert first(cause(), changed("input", failed_without=1)) == "code"
    assert first(cause("resource/disk"), changed("input")) == "resource/disk"
    assert first(cause("unknown", fingerprint=""), changed("input")) == "unknown"
    assert attributed([], [changed("input")]) == []
    assert first(cause()) == "code"
