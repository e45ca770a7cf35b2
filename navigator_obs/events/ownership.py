"""Whose a piece of code is: the application's, a library's or the toolkit's, by its file and its module."""

from __future__ import annotations

import re
import sys
from typing import Final

_PACKAGE: Final = f"{__package__.partition('.')[0]}."
_DEMO: Final = f"{_PACKAGE}demo"
_LIBRARY_PATHS: Final = ("site-packages", "dist-packages", f"python{sys.version_info.major}.{sys.version_info.minor}")
# What is compiled in (`<frozen importlib…>`) or generated, but for what somebody has typed.
_RECORDED_LIBRARIES: Final = re.compile(
    r"site-packages|dist-packages|[\\/]lib[\\/]python3|[\\/]Lib[\\/]|^<(?!stdin|ipython|string>)|\.px[di]$|\.pyx$"
)


def is_of_toolkit(module: object) -> bool:
    """Return whether a module's name is one of the toolkit's own; its demo is written as an application is."""
    return isinstance(module, str) and module.startswith(_PACKAGE) and not module.startswith(_DEMO)


def is_of_library(file: str) -> bool:
    """Return whether the source *file* is that of this Python or of an installed package."""
    return any(part in file for part in _LIBRARY_PATHS)


def was_of_library(file: str) -> bool:
    r"""Return the same of a *file* that a record names: another Python may have run it, on another system.

    >>> was_of_library("/usr/lib/python3.9/queue.py"), was_of_library(r"C:\plan\rules.py")
    (True, False)
    """
    return _RECORDED_LIBRARIES.search(file) is not None
