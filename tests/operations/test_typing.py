"""What type checkers and editors see of decorated functions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_decorated_functions_keep_their_types(tmp_path):
    """mypy, strict, accepts each right use in tests/typing/operations_api.py and refuses each that is marked wrong."""
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--follow-imports", "silent"),
            *("--cache-dir", str(tmp_path), "tests/typing/operations_api.py"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
