"""What a program printed that failed, such as dbt: the end of it, and the line by which it says why.

The output comes with the exception (``CalledProcessError``), or stands in the message that the caller made of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

MAX_PRINTED: Final = 2000
MAX_WHY: Final = 400
MAX_NODES: Final = 3
PRINTED: Final = "it printed: "
"""Begins the note on what a program printed that failed."""
_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")
_CLOCK: Final = re.compile(r"^(?:\d\d:\d\d:\d\d(?:\.\d+)?[ \t]*)?(.*)$", re.MULTILINE)
_NODE: Final = re.compile(
    r"^\s*(?:Failure in|Warning in|\w+ Error in) ((?:unit_)?(?:model|test|seed|snapshot|operation|analysis)) (\S+)"
    r"(?: \((\S+)\))?\s*$"
)
_ALONE: Final = "Encountered an error:"
_KIND: Final = re.compile(r"^\s*\w+ Error(?: in .*)?\s*$")
_AN_ERROR: Final = re.compile(r"error|exception|fail|denied|not found", re.IGNORECASE)


def printed(error: BaseException) -> list[str]:
    """Return the end of what a program printed that failed, on stderr where it did: it says why, the exception not."""
    outputs = _outputs(error)
    return [f"{PRINTED}{outputs[0].strip()[-MAX_PRINTED:]}"] if outputs else []


def _outputs(error: BaseException) -> list[str]:
    """What it printed, on stderr first."""
    told = [getattr(error, name, None) for name in ("stderr", "output")]
    texts = [output.decode("utf-8", "replace") if isinstance(output, bytes) else output for output in told]
    return [output for output in texts if isinstance(output, str) and output.strip()]


def may_quote(message: str) -> bool:
    """Whether *message* may have what dbt printed in it."""
    return "\n" in message and (_ALONE in message or "Failure in " in message or " Error in " in message)


def why(error: BaseException, message: str) -> str:
    r"""Return in one line why the program failed, by its output or by *message*; empty where neither tells.

    >>> why(RuntimeError(), "dbt failed\nFailure in test paid (a.yml)\n  Got 1 result, configured to fail if != 0")
    'test paid (a.yml): Got 1 result, configured to fail if != 0'
    """
    outputs = _outputs(error)
    told = next(filter(None, (_of_dbt(_lines(one)) for one in (*outputs, message) if may_quote(one))), "")
    return (told or (telling_line(_lines(outputs[0])) if outputs else ""))[:MAX_WHY]


def head(message: str) -> str:
    r"""Return *message*, without what dbt printed where it has that in it.

    >>> head("dbt run failed:\nFailure in model a (a.sql)\n  Binder Error: no column")
    'dbt run failed'
    """
    if may_quote(message) and _of_dbt(_lines(message)):
        return message.strip().partition("\n")[0].rstrip(": ")
    return message


def brief(error: BaseException, message: str) -> str:
    """Return *message* with the line that says why in the place of all that dbt printed."""
    told = why(error, message) if may_quote(message) else ""
    return f"{head(message)}: {told}" if told else message


def telling_line(lines: Sequence[str]) -> str:
    """Return the last line with an error in it, else the last one; empty where there is none."""
    told = [line.strip() for line in lines if line.strip()]
    return next((line for line in reversed(told) if _AN_ERROR.search(line)), told[-1] if told else "")


def failed_nodes(error: BaseException, message: str) -> list[str]:
    """Return the models, tests and seeds of dbt that failed, by the exception's output or its *message*."""
    return sorted({node for told in (*_outputs(error), message) if may_quote(told) for node, _ in _nodes(_lines(told))})


def _lines(told: str) -> list[str]:
    return [found[1] for found in _CLOCK.finditer(_COLOURS.sub("", told))]


def _of_dbt(lines: Sequence[str]) -> str:
    found: dict[str, str] = {}
    for node, reason in _nodes(lines):
        found[node] = found.get(node) or reason
    if found:
        shown = [f"{node}: {reason}" if reason else node for node, reason in list(found.items())[:MAX_NODES]]
        return "; ".join(shown) + (f"; and {len(found) - MAX_NODES} more" if len(found) > MAX_NODES else "")
    at = next((at for at, line in enumerate(lines) if line.strip() == _ALONE), None)
    return "" if at is None else _reason(lines[at + 1 :], kind=True)


def _nodes(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each that failed, with the first line that says why."""
    for at, line in enumerate(lines):
        found = _NODE.match(line)
        if found:
            kind, name, path = found.groups()
            yield f"{kind} {name} ({path})" if path else f"{kind} {name}", _reason(lines[at + 1 :])


def _reason(lines: Sequence[str], *, kind: bool = False) -> str:
    """The first line that is more than the kind of an error, which stands before it where that is asked for."""
    before = ""
    for line in lines:
        if _KIND.match(line):
            before = line.strip()
        elif line.strip():
            return f"{before}: {line.strip()}" if kind and before else line.strip()
    return before
