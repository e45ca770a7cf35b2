"""How much may be read for digests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import navigator_obs as obs
from navigator_obs.runs import allowance
from navigator_obs.runs.allowance import Allowance


@given(sizes=st.lists(st.integers(0, 60_000_000)), seconds=st.floats(0, 1e6))
def test_no_more_is_read_than_there_is_room(sizes, seconds):
    """What is taken never exceeds the room of that time, and a file is refused only where it would."""
    asked, room = Allowance(lambda: seconds, most=256_000_000), 0
    for size in sizes:
        fits = room + size <= min(256_000_000, max(allowance.LEAST_BYTES, allowance.BYTES_PER_SECOND * seconds))
        assert asked.take(size) is fits
        room += size * fits


def test_the_room_grows_with_time():
    """What was too large at first is read once the run has taken longer."""
    now = [1.0]
    asked = Allowance(lambda: now[0])
    assert not asked.take(40_000_000)
    now[0] = 20.0
    assert asked.take(40_000_000)
    assert not asked.take(1)


@pytest.fixture
def little(monkeypatch):
    """Room for a few bytes in runs of moments."""
    monkeypatch.setattr(allowance, "LEAST_BYTES", 1000)
    monkeypatch.setattr(allowance, "BYTES_PER_SECOND", 1)


def test_artifacts_share_the_room(recorder, tmp_path, little):
    """Once it is used up, artifacts are recorded by their size alone; a small one may still fit."""
    for name, size in {"a": 600, "b": 600, "c": 300}.items():
        (tmp_path / name).write_bytes(b"x" * size)
    with obs.start_run("baseline") as run:
        for name in "abc":
            run.add_artifact(tmp_path / name)
    told = run.summary["artifacts"]
    assert [found["bytes"] for found in told] == [600, 600, 300]
    assert [found["sha256"] is not None for found in told] == [True, False, True]
