"""The public names: all there, all documented, and cheap until they are used."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import navigator_obs as obs

NAMES = {
    "Config",
    "History",
    "ObsError",
    "Run",
    "carry",
    "check",
    "configure",
    "context",
    "count",
    "gauge",
    "get_logger",
    "observe",
    "operation",
    "shutdown",
    "start_run",
    "track",
}


def in_fresh_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_public_names_are_these():
    """The root exports the agreed names and no others."""
    assert set(obs.__all__) == NAMES
    assert set(obs.__all__) <= set(dir(obs))


@pytest.mark.parametrize("name", sorted(NAMES))
def test_each_public_name_resolves_and_is_documented(name: str):
    """Each public name can be had and has a docstring."""
    assert inspect.getdoc(getattr(obs, name))


def test_an_unknown_name_is_an_attribute_error():
    """A name that is not public is refused as by any module."""
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        obs.no_such_name


def test_the_root_alone_imports_no_library():
    """`import navigator_obs` costs nothing until a name is used."""
    code = "import sys, navigator_obs; print(sorted({'structlog', 'orjson', 'psutil'} & set(sys.modules)))"
    assert in_fresh_python(code) == "[]"


def test_the_type_checkers_see_what_runs():
    """The block for type checkers and the table for run time name the same homes."""
    import ast
    from pathlib import Path

    tree = ast.parse(Path(obs.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == obs._HOMES


def test_a_library_may_use_the_toolkit_without_an_application(tmp_path):
    """Nothing is printed or written where nobody configured anything, and nothing raises."""
    code = """
import navigator_obs as obs
log = obs.get_logger("library")
@obs.operation
def load(rows):
    log.info("loading", rows=rows)
    obs.count("rows", rows)
    obs.gauge("size", 1)
    obs.observe("latency_seconds", 0.1)
    with obs.context(year=2025), obs.operation("inner", log=False) as op:
        op.add_rows(rows)
    return obs.check("rows", rows, min=1)
assert load(3) is True
try:
    @obs.operation
    def broken():
        raise KeyError("x")
    broken()
except KeyError:
    pass
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
