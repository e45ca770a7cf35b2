"""The examples in docstrings, which the reference shows, print what they say."""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import navigator_obs as obs

ILLUSTRATIONS = {
    "navigator_obs.history.store": "its examples show runs that somebody else has made",
}
"""Modules whose examples are not run, and why."""


def examples() -> Iterator[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    for found in pkgutil.walk_packages(obs.__path__, "navigator_obs."):
        if found.name.endswith("__main__") or found.name in ILLUSTRATIONS:
            continue
        for example in finder.find(importlib.import_module(found.name), found.name):
            if example.examples:
                yield example


@pytest.mark.parametrize("example", list(examples()), ids=lambda example: example.name.removeprefix("navigator_obs."))
def test_an_example_prints_what_it_says(example: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Each example of a docstring gives the result that stands below it."""
    monkeypatch.chdir(tmp_path)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    report: list[str] = []
    runner.run(example, out=report.append, clear_globs=False)
    assert runner.failures == 0, os.linesep.join(report)
