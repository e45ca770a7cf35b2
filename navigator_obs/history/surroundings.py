"""What a run ran with: its settings, inputs, code, packages and computer, flat, so that two can be held together."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from ..runs.reading import number, table, tables

CONFIG, INPUT, CODE, PACKAGE, COMPUTER = "config", "input", "code", "package", "computer"
KINDS: Final = (CONFIG, INPUT, CODE, PACKAGE, COMPUTER)
"""From what a user changes most often, and on purpose, to what changes by itself."""
_COMPUTER: Final = ("python", "implementation", "platform", "cpus", "memory_mb", "memory_limit_mb", "timezone")
ABSENT: Final = "(none)"
MISSING: Final = "(missing)"
"""Of an input that was not there."""
HIDDEN: Final = "[redacted] "
"""Stands before the digest of a value that is not shown."""
_SAYING_NOTHING: Final = frozenset({ABSENT, MISSING, "None", "True", "False"})
_COMMON: Final = frozenset(
    {
        "error",
        "exception",
        "file",
        "files",
        "path",
        "data",
        "input",
        "inputs",
        "output",
        "year",
        "years",
        "rate",
        "rates",
    }
    | {"failed", "simulation", "name", "value", "type", "python", "first", "last", "number", "line", "json", "parquet"}
)


class Change(NamedTuple):
    """One thing that is not as it was; `before` and `now` are plain values, `ABSENT` where there is none."""

    kind: str
    name: str
    before: Any
    now: Any


def surroundings(summary: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    """Return what is known of a run's surroundings: ``{(kind, name): value}``."""
    return dict(_facts(summary))


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    """Return what differs between two summaries, in the order of `KINDS`.

    >>> one, other = ({"configuration": {"params": {"growth": growth}}} for growth in (0.03, 0.3))
    >>> changes(one, other)
    [Change(kind='config', name='growth', before=0.03, now=0.3)]
    """
    old, new = surroundings(before), surroundings(now)
    names = sorted({*old, *new}, key=lambda key: (KINDS.index(key[0]), key[1]))
    return [
        Change(kind, name, old.get((kind, name), ABSENT), new.get((kind, name), ABSENT))
        for kind, name in names
        if old.get((kind, name), ABSENT) != new.get((kind, name), ABSENT) and _is_known(kind, name, old, new)
    ]


def _is_known(kind: str, name: str, *both: Mapping[tuple[str, str], Any]) -> bool:
    """Whether both sides tell; git's word on what is uncommitted may not have come before a run died, and secrets of
    two folders of runs have digests by different keys.
    """
    told = [facts.get((kind, name), ABSENT) for facts in both]
    if kind == CONFIG and all(str(value).startswith(HIDDEN) for value in told):
        return len({str(value).partition(":")[0] for value in told}) == 1
    return name != "dirty" or kind != CODE or ABSENT not in told


def _facts(summary: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], Any]]:
    for name, value in _flat(table(summary, "configuration").get("params"), ""):
        yield (CONFIG, name), value
    # In the place of what is not shown: whether it changed can be told.
    for name, digest in table(table(summary, "configuration"), "redacted_digests").items():
        yield (CONFIG, name), f"{HIDDEN}{digest}"
    for artifact in tables(summary, "artifacts"):
        if artifact.get("kind") == INPUT:
            known = artifact.get("sha256") or artifact.get("bytes")
            yield (INPUT, str(artifact.get("path"))), known if known is not None else MISSING
    environment = table(summary, "environment")
    for name, value in table(environment, "git").items():
        # None is what git could not be asked in time, not another state of the code.
        if name in {"commit", "dirty", "diff"} and value is not None:
            yield (CODE, name), value
    for name, value in table(environment, "packages").items():
        yield (PACKAGE, name), value
    for name in _COMPUTER:
        if name in environment:
            yield (COMPUTER, name), environment[name]
    yield (COMPUTER, "host"), table(summary, "run_metadata").get("host")


def _flat(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    elif name:
        yield name, value


_AFFINE: Final[Mapping[str, str]] = {
    "config": CONFIG,
    "numeric": CONFIG,
    "data": INPUT,
    "environment": COMPUTER,
    "environment/dependency": PACKAGE,
    "environment/missing_file": INPUT,
}


class Weighed(NamedTuple):
    """A change, and how far it explains the failures of the past.

    `score` is how much more often runs failed with the new value than without it, from -1 to 1, by Laplace's rule of
    succession, so that a single run proves little; `failed` of `seen` runs with the new value failed, `failed_without`
    of `seen_without` others.
    """

    change: Change
    score: float
    failed: int
    seen: int
    failed_without: int
    seen_without: int


def weigh(
    found: Iterable[Change], past: Iterable[tuple[bool, Mapping[str, Any]]], category: str = "", told: str = ""
) -> list[Weighed]:
    """Rank changes by how well each explains which of the *past* runs failed, best first.

    *past* are pairs of whether the run failed and its summary; the run in question is among them. Of equals, what is
    *told* of in the error comes first, then what failures of this *category* come from, then what a user changes on
    purpose.
    """
    known = [(failed, surroundings(summary)) for failed, summary in past]
    affine = _AFFINE.get(category) or _AFFINE.get(category.partition("/")[0], CODE if category else "")
    words = told.lower()
    tokens = _tokens(words)
    given = list(found)
    settings = " ".join(str(one.now) for one in given if one.kind == CONFIG)

    def rank(one: Weighed) -> tuple[Any, ...]:
        change = one.change
        follows = change.kind == INPUT and change.before == ABSENT and _file(change) in settings
        shared = len(tokens & _tokens(_file(change).lower())) if change.kind != CODE else 0
        return (
            -round(one.score, 3),
            follows,
            not _names(change, words),
            -shared,
            change.kind != affine,
            -_size(change),
            KINDS.index(change.kind),
            change.name,
        )

    return sorted((_weighed(change, known) for change in given), key=rank)


def _file(change: Change) -> str:
    return change.name.rpartition("/")[2]


def _tokens(words: str) -> set[str]:
    """The words, and the parts of names that are made of several, but for those that many names have."""
    return {part for part in re.split(r"[^a-z]+", words) if len(part) > 3} - _COMMON


def _size(change: Change) -> float:
    """How large the change of a number is, as a logarithm of its ratio: a tenfold rate before one that is 2 % off."""
    both = [number(value) for value in (change.before, change.now)]
    if change.kind != CONFIG or both[0] is None or both[1] is None or both[0] == both[1]:
        return 0.0
    least = min(abs(both[0]), abs(both[1]))
    if both[0] * both[1] <= 0 or least == 0:
        return math.inf
    return round(abs(math.log(both[1] / both[0])), 3)


def _names(change: Change, words: str) -> bool:
    """Whether an error's words speak of the thing that changed, or of its value."""
    parts = {change.name, change.name.rpartition(".")[2], _file(change)}
    # A small number stands for many things.
    parts |= {str(change.now)} if isinstance(change.now, str) or len(str(change.now)) > 3 else set()
    told = (re.escape(part.lower()) for part in parts if len(part) > 2 and part not in _SAYING_NOTHING)
    return any(re.search(rf"(?<![\w.]){part}(?!\w)", words) for part in told)


def _weighed(change: Change, known: list[tuple[bool, dict[tuple[str, str], Any]]]) -> Weighed:
    key = (change.kind, change.name)
    having = [failed for failed, facts in known if facts.get(key, ABSENT) == change.now]
    lacking = [failed for failed, facts in known if facts.get(key, ABSENT) != change.now]
    score = (sum(having) + 1) / (len(having) + 2) - (sum(lacking) + 1) / (len(lacking) + 2)
    return Weighed(change, score, sum(having), len(having), sum(lacking), len(lacking))
