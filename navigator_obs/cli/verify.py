"""`navigator-obs verify`: whether anything was changed in a run's record since it was written."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..config import Config
from ..events.console import wants_colour
from ..history.store import History
from ..outputs.cells import count_of, local_moment
from ..outputs.columns import aligned, one_line, wrapped
from .listing import terminal_width
from .screen import print_json
from .verbs import run_argument, with_config

if TYPE_CHECKING:
    from ..runs.verification import Problem, Verification

_RED, _GREEN, _YELLOW, _PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"
_LOOKS = {"intact": ("✓", _GREEN), "running": ("…", _YELLOW), "unsealed": ("?", _YELLOW), "altered": ("✗", _RED)}
_SHOWN = 50


@click.command("verify")
@run_argument()
@click.option("--key", metavar="FILE", help="The key that the run was recorded with.  [the setting seal_key_file]")
@click.option("--expect", metavar="DIGEST", help="The seal that this run must have, as you have kept it elsewhere.")
@click.option("--artifacts", is_flag=True, help="Read the files that the run has left elsewhere, too.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
@with_config
def command(
    run: str,
    key: str | None,
    expect: str | None,
    artifacts: bool,
    as_json: bool,
    config: Config,
) -> int:
    """Tell whether anything was edited, removed, truncated or reordered in a run's record, and where.

    The exit code is 0 where the record is intact (or of a run that has not ended, consistent so far), 1 where it was
    altered, or has no seal. With --artifacts the files that the run has left outside its folder count as well: outputs,
    backups and checkpoints, each by its last record.
    """
    from ..runs import links
    from ..runs.verification import verify

    entry = History(config.runs_dir).get(run)
    secret = links.read_key(Path(key) if key else config.seal_key_file)
    found = verify(entry.directory, key=secret, expected=expect, artifacts=artifacts)
    if as_json:
        print_json(found.to_dict())
    else:
        print("\n".join(lines(found, entry.name, color=wants_colour(sys.stdout), width=terminal_width())))
    return 0 if found.verdict in {"intact", "running"} else 1


def lines(found: Verification, name: str, *, color: bool = False, width: int | None = None) -> list[str]:
    """Return the verdict and what it stands on; what is a sentence is broken to *width* columns of a terminal."""
    mark, paint = _LOOKS[found.verdict]
    verdict = f"{paint}{mark} {found.verdict}{_PLAIN}" if color else f"{mark} {found.verdict}"
    told = [f"{verdict}  {one_line(name)}  {found.run_id}"]
    if found.problems:
        rows = [_cells(problem) for problem in found.problems[:_SHOWN]]
        told += [f"  {line.rstrip()}" for line in aligned(rows, (False,) * 4)]
    if len(found.problems) > _SHOWN:
        told.append(f"  and {len(found.problems) - _SHOWN} more")
    for line in (*_about_seal(found), *_about_artifacts(found)):
        # A digest that is broken can't be copied.
        told += [f"  {line}"] if width is None or line.startswith("seal ") else wrapped(line, width, "  ")
    return told


def _cells(problem: Problem) -> tuple[str, ...]:
    return tuple(map(one_line, (problem.path, problem.place or "the file", problem.kind, problem.what)))


def _about_artifacts(found: Verification) -> list[str]:
    if found.artifacts is None:
        return []
    lines = [f"{count_of(found.artifacts, 'artifact')} as the run left {'it' if found.artifacts == 1 else 'them'}"]
    if found.unproven:
        lines.append(f"by their size alone, for they have no digest: {one_line(', '.join(found.unproven))}")
    return lines


def _about_seal(found: Verification) -> list[str]:
    if found.seal is None:
        return ["not sealed yet: its links hold so far"] if found.verdict == "running" else []
    by = "by the run itself" if found.sealed_by == "run" else "by whoever found it dead"
    key = f"with the key {found.key_id}" if found.key_id else "without a key"
    files = "1 file" if found.files == 1 else f"{found.files} files"
    lines = [f"seal {found.seal}", f"made {local_moment(found.sealed_at)} {by}, {key}, over {files}"]
    if found.sized:
        lines.append(f"by their size alone, for they are large: {one_line(', '.join(found.sized))}")
    if found.removed:
        lines.append(f"removed on purpose since: {one_line(', '.join(found.removed))}")
    if found.beside:
        lines.append(f"not covered by it: {one_line(', '.join(found.beside))}")
    return lines
