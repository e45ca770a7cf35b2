"""What the variables of failing code held, for people: a line for each function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..fields import cut
from .cells import figure, joined, text

MAX_VALUE: Final = 60
MAX_LINE: Final = 600


def lines(exception: Mapping[str, Any], most: int) -> Iterator[str]:
    """Yield a line for each of the innermost functions, at most so many, of an event's `exception`; none where no
    variables were recorded.

    >>> frame = {"function": "hire", "line": 7, "values": {"year": 2025, "plan": {"<Plan>": {"rate": 0.5}}}}
    >>> list(lines({"locals": [frame]}, 1))
    ['hire:7 with year=2025 · plan=<Plan> {rate=0.5}']
    """
    found = exception.get("locals")
    for frame in found[:most] if isinstance(found, list) else []:
        values = frame.get("values") if isinstance(frame, Mapping) else None
        if isinstance(values, Mapping) and values:
            shown = joined(f"{text(name)}={cut(_shown(value), MAX_VALUE)}" for name, value in values.items())
            yield cut(f"{text(frame.get('function'))}:{text(frame.get('line'))} with {shown}", MAX_LINE)


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        if len(value) == 1 and str(next(iter(value))).startswith("<"):
            [(name, attributes)] = value.items()
            return f"{text(name)} {_shown(attributes)}"
        return f"{{{', '.join(f'{text(name)}={_shown(item)}' for name, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return "none" if value is None else figure(value) if isinstance(value, float) else text(value)
