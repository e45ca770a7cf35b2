"""The tree of exceptions, and the help in their messages."""

from __future__ import annotations

import pickle

import pytest

from navigator_obs import errors

KINDS = [
    (errors.UsageError, ValueError),
    (errors.ConfigError, ValueError),
    (errors.RunNotFound, LookupError),
    (errors.MissingExtra, ImportError),
    (errors.CheckFailed, Exception),
]


@pytest.mark.parametrize(("kind", "builtin"), KINDS)
def test_each_is_ours_and_python_s(kind, builtin):
    """Each of our exceptions is caught by our base and by the built-in that it is like, and survives pickling."""
    error = kind("no")
    assert isinstance(error, errors.ObsError)
    assert isinstance(error, builtin)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (kind, "no")


def test_the_docstring_draws_the_tree():
    """Every exception of the module stands in its docstring."""
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, errors.ObsError):
            assert name in errors.__doc__


def test_a_close_match_is_suggested():
    """A near miss gets a suggestion, a far one none."""
    assert errors.close_match("levle", ["level", "console"]) == ", did you mean 'level'?"
    assert errors.close_match("xyz", ["level", "console"]) == ""
