"""The examples in the docstrings run."""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
from pathlib import Path

import pytest

import navigator_obs

# These import the optional libraries of the `cli` extra at their top.
_WITH_EXTRAS = ("navigator_obs.cli", "navigator_obs.demo", "navigator_obs.__main__")
# Its examples look at a folder of runs that somebody made.
_NEED_RUNS = {"navigator_obs.history.store"}
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(navigator_obs.__path__, "navigator_obs.")
    if not module.name.startswith(_WITH_EXTRAS) and module.name not in _NEED_RUNS
)


@pytest.mark.parametrize("name", ["navigator_obs", *MODULES])
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Each example of the module does what it says, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for key in [key for key in os.environ if key.startswith("NAVIGATOR_OBS_")]:
        monkeypatch.delenv(key)
    module = importlib.import_module(name)
    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed == 0
