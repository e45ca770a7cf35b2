"""What shells are offered for a run, a name, an operation or a word of a few. None of these ever raises."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from ..history.store import RunEntry

_MOST: Final = 200
LAST: Final = ("last", "last-success", "last-failed")
Completer = Callable[[click.Context, click.Parameter, str], list[str]]


def complete_run(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """Return the words for a run, the names and the ids that begin with what was typed."""
    runs = _runs(ctx)
    return _beginning([*LAST, *(run.name for run in runs), *(run.run_id for run in runs[:_MOST])], incomplete)


def complete_name(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """Return the names of runs that begin with what was typed."""
    return _beginning((run.name for run in _runs(ctx)), incomplete)


def complete_tag(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """Return the tags of runs that begin with what was typed."""
    return _beginning((tag for run in _runs(ctx) for tag in run.tags), incomplete)


def complete_operation(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """Return the operations of the last success, by path, that begin with what was typed."""
    last = next((run for run in _runs(ctx) if run.status == "success"), None)
    found = last.summary.get("performance_metrics") if last else None
    return _beginning(found if isinstance(found, dict) else (), incomplete)


def one_of(words: Iterable[str], *, between: str = "") -> Completer:
    """Return what offers one of *words*, or several with *between* them."""
    known = list(words)

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
        before, comma, last = incomplete.rpartition(between) if between else ("", "", incomplete)
        return [before + comma + word for word in _beginning(known, last)]

    return complete


def _runs(ctx: click.Context) -> list[RunEntry]:
    from ..config import resolve
    from ..history.store import History

    given = {**ctx.find_root().params, **{name: value for name, value in ctx.params.items() if value}}
    try:
        config = resolve({"runs_dir": given["runs_dir"]} if given.get("runs_dir") else {})
        return History(config.runs_dir).list()
    except Exception:
        return []


def _beginning(words: Iterable[str], incomplete: str) -> list[str]:
    # A level may be typed in small letters.
    return [word for word in dict.fromkeys(words) if word.casefold().startswith(incomplete.casefold())]
