"""What differs between two runs, and how far it explains that one failed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from navigator_obs.history.surroundings import ABSENT, Change, changes, weigh


def summary(params=None, packages=None, git=None, inputs=(), **environment):
    return {
        "configuration": {"params": params or {}},
        "environment": {"packages": packages or {}, "git": git, **environment},
        "artifacts": [{"kind": "input", "path": path, "sha256": digest} for path, digest in inputs],
    }


PARAMS = st.dictionaries(
    st.sampled_from("abc"), st.integers(0, 3) | st.dictionaries(st.sampled_from("xy"), st.integers())
)


def test_everything_that_a_run_ran_with_is_held_together():
    """Settings, inputs, code, packages and the computer, each under its name; what is only on one side is told so."""
    old = summary(
        {"plan": {"growth": 0.03}}, {"duckdb": "1.0"}, {"commit": "abc"}, [("census.csv", "1")], python="3.11"
    )
    new = summary({"plan": {"growth": 0.3}}, {"polars": "1.0"}, {"commit": "def"}, [("census.csv", "2")], python="3.12")
    assert changes(old, new) == [
        Change("config", "plan.growth", 0.03, 0.3),
        Change("input", "census.csv", "1", "2"),
        Change("code", "commit", "abc", "def"),
        Change("package", "duckdb", "1.0", ABSENT),
        Change("package", "polars", ABSENT, "1.0"),
        Change("computer", "python", "3.11", "3.12"),
    ]


def test_a_secret_that_changed_is_told_by_its_digest():
    """By the key of one folder; digests of two keys say nothing of each other."""

    def of(digest):
        found = summary({"db": {"password": "[redacted]", "host": "local"}})
        found["configuration"]["redacted_digests"] = {"db.password": digest}
        return found

    assert changes(of("01ab:77"), of("01ab:88")) == [
        Change("config", "db.password", "[redacted] 01ab:77", "[redacted] 01ab:88")
    ]
    assert changes(of("01ab:77"), of("01ab:77")) == []
    assert changes(of("01ab:77"), of("02cd:88")) == []


@given(PARAMS)
def test_a_run_does_not_differ_from_itself(params):
    """Nothing changes where nothing changed."""
    assert changes(summary(params), summary(params)) == []


@given(PARAMS, PARAMS)
def test_both_ways_the_same_things_changed(one, other):
    """Forth and back tell of the same names, with before and now exchanged."""
    forth, back = changes(summary(one), summary(other)), changes(summary(other), summary(one))
    assert [(c.name, c.before, c.now) for c in forth] == [(c.name, c.now, c.before) for c in back]


def test_what_failed_runs_share_explains_more():
    """A change that came with every failure, and never without, stands before one that others survived."""
    bad = summary({"growth": 0.3}, {"duckdb": "2.0"})
    good = summary({"growth": 0.03}, {"duckdb": "1.0"})
    survived = summary({"growth": 0.03}, {"duckdb": "2.0"})
    ranked = weigh(changes(good, bad), [(True, bad), (True, bad), (False, survived), (False, good), (False, good)])
    assert [one.change.name for one in ranked] == ["growth", "duckdb"]
    first = ranked[0]
    assert (first.failed, first.seen, first.failed_without, first.seen_without) == (2, 2, 0, 3)
    assert 1 > first.score > ranked[1].score > -1


def test_of_equals_what_is_changed_on_purpose_comes_first():
    """After a single failure all changes explain it as well: settings are looked at before packages."""
    old, new = summary({"seed": 1}, {"attrs": "1"}), summary({"seed": 2}, {"attrs": "2"})
    assert [one.change.kind for one in weigh(changes(old, new), [(True, new), (False, old)])] == ["config", "package"]


def test_what_git_did_not_tell_has_not_changed():
    """A run that died before git had answered is not said to have other code."""
    clean, unknown = summary(git={"commit": "a", "dirty": False}), summary(git={"commit": "a", "dirty": None})
    assert changes(clean, unknown) == changes(unknown, clean) == []


def test_what_the_error_speaks_of_stands_first():
    """Of changes that explain it as well, the one that is told of; else the kind that such failures come from."""
    old, new = summary({"a": 1}, {"solver": "1"}, {"commit": "x"}), summary({"a": 2}, {}, {"commit": "y"})
    found, past = changes(old, new), [(True, new), (False, old)]
    assert weigh(found, past, "environment/dependency")[0].change.name == "solver"
    assert weigh(found, past, "code", "No module named 'solver'")[0].change.name == "solver"
    assert weigh(found, past, "code")[0].change.kind == "code"
    assert weigh(found, past, "config")[0].change.kind == "config"


def first_of(old, new, category="", told=""):
    return weigh(changes(old, new), [(True, new), (False, old)], category, told)[0].change.name


def test_an_error_speaks_of_a_thing_by_whole_words():
    """A promise is not meant by what was promised, nor a setting of 1.5 by each 1.5 s."""
    old, new = summary({"promise": 1.0}, git={"commit": "x"}), summary({"promise": 1.5}, git={"commit": "y"})
    assert first_of(old, new, "stalled", "no progress, promised every 1.5 s") == "commit"
    assert first_of(old, new, "stalled", "no promise was kept") == "promise"


def test_a_part_of_a_name_will_do():
    """The census is meant where loading it failed, the package where its own code did."""
    old = summary({}, {"solver": "1"}, {"commit": "x"}, [("in/census.csv", "1")])
    new = summary({}, {"solver": "2"}, {"commit": "y"}, [("in/census.csv", "2")])
    assert first_of(old, new, "code", "no birth_date in load_census") == "in/census.csv"
    assert first_of(old, new, "code", "/srv/vendor/solver/__init__.py:3 in balance") == "solver"


def test_an_input_of_another_name_follows_from_the_setting_that_names_it():
    """The setting stands before the file that it leads to."""
    old, new = summary({"census": "census.csv"}), summary({"census": "censsus.csv"}, inputs=[("censsus.csv", None)])
    assert first_of(old, new, "environment/missing_file", 'no files match "censsus.csv"') == "census"


def test_the_larger_change_of_a_number_comes_first():
    """Of two settings, the one that is a hundredfold."""
    old, new = summary({"a": 0.03, "b": 0.02}), summary({"a": 0.031, "b": 2.0})
    assert first_of(old, new, "numeric/overflow") == "b"
    assert first_of(summary({"a": 1.0, "b": 0.02}), summary({"a": 9.0, "b": -0.02})) == "b"


def test_foreign_summaries_are_read_as_far_as_they_go():
    """What is missing, or of another shape, is as good as not there."""
    assert changes({}, {"configuration": 5, "environment": {"packages": []}, "artifacts": "none"}) == []
