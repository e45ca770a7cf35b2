"""What is not installed, or not as the program expects it."""

from __future__ import annotations

import ctypes
import importlib
import importlib.metadata
import locale
import sys
from pathlib import Path

from .case import case


def module(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.py").write_text(text)
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    importlib.invalidate_caches()


@case("environment/dependency", "The library is not installed.", raises="ModuleNotFoundError", says="simulation_engine")
def module_missing(folder: Path) -> None:
    importlib.import_module("simulation_engine")


@case(
    "environment/dependency", "The installed version of the library lacks what the program imports.",
    raises="ImportError", says="cannot import name",
)  # fmt: skip
def name_missing(folder: Path) -> None:
    from json import JSONEncodeError  # noqa: F401


@case(
    "environment/dependency", "A shared library is not installed.", raises="OSError", says="cannot open shared object"
)
def shared_library_missing(folder: Path) -> None:
    ctypes.CDLL("libsolver.so.3")


@case("environment/dependency", "A compiled module is damaged.", raises="ImportError", says="file too short")
def compiled_module_damaged(folder: Path) -> None:
    import importlib.machinery
    import importlib.util

    path = folder / "solver.so"
    path.write_bytes(b"\x7fELF")
    loader = importlib.machinery.ExtensionFileLoader("solver", str(path))
    importlib.util.module_from_spec(importlib.machinery.ModuleSpec("solver", loader, origin=str(path)))


@case(
    "environment/dependency", "A compiled library lacks a function.", raises="AttributeError", says="undefined symbol"
)
def function_missing_in_a_shared_library(folder: Path) -> None:
    ctypes.CDLL(None).simulate_workforce


@case(
    "environment/dependency", "The package is not installed, and the program asks for its version.",
    raises="importlib.metadata.PackageNotFoundError", says="simulation-engine",
)  # fmt: skip
def package_missing(folder: Path) -> None:
    importlib.metadata.version("simulation-engine")


@case(
    "environment/dependency", "A later version of numpy took this name away.",
    raises="AttributeError", says="`np.float_` was removed", needs=("numpy",),
)  # fmt: skip
def name_taken_away(folder: Path) -> None:
    import numpy as np

    np.float_(3.0)  # noqa: NPY201


@case("environment/dependency", "The machine does not have this locale.", raises="locale.Error", says="unsupported")
def locale_missing(folder: Path) -> None:
    locale.setlocale(locale.LC_ALL, "xx_XX.UTF-8")


@case("code", "Two modules import each other.", raises="ImportError", says="partially initialized module")
def modules_in_a_circle(folder: Path) -> None:
    module(folder, "hiring_", "from leaving_ import leave\ndef hire(): pass\n")
    module(folder, "leaving_", "from hiring_ import hire\ndef leave(): pass\n")
    importlib.import_module("hiring_")


@case("code", "A module of the program's own does not compile.", raises="SyntaxError", says="expected ':'")
def module_with_a_syntax_error(folder: Path) -> None:
    module(folder, "scenario_", "def simulate(year)\n    return year\n")
    importlib.import_module("scenario_")


@case("code", "A module of the program's own is indented wrongly.", raises="IndentationError", says="expected an")
def module_indented_wrongly(folder: Path) -> None:
    module(folder, "scenario_too", "def simulate(year):\nreturn year\n")
    importlib.import_module("scenario_too")
