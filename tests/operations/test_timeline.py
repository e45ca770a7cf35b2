"""The curve of a run: bounded, in order, and with every peak."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from navigator_obs.operations.timeline import Point, Timeline, thinned

MEMORY = st.integers(0, 10_000)


def points(memories):
    return [Point(second, own, children, second * 2) for second, (own, children) in enumerate(memories, start=1)]


@given(st.lists(st.tuples(MEMORY, MEMORY), max_size=300), st.sampled_from([2, 4, 16]))
def test_it_is_bounded_and_keeps_the_highest_moment(memories, most):
    """However many come, at most so many stay, in order; the highest of them, and the last, are told."""
    line = Timeline(most)
    line.extend(points(memories))
    kept = list(line)
    assert len(kept) <= most
    assert [point.seconds for point in kept] == sorted(point.seconds for point in kept)
    if memories:
        assert max(map(sum, memories)) == max(point.memory_mb + point.children_memory_mb for point in kept)
        assert kept[-1].seconds == len(memories)


@given(st.lists(st.tuples(MEMORY, MEMORY), max_size=200))
def test_it_does_not_matter_in_how_many_parts_they_come(memories):
    """A reader who has all at once draws the same curve as the run that got them one by one."""
    whole, parts = Timeline(8), Timeline(8)
    whole.extend(points(memories))
    for point in points(memories):
        parts.extend([point])
    assert whole.columns() == parts.columns()


@given(st.lists(st.tuples(MEMORY, MEMORY), min_size=1, max_size=50), st.integers(1, 9))
def test_thinning_keeps_the_highest_moment(memories, most):
    """What two memories add up to was there at one moment."""
    kept = thinned(points(memories), most)
    assert 1 <= len(kept) <= most
    assert max(point.memory_mb + point.children_memory_mb for point in kept) == max(map(sum, memories))
    assert {(point.memory_mb, point.children_memory_mb) for point in kept} <= set(memories)
