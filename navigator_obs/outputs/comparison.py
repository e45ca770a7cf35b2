"""What is different between two runs, as sections for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ..history.compare import Comparison
from ..history.finding import Finding
from .cells import Cell, Column, Section, cell

MOST: Final = 20
_TONES: Final = {"worse": "bad", "better": "good"}
_MARKS: Final = {"worse": "▲", "better": "▼"}
_GROUPS: Final = (
    ("Ending", ("status",)),
    ("Errors and warnings", ("error new", "error gone", "error count", "warning new", "warning gone", "warning count")),
    ("Checks", ("check",)),
    ("Results", ("results",)),
    ("Run", ("duration", "memory", "rows", "throughput")),
    ("Operations", ("operation", "operation appeared", "operation vanished", "operation renamed")),
    ("Operations: memory, rows, failures", ("operation memory", "operation rows", "operation failures")),
    ("Configuration and inputs", ("config", "config source", "input")),
    ("Code and packages", ("code", "package")),
    ("Computer", ("computer",)),
)


def sections(found: Comparison, most: int | None = MOST) -> Iterator[Section]:
    """Yield the findings by what they are about, each part ranked; *most* of each, None for all."""
    facts = [("before", found.before), ("after", found.after)]
    if found.unlike:
        scaled = "" if found.scaled_by == "run" else f"; seconds are held against each other by {found.scaled_by}"
        facts.append(("unlike", f"{', '.join(found.unlike)}{scaled}"))
    facts += [("note", f"{text} looked at nothing: the runs do not both have that figure") for text in found.idle]
    if not found.findings:
        facts.append(("", "nothing is different"))
    yield Section(
        "", (Column(""), Column("", flexible=True)), [(cell(label, "dim"), cell(told)) for label, told in facts]
    )
    if found.exceeded:
        yield _section("Thresholds exceeded", found.exceeded, None)
    for title, kinds in _GROUPS:
        yield _section(title, [finding for finding in found.findings if finding.kind in kinds], most)


def _section(title: str, findings: Sequence[Finding], most: int | None) -> Section:
    rows = [finding_row(finding) for finding in findings[:most]]
    more = len(findings) - len(rows)
    return Section(title, (Column(""), Column("", flexible=True)), rows, note=f"{more} more: --all" if more else "")


def finding_row(finding: Finding, tone: str | None = None) -> tuple[Cell, Cell]:
    """Return the mark of a finding and what it says; in another *tone* than its verdict's where that is given."""
    tone = _TONES.get(finding.verdict, "") if tone is None else tone
    return cell(_MARKS.get(finding.verdict, "·"), tone), cell(finding.statement, tone)
