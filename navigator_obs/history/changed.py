"""What may make two runs differ, as findings: configuration with its sources, inputs, code, packages, computer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..fields import cut
from ..runs.reading import table
from .figures import Summary
from .finding import CHANGED, Finding
from .surroundings import ABSENT, CODE, CONFIG, HIDDEN, KINDS, Change, changes

SOURCE: Final = "config source"
# Below what moved: what a user changes on purpose before what changes by itself.
_RANK: Final[Mapping[str, float]] = {kind: 6.0 - at for at, kind in enumerate(KINDS)}
_NAMES: Final = {"diff": "uncommitted changes"}
_MOST_TEXT: Final = 60
_COMMIT: Final = 10


def changed(before: Summary, after: Summary) -> Iterator[Finding]:
    """Yield a finding for each change of the surroundings, and for each setting that comes from somewhere else.

    >>> was, now = ({"configuration": {"params": {"seed": seed}}} for seed in (1, 2))
    >>> [found.statement for found in changed(was, now)]
    ['seed 1 → 2']
    """
    old, new = table(before, "configuration"), table(after, "configuration")
    sources = table(old, "sources"), table(new, "sources")
    found = changes(before, after)
    names = {change.name for change in found if change.kind == CODE}
    for change in found:
        # What is uncommitted says more than that something is.
        if change.kind == CODE and change.name == "dirty" and "diff" in names:
            continue
        origins = tuple(_source(one, change.name) for one in sources) if change.kind == CONFIG else (None, None)
        yield _finding(change, origins)
    told = {change.name for change in found}
    for key in sorted(sources[0].keys() | sources[1].keys()):
        origins = tuple(_source(one, key) for one in sources)
        if key not in told and origins[0] != origins[1]:
            statement = f"{key} is the same, from {origins[1] or 'nowhere'}, not {origins[0] or 'nowhere'}"
            yield Finding(SOURCE, key, statement, CHANGED, 1.0, {"before": origins[0], "after": origins[1]})
    if old.get("fingerprint") != new.get("fingerprint") and not any(change.kind == CONFIG for change in found):
        statement = "a part of the configuration that is not recorded in clear has changed"
        yield Finding(CONFIG, "fingerprint", statement, CHANGED, _RANK[CONFIG])


def _finding(change: Change, origins: tuple[str | None, ...]) -> Finding:
    values = (change.before, change.now)
    shown = [
        f"{_value(value)}{f' ({origin})' if origin else ''}" for value, origin in zip(values, origins, strict=True)
    ]
    evidence: dict[str, Any] = {"before": change.before, "after": change.now}
    if any(origins):
        evidence["sources"] = list(origins)
    name = _NAMES.get(change.name, change.name) if change.kind == CODE else change.name
    hidden = all(isinstance(value, str) and value.startswith(HIDDEN) for value in values)
    statement = f"{name} is another secret" if hidden else f"{name} {shown[0]} → {shown[1]}"
    return Finding(change.kind, change.name, statement, CHANGED, _RANK[change.kind], evidence)


def _value(value: Any) -> str:
    if value is None or value == ABSENT:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping) and isinstance(value.get("sha256"), str):
        value = value["sha256"]
    text = str(value)
    if len(text) >= 40 and text.isalnum():
        return text[:_COMMIT]
    return cut(text, _MOST_TEXT)


def _source(sources: Mapping[str, Any], key: str) -> str | None:
    found = sources.get(key) or sources.get(key.partition(".")[0])
    return found if isinstance(found, str) else None
