"""A dead run gets its verdict from whoever meets it first: the next command that looks, or the next run that starts.

The journal is folded by the function that the run itself used, the shares of its workers and the events that it had
staged are taken in, the evidence is weighed (`postmortem`), and the verdict becomes the journal's end record and the
final summary. Only the standard library is imported, and only a run's own user does this: in the folder of another one,
readers derive the status and write nothing. Nothing is written while the run's lock is held.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from ..clock import clock, format_timestamp
from ..config import Config
from ..encoding import from_json, to_json
from ..events.places import is_ours, staging_folders
from . import breadcrumbs, calling, evidence, folder, links, liveness, postmortem, seal
from .clues import Exit, examine, is_alive, laid
from .files import FAULT_NAME, JOURNAL_NAME, SIGNALS_NAME
from .journal import Journal
from .reading import table
from .records import Record, read_run
from .staged import forget_left, left_beside
from .statuses import OPEN
from .summary import Fold

_CLAIM_NAME: Final = ".recovering"
_WITHOUT_FIGURES: Final = frozenset({"start", "plan", "tags", "bind", "signal", "fail", "end"})


def recover(directory: Path, config: Config, exit: Exit | None = None) -> dict[str, Any] | None:  # noqa: A002
    """Finalise the run in *directory* if it is dead; return its final summary, None where there was nothing to do.

    *exit* is how its process ended, where the caller is the parent that knows. Never raises.
    """
    try:
        return _recover(directory, config, exit) if _is_ours(directory) else None
    except OSError:
        # No right to write here, or no room: the next one who comes by may have it.
        return None


def recover_all(runs_dir: Path, config: Config, *, thorough: bool = False) -> Iterator[dict[str, Any]]:
    """Finalise each dead run in *runs_dir*; yield the summaries. What is *thorough* is told at `unfinished`."""
    for directory in unfinished(runs_dir, thorough=thorough):
        found = recover(directory, config)
        if found is not None:
            yield found


def unfinished(runs_dir: Path, *, thorough: bool = False) -> list[Path]:
    """Return the folders of runs that have not ended in order, by the space that each sets aside for its end.

    A *thorough* look reads each summary: a run may have found no room to set aside.
    """
    return [path for path in _folders(runs_dir) if folder.has_reserve(path) or (thorough and _lacks_final(path))]


def _folders(runs_dir: Path) -> list[Path]:
    try:
        with os.scandir(runs_dir) as found:
            return sorted(Path(entry.path) for entry in found if not entry.name.startswith(".") and entry.is_dir())
    except OSError:
        return []


def _lacks_final(directory: Path) -> bool:
    if not (directory / JOURNAL_NAME).exists():
        return False
    summary = folder.read_summary(directory)
    return not (summary and table(summary, "run_metadata").get("final"))


def _is_ours(directory: Path) -> bool:
    """Whether what is written here will be its owner's: a run of another user's must not get files of ours."""
    return not hasattr(os, "geteuid") or directory.stat().st_uid == os.geteuid()


def _recover(directory: Path, config: Config, exit: Exit | None) -> dict[str, Any] | None:  # noqa: A002
    if not _is_dead(directory, exit):
        return None
    with _claimed(directory) as ours:
        # Another one may have been at it until just now.
        if not ours or not _is_dead(directory, exit):
            return None
        calling.call_in(directory, config.file_mode)
        # What it had logged tells when it was last alive.
        with suppress(OSError):
            _recover_staged(directory, config)
        return _concluded(directory, config, exit)


def _is_dead(directory: Path, exit: Exit | None) -> bool:  # noqa: A002
    summary = folder.read_summary(directory)
    if summary and table(summary, "run_metadata").get("final"):
        return False
    if liveness.status_of(directory, summary)["status"] in OPEN:
        return False
    if not (directory / JOURNAL_NAME).exists():
        # A folder without a word: there is nothing to make a summary of.
        return False
    # Its parent is about to know better how it ended.
    return exit is not None or not is_alive(_watcher(directory))


def _watcher(directory: Path) -> int | None:
    return laid(examine(directory).start).get("watched_by")


@contextmanager
def _claimed(directory: Path) -> Iterator[bool]:
    claim = folder.Lock(directory, name=_CLAIM_NAME)
    try:
        yield claim.held
    finally:
        if claim.held:
            (directory / _CLAIM_NAME).unlink(missing_ok=True)
        claim.close()


def _concluded(directory: Path, config: Config, exit: Exit | None) -> dict[str, Any]:  # noqa: A002
    """Write the end record, unless the run has written it itself, and the final summary."""
    fold = _folded(directory)
    folder.release_reserve(directory)
    if not fold.life.end:
        line = to_json(
            _end_record(fold, postmortem.judge(examine(directory, exit)), _log_path(fold.life.start, config))
        )
        _append(directory, line, config)
        fold.add(from_json(line))
    summary = fold.summary()
    sync = config.durability in {"group", "full"}
    folder.write_summary(directory, summary, file_mode=config.file_mode, sync=sync)
    (directory / SIGNALS_NAME).unlink(missing_ok=True)
    evidence.remove_if_empty(directory / FAULT_NAME)
    key = links.key_or_none(config.seal_key_file)
    seal.write(directory, "recovery", key=key, file_mode=config.file_mode, sync=sync)
    return summary


def _folded(directory: Path) -> Fold:
    """All that its records tell; without figures, where something deep in them can't be computed with."""
    fold = Fold()
    for record in read_run(directory):
        fold.add(record)
    try:
        fold.summary()
    except Exception:
        fold = Fold()
        for record in read_run(directory):
            fold.add(record if record["kind"] in _WITHOUT_FIGURES else {**record, "kind": "torn"})
    return fold


def _append(directory: Path, line: bytes, config: Config) -> None:
    path = directory / JOURNAL_NAME
    journal = Journal(path, file_mode=config.file_mode, key=links.key_or_none(config.seal_key_file))
    try:
        # Those of which the journal tells already, a reader passes over.
        for staged in left_beside(path):
            journal.append_line(staged.rstrip(b"\n"))
        if not journal.append_first(line):
            raise OSError(f"the journal in {directory} can't be written to")
    finally:
        journal.close()
    forget_left(path)


def _end_record(fold: Fold, found: postmortem.Finding, log_path: Path) -> dict[str, Any]:
    life = fold.life
    last_time = max(life.last_time, _last_logged(life.start, log_path))
    return {
        "kind": "end",
        "time": format_timestamp(clock.time_ns()),
        "end_time": last_time or None,
        "seconds": life.seconds_by(last_time),
        "status": found.status,
        "status_reason": found.reason,
        "status_confidence": found.confidence,
        "evidence": list(found.evidence),
        "exit_code": found.exit_code,
        "signal": found.signal,
        "recovered_by": {"host": socket.gethostname(), "pid": os.getpid()},
    }


def _last_logged(start: Record, log_path: Path) -> str:
    """When the run's own process logged its last event; empty where the end of the log has none of it."""
    events = breadcrumbs.before({"run_id": start.get("run_id"), "process": start.get("pid")}, log_path)
    told = events[-1].get("timestamp") if events else None
    return told if isinstance(told, str) else ""


def _log_path(start: Record, config: Config) -> Path:
    told = laid(start).get("log_path")
    return Path(str(told)) if told else config.log_path


def _recover_staged(directory: Path, config: Config) -> None:
    """Put into the log what the dead process had acknowledged and not yet written."""
    path = _log_path(examine(directory).start, config)
    if any(map(is_ours, staging_folders(path, config.staging_dir))):
        # Others that read runs do without what it imports.
        from ..events.salvage import recover_log

        recover_log(path, config)
