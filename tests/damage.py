"""Damage to what a file holds, as JSON: other values in its parts, or parts that are gone."""

from __future__ import annotations

import copy

from hypothesis import strategies as st

WRONG = st.sampled_from(
    [None, True, 7, -1, 1.5, 1e308, 10**30, "", "x", "\0", "2025-13-99", [], [1], ["x"], [{}], [[]], {}, {"a": 1}]
)


GONE = object()


def places(value, above=()):
    """The path of each part of a record, the outer ones first."""
    inner = value if isinstance(value, dict) else dict(enumerate(value)) if isinstance(value, list) else {}
    yield from ((*above, key) for key in inner)
    for key, part in inner.items():
        yield from places(part, (*above, key))


def damaged(record, place, wrong):
    """The record with another value at that place, or without it."""
    found = copy.deepcopy(record)
    holder = found
    for key in place[:-1]:
        holder = holder[key]
    if wrong is GONE:
        del holder[place[-1]]
    else:
        holder[place[-1]] = wrong
    return found


def damage(data, document, times=3):
    """The document with up to so many of its parts damaged; those near its top as often as all below them."""
    for _ in range(data.draw(st.integers(1, times))):
        paths = [*places(document)]
        depth = data.draw(st.integers(1, 6))
        paths = [path for path in paths if len(path) <= depth] or paths
        if paths:
            document = damaged(document, data.draw(st.sampled_from(paths)), data.draw(WRONG | st.just(GONE)))
    return document
