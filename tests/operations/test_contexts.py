"""Operations and events of one place in the code, in one context after another: what is kept of the last one is never
told of the next.
"""

from __future__ import annotations

import threading

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import navigator_obs as obs
from navigator_obs.events.sites import Site
from navigator_obs.operations.outcomes import Scenes
from navigator_obs.redaction import Redactor

YEARS = st.sampled_from([2025, 2026, True, 1, "2025", 2025.0, None])
CONTEXTS = st.fixed_dictionaries({"year": YEARS}, optional={"path": st.integers(0, 3), "city": st.sampled_from("ab")})
STEPS = st.lists(st.tuples(CONTEXTS, st.sampled_from(["load", "hire"]), st.sampled_from(["end", "never"])), max_size=12)


def step(context, name, log):
    """One operation of one place, with one event in it, in *context*."""
    with obs.context(**context), obs.operation(name, log=log):
        obs.get_logger("planwise").info("at work", n=1)


@given(steps=STEPS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_event_has_the_context_of_its_own_moment(open_run, recorder, steps):
    """Whichever contexts come and come back, and whether or not the operations are logged."""
    before, records_before = len(recorder.events()), len(open_run.logged)
    expected = []
    for context, name, log in steps:
        step(context, name, log)
        expected.append({"message": "at work", "operation_path": name, **context})
        if log == "end":
            expected.append({"message": f"{name} completed", "operation_path": name, **context})
    found = recorder.events()[before:]
    keys = {"message", "operation_path", "year", "path", "city"}
    assert [{key: value for key, value in event.items() if key in keys} for event in found] == expected
    told = [(record.name, record.breakdown, record.scene) for record in open_run.logged[records_before:]]
    assert told == [(name, told_of(context), scene(context)) for context, name, log in steps if log == "end"]


def told_of(context):
    """The breakdown that an operation in *context* has."""
    year = context["year"]
    return {} if year is None else {"year": int(year) if isinstance(year, int) else str(year)}


def scene(context):
    """The scene of an operation that no other of its year is around."""
    return Scenes(Redactor()).of(context, ["year"]) if context["year"] is not None else ""


@given(steps=STEPS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_figures_fall_to_the_year_as_it_is_told(open_run, steps):
    """True and 1 and "1" are told alike where they are told alike, and apart where they are not."""
    open_run.take()
    counts: dict[str, dict[str, int]] = {}
    for context, name, log in steps:
        step(context, name, log)
        for year in told_of(context).values():
            by = counts.setdefault(name, {})
            by[str(year)] = by.get(str(year), 0) + 1
    taken = open_run.take().operations
    found = {
        path: {value: share.count for value, share in stats.by.get("year", {}).items()} for path, stats in taken.items()
    }
    assert {path: by for path, by in found.items() if by} == counts


def test_threads_in_contexts_of_their_own_share_no_word_of_them(open_run, recorder):
    """What threads that run the same operation log at once has the context of each."""
    start = threading.Barrier(6)

    def work(number):
        start.wait()
        for turn in range(200):
            with (
                obs.context(year=2025, worker=number, turn=turn),
                obs.operation("step", log="end" if turn % 3 else "never"),
            ):
                obs.get_logger("planwise").info("at work", mine=number, now=turn)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    own = recorder.events("at work")
    assert len(own) == 6 * 200
    assert all((event["worker"], event["turn"]) == (event["mine"], event["now"]) for event in own)
    ends = [(event["worker"], event["turn"]) for event in recorder.events("step completed")]
    assert sorted(ends) == sorted((number, turn) for number in range(6) for turn in range(200) if turn % 3)


def test_an_event_that_comes_in_between_leaves_the_outer_one_its_context(recorder, monkeypatch):
    """As a signal handler's does that logs from the same place while an event of another context is being made."""
    log = obs.get_logger("planwise")

    def tell(number):
        log.info("told", number=number)

    with obs.context(path=0):
        tell(0)
    comes = iter([True])

    def between(self, name, value):
        """Log from the same place, once, in the middle of the other's way to its line."""
        object.__setattr__(self, name, value)
        if name == "among" and next(comes, False):
            with obs.context(city=2):
                tell(2)

    monkeypatch.setattr(Site, "__setattr__", between, raising=False)
    with obs.context(path=1, year=2025):
        tell(1)
    found = {
        event["number"]: {key: event.get(key) for key in ("path", "year", "city")} for event in recorder.events("told")
    }
    assert found == {
        0: {"path": 0, "year": None, "city": None},
        1: {"path": 1, "year": 2025, "city": None},
        2: {"path": 1, "year": 2025, "city": 2},
    }
