"""Was everything kept? Reads what a peer wrote and holds each event against what the peer was told."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks import workloads

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.peer import Record
    from benchmarks.plan import Plan

EXAMPLES = 3
MESSAGES = {"info": workloads.INFO, "error": workloads.ERROR}


@dataclass(kw_only=True)
class Verdict:
    """Counts of events: told, lost, written twice, written but not as told, never told or below the level."""

    told: int = 0
    lost: int = 0
    doubled: int = 0
    mangled: int = 0
    unexpected: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        """Whether every event was there once, as told, and nothing else."""
        return not (self.lost or self.doubled or self.mangled or self.unexpected)

    def merge(self, other: Verdict) -> None:
        """Add another round's counts."""
        self.told += other.told
        self.lost += other.lost
        self.doubled += other.doubled
        self.mangled += other.mangled
        self.unexpected += other.unexpected
        self.examples = (self.examples + other.examples)[:EXAMPLES]

    def __str__(self) -> str:
        if self.kept:
            return "all"
        counts = {name: getattr(self, name) for name in ("lost", "doubled", "mangled", "unexpected")}
        said = ", ".join(f"{name} {count:,}" for name, count in counts.items() if count)
        return f"{said} of {self.told:,}"


def examine(records: Iterable[Record], plan: Plan, *, caller: bool, levels: bool) -> Verdict:
    """Hold the records of the INFO and ERROR cases against the plan.

    caller: whether module, function and line must be there.  levels: whether the level must be.
    """
    told = {case: plan.numbers(case) for case in MESSAGES}
    verdict = Verdict(told=sum(map(len, told.values())))
    seen: Counter[int] = Counter()
    for record in records:
        number = record.get("sequence")
        case = next((case for case, numbers in told.items() if isinstance(number, int) and number in numbers), None)
        if case is None or not isinstance(number, int):
            verdict.unexpected += 1
            _note(verdict, f"unexpected: {record!r:.300}")
            continue
        seen[number] += 1
        wrong = faults(record, case, number, caller=caller, levels=levels)
        if wrong:
            verdict.mangled += 1
            _note(verdict, f"event {number}: wrong or missing {', '.join(wrong)}")
    verdict.lost = verdict.told - len(seen)
    verdict.doubled = seen.total() - len(seen)
    return verdict


def count(records: Iterable[Record], expected: int) -> Verdict:
    """For records without numbers: were there as many as there should be?"""
    found = sum(1 for _record in records)
    return Verdict(told=expected, lost=max(0, expected - found), unexpected=max(0, found - expected))


def faults(record: Record, case: str, number: int, *, caller: bool, levels: bool) -> list[str]:
    """The keys of a record that are not as told."""
    wanted: dict[str, object] = {"message": MESSAGES[case], "run_id": workloads.RUN_ID, **workloads.CONTEXT}
    wanted |= dict(zip(workloads.FIELDS, workloads.row(number), strict=True))
    wrong = [key for key, value in wanted.items() if record.get(key) != value]
    if not record.get("timestamp"):
        wrong.append("timestamp")
    if levels and str(record.get("level")).upper() != case.upper():
        wrong.append("level")
    if caller:
        wrong += _caller_faults(record, case)
    if case == "error" and not _tells_the_failure(record, number):
        wrong.append("traceback")
    return wrong


def _caller_faults(record: Record, case: str) -> list[str]:
    wrong = [] if record.get("module") else ["module"]
    # Some tell the function's qualified name.
    wrong += [] if str(record.get("function")).rpartition(".")[2] == case else ["function"]
    return wrong + ([] if isinstance(record.get("line"), int) else ["line"])


def _tells_the_failure(record: Record, number: int) -> bool:
    text = repr(record)
    return all(mark.format(sequence=number) in text for mark in workloads.FAILURE_MARKS)


def _note(verdict: Verdict, text: str) -> None:
    if len(verdict.examples) < EXAMPLES:
        verdict.examples.append(text)
