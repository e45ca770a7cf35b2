"""What kind of failure it is by what alone had changed: code that worked on other data need not be mended."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from ..events.categories import UNKNOWN
from ..runs.statuses import LIKELY
from .cause import Cause
from .surroundings import COMPUTER, CONFIG, INPUT, PACKAGE, Weighed

_BY_KIND: Final[Mapping[str, str]] = {
    CONFIG: "config",
    INPUT: "data",
    PACKAGE: "environment/dependency",
    COMPUTER: "environment",
}
_MISTAKES: Final = frozenset({"code", UNKNOWN, "database/sql"})
"""What looks like a mistake in the program, wherever that comes from."""
_EMPTY_FILE: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_OTHER_COLUMNS: Final = re.compile(r"KeyError$|BinderException$")


def attributed(found: Sequence[Cause], changed: Sequence[Weighed]) -> list[Cause]:
    """Return the causes, the first one of another category where it looks like a mistake in the program, and since the
    last success only one kind of thing has changed that is not the program.

    Nothing is said where runs failed without that change as well.
    """
    kinds = {one.change.kind for one in changed}
    if not found or len(kinds) != 1 or any(one.failed_without for one in changed):
        return list(found)
    first, *others = found
    [kind] = kinds
    looks = first.category in _MISTAKES or (kind == CONFIG and first.category == "data/format")
    if kind not in _BY_KIND or not first.fingerprint or not looks:
        return list(found)
    known = "" if first.category == UNKNOWN else f"{first.rule}, and "
    rule = f"{known}of all it ran with only {kind} changed"
    category = _of_input(first, changed) if kind == INPUT else _BY_KIND[kind]
    return [replace(first, category=category, confidence=LIKELY, rule=rule), *others]


def _of_input(cause: Cause, changed: Sequence[Weighed]) -> str:
    if any(one.change.now == _EMPTY_FILE for one in changed):
        return "data/missing"
    return "data/schema" if _OTHER_COLUMNS.search(cause.type) else "data"
