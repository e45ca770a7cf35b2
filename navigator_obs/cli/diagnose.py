"""`navigator-obs diagnose`: why a run failed, in one screen."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import click

from ..config import Config
from ..events import categories
from ..fields import format_seconds
from ..history.cause import Cause
from ..history.diagnose import Diagnosis, Novelty, diagnose
from ..history.store import History
from ..history.surroundings import Weighed
from ..history.suspects import LEAST_RUNS, Suspicion
from ..outputs.cells import count_of, joined, local_time, localized
from ..outputs.columns import one_line, shorten, width_of, wrapped
from .meeting import settled
from .screen import print_json
from .verbs import run_argument, with_config

WIDTH: Final = 100
_NARROWEST: Final = 50
_MOST_LINES: Final = 25
_LABEL: Final = 10
_MAX_CHECKS: Final = 3
_TIMES: Final = "times: "
_BY_END: Final = "the run's end"
_MAX_CHANGES: Final = 4
_MAX_FOLLOWERS: Final = 2
_MAX_VALUE: Final = 28
# Below a line of a statement or of code, what points at a part of it.
_MARKS: Final = re.compile(r"^[ ~]*\^[ ~^]*$", re.MULTILINE)


@click.command("diagnose")
@run_argument()
@click.option("--json", "as_json", is_flag=True, help="Print the diagnosis as JSON.")
@with_config
def command(run: str, as_json: bool, config: Config) -> int:
    """Say why a run failed, the last one without RUN: cause, novelty, what changed, what is left, what to do.

    Of a run that succeeded, say whether it was slow or looks wrong. The exit code is 1 where there is something to look
    into.
    """
    history = History(config.runs_dir)
    found = diagnose(settled(config, run), history, config.log_path)
    if as_json:
        print_json(found.to_dict())
    else:
        width = min(shutil.get_terminal_size((WIDTH, 24)).columns, WIDTH)
        print("\n".join(lines_of(found, max(width, _NARROWEST))))
    return 0 if found.is_healthy else 1


def lines_of(found: Diagnosis, width: int = WIDTH) -> list[str]:
    """Return the diagnosis as at most 25 lines, of at most *width* columns but for what must stay in one piece: paths,
    and commands that are to be copied.
    """
    blocks = [*_blocks(found, width)]
    told, asked = [line for block in blocks for line in block], [*_block("next", found.next[:4], width, whole=True)]
    return [*told[: _MOST_LINES - len(asked)], *asked]


def _blocks(found: Diagnosis, width: int) -> Iterator[Iterator[str]]:
    yield _head(found, width)
    for label, lines in _told(found):
        yield _block(label, (localized(line, found.start_time) for line in lines), width)


def _head(found: Diagnosis, width: int) -> Iterator[str]:
    mark = "✓" if found.is_healthy else "?" if found.status in {"success", "running"} else "✗"
    head = f"{mark} {one_line(found.name)}  {one_line(found.verdict)}"
    if width_of(head) + len(found.run_id) + 2 <= width:
        yield f"{head}  {found.run_id}"
        return
    yield from wrapped(head, width, hanging=" " * _LABEL, max_lines=3)
    yield from _block("run", [found.run_id], width)


def _told(found: Diagnosis) -> Iterator[tuple[str, Iterable[str]]]:
    if found.is_healthy:
        yield "healthy" if found.is_judged else "so far", [_known(found)]
    if found.status == "running" and found.reason:
        yield "reason", [found.reason]
    yield "checks", _unmet(found)
    if found.status in {"success", "running"} and found.errors and not found.is_healthy:
        which = found.survived[:_MAX_FOLLOWERS]
        yield "errors", [f"it went on after {count_of(found.errors, 'error')}", *map(_follower, which)]
    if found.status == "success" and not found.is_judged:
        yield "not yet", [_not_judged(found)]
    if found.causes:
        yield "cause", _cause(found.causes[0])
        yield "then", map(_follower, found.causes[1 : 1 + _MAX_FOLLOWERS])
    failed = {check.fingerprint.removeprefix("check:") for check in found.unmet}
    told = {f"check {name} did not pass, as it always did" for name in failed}
    yield "suspect", (_suspicion(one) for one in found.suspicions if one.what not in told)
    yield "slower", map(_slower, found.slower)
    if found.novelty is not None:
        yield "novelty", [_novelty(found.novelty)]
    if (found.last_success and found.causes) or found.changed:
        yield "changed", _changed(found)
    yield "evidence", found.evidence[:3]
    yield "trail", map(_event, found.trail)
    yield "state", [" · ".join(found.state)] if found.state else []


def _block(label: str, lines: Iterable[str], width: int, *, whole: bool = False) -> Iterator[str]:
    """The lines behind their label; each takes up to three of the screen, or one where it must stay *whole*."""
    head, here = label, f"{os.getcwd()}{os.sep}"
    for line in lines:
        # Paths as one would type them in the working directory.
        shown = one_line(" ".join(_MARKS.sub("", line).split())).replace(here, "")
        for part in [shown] if whole else wrapped(shown, width - _LABEL, hanging="", max_lines=3) or [""]:
            yield f"{head:<{_LABEL}}{part}"
            head = ""


def _known(found: Diagnosis) -> str:
    if found.status == "running":
        logged = joined(
            [
                count_of(found.errors, "error"),
                count_of(found.warnings, "warning"),
                "all checks passed" if found.checked else "",
            ]
        )
        return f"it runs: {logged}"
    if found.is_judged:
        known = f"; {count_of(found.errors, 'error')}, as before" if found.errors else ""
        return f"it succeeded, and its figures are where they were in the {found.compared} runs before{known}"
    return f"it succeeded without errors{', and all its checks passed' if found.checked else ''}"


def _not_judged(found: Diagnosis) -> str:
    there_are = f"there {'is' if found.compared == 1 else 'are'} {found.compared or 'none'}"
    takes = f"that takes {LEAST_RUNS} earlier successes of this name with the same years, and {there_are}"
    return f"whether it was slow, or its figures look wrong: {takes}"


def _unmet(found: Diagnosis) -> Iterator[str]:
    by_name: dict[str, list[Cause]] = {}
    for check in found.unmet:
        by_name.setdefault(check.fingerprint, []).append(check)
    for first, *others in list(by_name.values())[:_MAX_CHECKS]:
        where = " ".join(f"{key} {value}" for key, value in first.context.items())
        yield joined(["did not pass: " + first.message.removeprefix("check "), where, _more(others)])
    if len(by_name) > _MAX_CHECKS:
        yield f"{len(by_name) - _MAX_CHECKS} more did not pass"


def _more(others: Sequence[Cause]) -> str:
    return f"and {len(others):,} more like it" if others else ""


def _event(told: str) -> str:
    """An event of the trail, with its time as the reader's clock showed it."""
    timestamp, _, rest = told.partition(" ")
    return f"{local_time(timestamp)} {rest}".lstrip()


def _cause(cause: Cause) -> Iterator[str]:
    yield ": ".join(filter(None, [cause.type, cause.message]))
    if cause.printed:
        yield f"it printed: {cause.printed}"
    # That its operation failed goes without saying.
    if cause.said and cause.said != f"{cause.operation_path.rpartition('/')[2]} failed":
        yield f"the program said: {cause.said}"
    if cause.place:
        yield f"{cause.place}, in {cause.thread}" if cause.thread else cause.place
    yield from (f"also {line}" for line in cause.also)
    if cause.category == categories.UNKNOWN:
        yield "category unknown: no rule tells whose it is, nor whether a retry helps"
        return
    why = categories.kind(cause.category).meaning if cause.rule.startswith(_BY_END) else cause.rule
    yield f"category {cause.category}, {cause.confidence}: {why}"
    retry = {"yes": "may well succeed", "no": "does not help", "maybe": "may help"}[cause.retry]
    who = "nobody has to fix it" if cause.fixed_by == "nobody" else f"for the {cause.fixed_by} to fix"
    yield f"{who}; a retry {retry}" + (f"; {cause.count:,} times" if cause.count > 1 else "")


def _follower(cause: Cause) -> str:
    return " ".join(filter(None, [f"{cause.type}:" if cause.type else "", cause.message, f"({cause.category})"]))


def _suspicion(one: Suspicion) -> str:
    if one.what.startswith(_TIMES) and one.value is not None and one.usual is not None:
        often = f"{one.value:,.0f} times, and {one.usual:,.0f} in {_runs(one.runs)} before"
        return f"{often}: {one.what.removeprefix(_TIMES)}"
    if one.value is None or one.usual is None:
        return f"{one.what}" + (f"; it was {_short(one.usual)} in {one.runs} runs" if one.usual is not None else "")
    return f"{one.what}: {_short(one.value)}, and {_short(one.usual)} in {_runs(one.runs)} before"


def _slower(one: Suspicion) -> str:
    gained = (one.value or 0) - (one.usual or 0)
    took, usual = format_seconds(one.value or 0), format_seconds(one.usual or 0)
    return f"{one.what} took {took}, and {usual} before ({format_seconds(gained)} more; {one.runs} runs)"


def _novelty(known: Novelty) -> str:
    if not known.runs:
        return "nothing to compare with: no earlier run of this name"
    if not known.seen:
        return f"new: not seen in the {_runs(known.runs)} before"
    helped = f"; {known.helped} of {known.retries} retries with the same settings succeeded" if known.retries else ""
    return f"seen in {known.seen} of the {_runs(known.runs)} before, the last time in {known.last_run}{helped}"


def _runs(count: int) -> str:
    return f"{count} run{'' if count == 1 else 's'}"


def _changed(found: Diagnosis) -> Iterator[str]:
    if not found.last_success:
        yield "no earlier success of this name to compare with"
        return
    if not found.changed:
        yield f"nothing since {found.last_success}, the last success: not the settings, code, packages or computer"
        return
    for one in found.changed[:_MAX_CHANGES]:
        yield _change(one, blamed=found.status != "success")
    more = len(found.changed) - _MAX_CHANGES
    yield f"since {found.last_success}, the last success" + (f"; {more} more changes" if more > 0 else "")


def _change(one: Weighed, *, blamed: bool) -> str:
    change = one.change
    if not blamed:
        return f"{change.kind} {change.name}: {_short(change.before)} → {_short(change.now)}"
    blame = f"{one.failed} of {_runs(one.seen)} with it failed, {one.failed_without} of {one.seen_without} without"
    return f"{change.kind} {change.name}: {_short(change.before)} → {_short(change.now)} ({blame})"


def _short(value: Any) -> str:
    shown = f"{value:,.6g}" if isinstance(value, float) else str(value)
    return shorten(one_line(shown), _MAX_VALUE)
