"""How the command says what was wrong: one line on stderr, exit code 2."""

from __future__ import annotations

import sys
from typing import Final

PROGRAM: Final = "navigator-obs"
WRONG_USE: Final = 2


def complain(error: object) -> int:
    """Say on stderr, in one line, what was wrong; return the exit code for it."""
    from ..outputs.columns import one_line

    print(f"{PROGRAM}: {one_line(' '.join(str(error).split()))}", file=sys.stderr)
    return WRONG_USE
