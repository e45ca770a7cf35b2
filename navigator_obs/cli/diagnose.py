"""`navigator-obs diagnose`: why a run failed, in one screen."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any, Final

import click

from ..fields import format_seconds
from ..history.cause import Cause
from ..history.diagnose import Diagnosis, Novelty, diagnose
from ..history.store import History
from ..history.surroundings import Weighed
from ..history.suspects import Suspicion
from ..outputs.columns import one_line, shorten
from .meeting import settled
from .screen import print_json
from .verbs import config_of, places, run_argument

WIDTH: Final = 100
_LABEL: Final = 10
_MAX_CHANGES: Final = 4
_MAX_FOLLOWERS: Final = 2
_MAX_VALUE: Final = 28
# Below a line of a statement or of code, what points at a part of it.
_MARKS: Final = re.compile(r"^[ ~]*\^[ ~^]*$", re.MULTILINE)


@click.command("diagnose")
@run_argument()
@click.option("--json", "as_json", is_flag=True, help="Print the diagnosis as JSON.")
@places
def command(run: str, as_json: bool, log_dir: str | None, runs_dir: str | None) -> int:
    """Say why a run failed, the last one without RUN: cause, novelty, what changed, what is left, what to do.

    Of a run that succeeded, say whether it was slow or looks wrong. The exit code is 1 where there is something to look
    into.
    """
    config = config_of(log_dir=log_dir, runs_dir=runs_dir)
    history = History(config.runs_dir)
    found = diagnose(settled(config, history, run), history)
    if as_json:
        print_json(found.to_dict())
    else:
        print("\n".join(lines_of(found)))
    return 0 if found.is_healthy else 1


def lines_of(found: Diagnosis) -> list[str]:
    """Return the diagnosis as at most 25 lines of at most 100 columns."""
    return [shorten(line, WIDTH) for line in _lines(found)][:25]


def _lines(found: Diagnosis) -> Iterator[str]:
    mark = "✓" if found.is_healthy else "?" if found.status == "success" else "✗"
    head = f"{mark} {one_line(found.name)}  {one_line(found.verdict)}"
    room = WIDTH - len(found.run_id) - 2
    yield f"{head}  {found.run_id}" if len(head) <= room else head
    if len(head) > room:
        yield from _block("run", [found.run_id])
    if found.is_healthy:
        yield from _block("healthy", _healthy(found))
    if found.causes:
        yield from _block("cause", _cause(found.causes[0]))
        yield from _block("then", map(_follower, found.causes[1 : 1 + _MAX_FOLLOWERS]))
    yield from _block("suspect", map(_suspicion, found.suspicions))
    yield from _block("slower", map(_slower, found.slower))
    if found.novelty is not None:
        yield from _block("novelty", [_novelty(found.novelty)])
    if (found.last_success and found.status != "success") or found.changed:
        yield from _block("changed", _changed(found))
    yield from _block("evidence", found.evidence[:3])
    yield from _block("trail", found.trail)
    yield from _block("state", [" · ".join(found.state)] if found.state else [])
    yield from _block("next", found.next[:4])


def _block(label: str, lines: Iterable[str]) -> Iterator[str]:
    # Paths as one would type them in the working directory.
    head, here = label, f"{os.getcwd()}{os.sep}"
    for line in lines:
        shown = one_line(" ".join(_MARKS.sub("", line).split())).replace(here, "")
        for part in textwrap.wrap(shown, WIDTH - _LABEL, max_lines=3, placeholder=" …") or [""]:
            yield f"{head:<{_LABEL}}{part}"
            head = ""


def _healthy(found: Diagnosis) -> Iterator[str]:
    yield "it runs" if found.status == "running" else "it succeeded, and its figures are where they were before"


def _cause(cause: Cause) -> Iterator[str]:
    yield ": ".join(filter(None, [cause.type, cause.message]))
    if cause.printed:
        yield f"it printed: {cause.printed}"
    if cause.said:
        yield f"told as: {cause.said}"
    if cause.place:
        yield f"{cause.place}, in {cause.thread}" if cause.thread else cause.place
    yield from (f"also {line}" for line in cause.also)
    yield f"category {cause.category}, {cause.confidence}: {cause.rule}"
    retry = {"yes": "may well succeed", "no": "does not help", "maybe": "may help"}[cause.retry]
    who = "nobody has to fix it" if cause.fixed_by == "nobody" else f"for the {cause.fixed_by} to fix"
    yield f"{who}; a retry {retry}" + (f"; {cause.count:,} times" if cause.count > 1 else "")


def _follower(cause: Cause) -> str:
    return " ".join(filter(None, [f"{cause.type}:" if cause.type else "", cause.message, f"({cause.category})"]))


def _suspicion(one: Suspicion) -> str:
    if one.value is None or one.usual is None:
        return f"{one.what}" + (f"; it was {_short(one.usual)} in {one.runs} runs" if one.usual is not None else "")
    return f"{one.what}: {_short(one.value)}, and {_short(one.usual)} in {one.runs} runs before"


def _slower(one: Suspicion) -> str:
    gained = (one.value or 0) - (one.usual or 0)
    took, usual = format_seconds(one.value or 0), format_seconds(one.usual or 0)
    return f"{one.what} took {took}, and {usual} before ({format_seconds(gained)} more; {one.runs} runs)"


def _novelty(known: Novelty) -> str:
    if not known.runs:
        return "nothing to compare with: no earlier run of this name"
    if not known.seen:
        return f"new: not seen in the {known.runs} runs before"
    helped = f"; {known.helped} of {known.retries} retries with the same settings succeeded" if known.retries else ""
    return f"seen in {known.seen} of the {known.runs} runs before, the last time in {known.last_run}{helped}"


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
    blame = f"{one.failed} of {one.seen} runs with it failed, {one.failed_without} of {one.seen_without} without"
    return f"{change.kind} {change.name}: {_short(change.before)} → {_short(change.now)} ({blame})"


def _short(value: Any) -> str:
    shown = f"{value:,.6g}" if isinstance(value, float) else str(value)
    return shorten(one_line(shown), _MAX_VALUE)
