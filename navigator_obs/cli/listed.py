"""The columns that `navigator-obs runs --columns` knows, beyond those that it shows by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..errors import UsageError, close_match
from ..fields import format_count, format_mb, format_seconds
from ..history.store import RunEntry
from ..outputs.cells import local_time, localized
from ..outputs.columns import aligned, one_line, shorten
from ..runs.reading import items, number, table

if TYPE_CHECKING:
    from ..history.marks import Mark

_MAX_WIDTH: Final = 60


class Column(NamedTuple):
    """A column of the list: what it tells of a run, and whether that is aligned to the right."""

    tell: Callable[[RunEntry], str]
    right: bool = False


def lines_with(
    runs: Sequence[RunEntry], names: Sequence[str], marks: Mapping[str, Mark] = MappingProxyType({})
) -> list[str]:
    """Return a title line and one line for each run, with the columns of these *names* (see `COLUMNS`); *marks* are
    what the column `trend` shows, by id.
    """
    trend = Column(lambda run: str(marks.get(run.run_id, "")))
    columns = [trend if name == "trend" else COLUMNS[name] for name in names]
    rows = [
        [name.upper().replace("_", " ") for name in names],
        *([shorten(one_line(column.tell(run)), _MAX_WIDTH) for column in columns] for run in runs),
    ]
    return aligned(rows, [column.right for column in columns])


def checked_columns(given: str) -> tuple[str, ...]:
    """Read ``run,name,tags``; raises UsageError for a column that there is not."""
    names = tuple(part.strip() for part in given.split(",") if part.strip())
    for name in names:
        if name not in COLUMNS:
            raise UsageError(f"column {name!r} must be one of {', '.join(COLUMNS)}{close_match(name, COLUMNS)}")
    if not names:
        raise UsageError(f"--columns needs at least one of {', '.join(COLUMNS)}")
    return names


def _seconds(run: RunEntry) -> str:
    return "" if run.duration_seconds is None else format_seconds(run.duration_seconds)


def _counted(count: object) -> str:
    known = number(count)
    return "" if known is None else format_count(known)


def _told(key: str) -> Callable[[RunEntry], str]:
    def tell(run: RunEntry) -> str:
        value = table(run.head, "run_metadata").get(key)
        return "" if value is None else str(value)

    return tell


def _execution(run: RunEntry) -> Mapping[str, Any]:
    return table(run.head, "execution_summary")


def _checks(run: RunEntry) -> str:
    outcomes = table(_execution(run), "checks")
    bad = sum(int(number(outcomes.get(name)) or 0) for name in ("fail", "error"))
    total = sum(int(number(count) or 0) for count in outcomes.values())
    return "" if not total else f"{bad} of {total} failed" if bad else f"{total} passed"


def _years(run: RunEntry) -> str:
    done, planned = (len(items(_execution(run), f"years_{which}")) for which in ("completed", "planned"))
    return f"{done}/{planned}" if planned else str(done or "")


def _memory(run: RunEntry) -> str:
    peak = number(table(run.summary, "resources").get("peak_memory_mb"))
    return "" if peak is None else format_mb(peak)


def _commit(run: RunEntry) -> str:
    git = table(table(run.head, "environment"), "git")
    return str(git.get("commit") or "")[:10] + ("+" if git.get("dirty") else "")


def _config(run: RunEntry) -> str:
    return str(table(run.head, "configuration").get("fingerprint") or "").removeprefix("sha256:")[:10]


def _marks(run: RunEntry) -> str:
    marks = ((run.pinned, "pinned"), (run.acknowledged, "acknowledged"), (run.baseline, "baseline"))
    return ",".join(word for holds, word in marks if holds)


def _note(run: RunEntry) -> str:
    notes = run.annotations.notes
    return str(notes[-1].get("text", "")) if notes else ""


COLUMNS: Final[Mapping[str, Column]] = {
    "run": Column(lambda run: run.run_id),
    "name": Column(lambda run: run.name),
    "status": Column(lambda run: run.status),
    "started": Column(lambda run: local_time(run.start_time, with_date=True)),
    "duration": Column(_seconds, right=True),
    "errors": Column(lambda run: "?" if run.errors is None else format_count(run.errors), right=True),
    "warnings": Column(lambda run: "?" if run.warnings is None else format_count(run.warnings), right=True),
    "reason": Column(lambda run: localized(" ".join((run.status_reason or "").split()), run.start_time)),
    # Told by the runs beside it: `lines_with` knows.
    "trend": Column(lambda run: ""),  # noqa: ARG005
    "tags": Column(lambda run: ",".join(run.tags)),
    "marks": Column(_marks),
    "note": Column(_note),
    "years": Column(_years, right=True),
    "rows": Column(lambda run: _counted(_execution(run).get("rows")), right=True),
    "operations": Column(lambda run: _counted(_execution(run).get("operations")), right=True),
    "checks": Column(_checks),
    "peak_memory": Column(_memory, right=True),
    "commit": Column(_commit),
    "config": Column(_config),
    "host": Column(_told("host")),
    "user": Column(_told("user")),
    "parent": Column(lambda run: run.parent or ""),
    "attempt": Column(_told("attempt"), right=True),
    "directory": Column(lambda run: run.path),
}
"""By name: what each column tells."""
