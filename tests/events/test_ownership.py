"""Whose a piece of code is, of the living program and of a record."""

from __future__ import annotations

import queue

import orjson
import pytest

from navigator_obs.events import ownership
from navigator_obs.events.ownership import is_of_library, is_of_toolkit, was_of_library


@pytest.mark.parametrize(("file", "is_library"), [(queue.__file__, True), (orjson.__file__, True), (__file__, False)])
def test_this_pythons_own_and_what_is_installed_are_libraries(file, is_library):
    """By the paths of this very process, which a record of it tells alike."""
    assert is_of_library(file) == is_library
    assert was_of_library(file) == is_library


@pytest.mark.parametrize(
    ("file", "is_library"),
    [
        ("/opt/python/lib/python3.13/json/decoder.py", True),
        (r"C:\Python312\Lib\json\decoder.py", True),
        ("/srv/plan/lib/rules.py", False),
        ("/srv/plan/library.py", False),
        ("<frozen importlib._bootstrap>", True),
        ("<__array_function__ internals>", True),
        ("<string>", False),
        ("<stdin>", False),
        ("<ipython-input-3-5d1c>", False),
        ("pandas/_libs/hashtable_class_helper.pxi", True),
        ("duckdb/lib.pyx", True),
    ],
)
def test_a_record_may_be_of_another_python_and_system(file, is_library):
    """What somebody has typed, at a prompt or behind `python -c`, is the application's."""
    assert was_of_library(file) == is_library


@pytest.mark.parametrize(
    ("module", "is_ours"),
    [
        (ownership.__name__, True),
        ("navigator_obs.demo.workforce", False),
        ("navigator_obs_plugin.rules", False),
        ("planwise.rules", False),
        ("__main__", False),
        (None, False),
    ],
)
def test_the_toolkit_is_known_by_its_modules(module, is_ours):
    """Its demo is an application; code without a module is not the toolkit's."""
    assert is_of_toolkit(module) == is_ours
