"""The house holds its shape: who imports whom, which library is imported where, and what a stage is."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import navigator_obs

PACKAGE = Path(navigator_obs.__file__).parent

# Lowest first; members of one set may not import each other.
LAYERS = (
    {"fields", "errors", "clock", "disabled", "plain"},
    {"redaction", "encoding", "settings"},
    {"config", "overhead"},
    {"events"},
    {"operations"},
    {"runs"},
    {"history"},
    {"outputs", "integrations"},
    {"cli", "assembly"},
)
# What the CLI may use beside the layers: the demo, which stands outside of them like a user.
BESIDE = {("cli", "demo")}
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
# `testing` may import all but the CLI; `disabled` reaches up to silence structlog; the demo stands outside like a user;
# the root resolves names and nothing else.
FREE = {"testing", "disabled", "demo", "__init__", "__main__"}

LIBRARIES = {
    "structlog": ("events/",),
    "orjson": ("encoding.py",),
    "psutil": ("operations/resources.py", "runs/environment.py"),
    "click": ("cli/",),
    "rich": ("cli/", "demo/", "outputs/progress.py"),
    "zstandard": ("events/compression.py",),
    "compression": ("events/compression.py",),
    "yaml": ("runs/paramfile.py",),
    "duckdb": ("cli/", "demo/"),
}
STAGES = ("events", "operations", "runs", "history", "outputs")
READERS = (
    "navigator_obs.history.lineage",
    "navigator_obs.history.pruning",
    "navigator_obs.runs.recovery",
    "navigator_obs.runs.watching",
    "navigator_obs.history.store",
    "navigator_obs.history.reader",
    "navigator_obs.outputs.text",
    "navigator_obs.cli.main",
)


def modules(root: Path) -> list[Path]:
    return sorted(root.rglob("*.py"))


def place(path: Path, root: Path) -> str:
    """The layer that a file belongs to: its folder's name or its own."""
    return path.relative_to(root).parts[0].removesuffix(".py")


def imports(path: Path, root: Path) -> Iterator[str]:
    """Absolute dotted names that a file imports, relative ones resolved, one per imported name."""
    package = ["navigator_obs", *path.relative_to(root).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = [*base, *([node.module] if node.module else [])]
            yield from (".".join([*stem, alias.name]) for alias in node.names)


def against_the_flow(root: Path) -> list[str]:
    """Every import that points right, or sideways where that is not allowed."""
    found = []
    for path in modules(root):
        mine = place(path, root)
        for name in imports(path, root):
            parts = name.split(".")
            if parts[0] != "navigator_obs" or mine in FREE:
                continue
            other = parts[1] if len(parts) > 1 else ""
            if (mine, other) in BESIDE:
                continue
            if other not in RANK:
                found.append(f"{path.name} imports {name}, which is no layer")
            elif other != mine and RANK[other] >= RANK[mine]:
                found.append(f"{mine}/{path.name} imports {other}")
            elif mine == "integrations" and other == "history":
                found.append(f"{path.name} imports history")
    return found


def strangers(root: Path) -> list[str]:
    """Every import of a library outside of the files that may."""
    found = []
    for path in modules(root):
        relative = path.relative_to(root).as_posix()
        for name in imports(path, root):
            allowed = LIBRARIES.get(name.split(".")[0])
            if allowed is not None and not relative.startswith(allowed):
                found.append(f"{relative} imports {name}")
    return found


def unknown_libraries(root: Path) -> list[str]:
    """Every library outside the standard one that the table does not know."""
    known = {*sys.stdlib_module_names, *LIBRARIES, "navigator_obs"}
    return [name for path in modules(root) for name in imports(path, root) if name.split(".")[0] not in known]


def test_imports_point_left():
    """Each stage imports only what stands to its left."""
    assert against_the_flow(PACKAGE) == []


def test_each_library_is_imported_only_where_it_belongs():
    """structlog lives in the events stage, orjson in encoding.py, psutil in two files, the rest in the CLI and the
    demo.
    """
    assert strangers(PACKAGE) == []
    assert unknown_libraries(PACKAGE) == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("events/sinks.py", "from ..runs import run"),
        ("runs/run.py", "from ..outputs import text"),
        ("operations/metrics.py", "from navigator_obs import get_logger"),
        ("outputs/text.py", "from ..integrations import dask"),
        ("integrations/dask.py", "from ..history import store"),
        ("history/store.py", "import navigator_obs.testing"),
        ("config.py", "def late():\n    from .events import scope"),
    ],
)
def test_a_planted_import_against_the_flow_is_found(tmp_path: Path, path: str, line: str):
    """The rule that the other tests rely on does fail where it is broken."""
    planted = tmp_path / path
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_text(f"{line}\n")
    assert against_the_flow(tmp_path)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("runs/run.py", "import structlog"),
        ("cli/runs.py", "from orjson import loads"),
        ("runs/liveness.py", "import psutil"),
    ],
)
def test_a_planted_library_is_found(tmp_path: Path, path: str, line: str):
    """A library outside of its place is found."""
    planted = tmp_path / path
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_text(f"{line}\n")
    assert strangers(tmp_path)


def test_the_package_does_not_import_its_test_helpers():
    """`testing` is for users' tests; the package itself works without it."""
    users = [
        path.name
        for path in modules(PACKAGE)
        if path.name != "testing.py"
        and any(name.startswith("navigator_obs.testing") for name in imports(path, PACKAGE))
    ]
    assert users == []


def test_the_demo_imports_public_names_only():
    """The demo is what users copy, so it has nothing that they have not."""
    for path in modules(PACKAGE / "demo"):
        inner = [name for name in imports(path, PACKAGE) if name.startswith("navigator_obs.")]
        own = [name for name in inner if name.startswith("navigator_obs.demo")]
        assert inner == own, path


@pytest.mark.parametrize("number_and_name", list(enumerate(STAGES, start=1)), ids=STAGES)
def test_each_stage_says_what_it_makes_and_imports_nothing(number_and_name: tuple[int, str]):
    """A stage's `__init__` is one docstring that opens with its number and its arrow."""
    number, name = number_and_name
    body = ast.parse((PACKAGE / name / "__init__.py").read_text(encoding="utf-8"))
    docstring = ast.get_docstring(body)
    assert docstring
    assert docstring.startswith(f"Stage {number}. ")
    assert "→" in docstring.splitlines()[0]
    assert len(body.body) == 1


def test_modules_stay_readable_in_one_sitting():
    """No module is much longer than 350 lines, and no function longer than 60."""
    long_modules = [path.name for path in modules(PACKAGE) if len(path.read_text(encoding="utf-8").splitlines()) > 360]
    long_functions = [
        f"{path.name}:{node.name}"
        for path in modules(PACKAGE)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and length_without_docstring(node) > 60
    ]
    assert (long_modules, long_functions) == ([], [])


def length_without_docstring(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    docstring = ast.get_docstring(node, clean=False)
    return (node.end_lineno or 0) - node.lineno + 1 - (len(docstring.splitlines()) if docstring else 0)


@pytest.mark.parametrize("module", READERS)
def test_readers_do_without_structlog(module: str):
    """Whoever only reads files does not pay for importing structlog, nor for psutil, rich and DuckDB."""
    code = f"import sys, {module}; print(sorted({{'structlog', 'psutil', 'rich', 'duckdb'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
