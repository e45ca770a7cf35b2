"""The command `navigator-obs`: what every verb shares on the way in and out.

Exit codes: 0, 1 where what was looked at is bad news that the verb was asked to report, 2 for wrong use, 130 after
Ctrl-C. A mistake is one line on stderr.
"""

from __future__ import annotations

import gc
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..errors import ObsError
from .complaint import PROGRAM, complain

INTERRUPTED = 130
_CHEAPEST = ["runs"]
# Done in a moment, with nothing that holds itself: to look for garbage takes a tenth of it.
_SHORT = frozenset({"runs", "show", "sql"})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code. *argv* is that of the process when None."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    _never_fail_on_characters()
    try:
        with warnings.catch_warnings(), _quick(arguments):
            warnings.showwarning = _say_warning  # type: ignore[assignment]
            code = _run(arguments)
        sys.stdout.flush()
        if argv is None and _is_short(arguments):
            # All that is left goes with the process.
            gc.freeze()
        return code
    except BrokenPipeError:
        return _end_quietly()
    except KeyboardInterrupt:
        return INTERRUPTED
    except ObsError as error:
        return complain(error)


def _run(arguments: list[str]) -> int:
    if arguments == _CHEAPEST:
        return _list_runs()
    try:
        from .verbs import run
    except ImportError as error:
        if error.name not in {"click", "rich"}:
            raise
        return complain(f"the command line needs the cli extra: pip install '{PROGRAM}[cli]' ({error})")
    return run(arguments)


def _list_runs() -> int:
    """The list is asked for most, and here has no option to parse: it does without click, which is half its cost."""
    from .listing import print_runs

    return print_runs()


def _is_short(arguments: Sequence[str]) -> bool:
    return bool(arguments) and arguments[0] in _SHORT


@contextmanager
def _quick(arguments: Sequence[str]) -> Iterator[None]:
    """Look for no garbage meanwhile, where that does not pay."""
    if not _is_short(arguments) or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _say_warning(message: Warning | str, *_: Any) -> None:
    complain(message)


def _never_fail_on_characters() -> None:
    """Have a mark that the terminal's encoding lacks shown as a plain one, and what else it lacks as an escape."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is None:
            continue
        if stream.encoding.lower().startswith("utf"):
            reconfigure(errors="backslashreplace")
        else:
            from ..events.glyphs import HANDLER

            reconfigure(errors=HANDLER)


def _end_quietly() -> int:
    """Whoever read our output has seen enough (`| head`); what is still buffered goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return 0
