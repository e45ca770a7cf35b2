"""What a list tells of runs that have ended, kept in SQLite: with ten thousand folders a list need not open each.

The folders are the truth. A row counts only while the files that it was made of are the same by their time of change,
size and inode; any other is read anew. The index may be deleted at any time, and where it can't be used (a read-only
folder, a network file system, a lock that is held too long, a damaged file) the folders are read.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..events.places import NETWORK, file_system
from ..runs.files import ANNOTATIONS_NAME
from .entry import RunEntry, entry_of, fast_parse, from_row, to_row

if TYPE_CHECKING:
    import sqlite3

INDEX_NAME: Final = ".index.sqlite"
# Of the table below: another version is thrown away and made anew.
INDEX_VERSION: Final = 3
_BESIDE: Final = ("", "-wal", "-shm")
_WAIT_SECONDS: Final = 0.25
_PATIENT_SECONDS: Final = 30.0
# A file that was written to this lately may be written to again without a later time of change.
_SETTLED_NS: Final = 2_000_000_000
_COLUMNS: Final = (
    "folder TEXT PRIMARY KEY, stamp TEXT, run_id TEXT, name TEXT, status TEXT, status_reason TEXT, start_time TEXT, "
    "tags TEXT, marks INTEGER, parent TEXT, duration_seconds REAL, errors INTEGER, warnings INTEGER, "
    "years INTEGER, rows REAL, cpus REAL"
)
_TABLE: Final = f"CREATE TABLE IF NOT EXISTS runs ({_COLUMNS}) WITHOUT ROWID"
_INSERT: Final = "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
# Locks and shared memory of these are not to be relied upon.
_SHARED: Final = NETWORK | {"fuse.sshfs"}

Row = tuple[Any, ...]


def entries(runs_dir: Path, folders: Sequence[str], *, keep: bool = True, patient: bool = False) -> Iterator[RunEntry]:
    """Yield the runs in the *folders* of *runs_dir*, by the index where it holds, and *keep* it up to date."""
    # orjson is five times as fast as the standard library, and takes long to import where nothing is to be parsed.
    rows, parse, fresh = read_rows(runs_dir, keep=keep), None, list[Row]()
    for folder in folders:
        path = f"{runs_dir}/{folder}"
        before = time.time_ns()
        stamp, changed_ns = _stamp(path)
        row = rows.pop(folder, None)
        if row is not None and row[1] == stamp:
            yield from_row(path, row)
            continue
        parse = parse or fast_parse()
        entry = entry_of(Path(path), parse)
        if entry is not None:
            yield entry
            if entry.final and changed_ns < before - _SETTLED_NS:
                fresh.append((folder, stamp, *to_row(entry)))
    if keep:
        write_rows(runs_dir, fresh, gone=rows, patient=patient)


def read_rows(runs_dir: Path, *, keep: bool = True) -> dict[str, Row]:
    """Return the rows by folder; none where there is no index or it can't be read. *keep* removes a damaged one."""
    connection = _reader(runs_dir)
    if connection is None:
        return {}
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != INDEX_VERSION:
            return {}
        return {row[0]: row for row in connection.execute("SELECT * FROM runs")}
    except Exception as error:
        if keep:
            _remove_damaged(runs_dir, error)
        return {}
    finally:
        connection.close()


def write_rows(runs_dir: Path, fresh: Sequence[Row], gone: Iterable[str] = (), *, patient: bool = False) -> bool:
    """Add *fresh* rows and drop those of the folders that are *gone*; return whether that was possible.

    Others wait for a moment at most, unless *patient*: what is not written now is read from its folder.
    """
    dropped = [(folder,) for folder in gone]
    if not fresh and not dropped:
        return True
    try:
        connection = _writer(runs_dir, _PATIENT_SECONDS if patient else _WAIT_SECONDS)
    except Exception as error:
        _remove_damaged(runs_dir, error)
        return False
    if connection is None:
        return False
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("DELETE FROM runs WHERE folder = ?", dropped)
        _insert(connection, fresh)
        connection.execute("COMMIT")
        return True
    except Exception as error:
        _remove_damaged(runs_dir, error)
        return False
    finally:
        connection.close()


def _insert(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    try:
        connection.executemany(_INSERT, rows)
    except (OverflowError, UnicodeEncodeError):
        # A foreign summary with a number or a text that SQLite can't hold keeps no other out.
        for row in rows:
            with contextlib.suppress(OverflowError, UnicodeEncodeError):
                connection.execute(_INSERT, row)


def rebuild(runs_dir: Path, folders: Sequence[str]) -> int | None:
    """Make the index anew out of the *folders*; return how many runs there are, None where it can't be written."""
    remove(runs_dir)
    try:
        connection = _writer(runs_dir, _PATIENT_SECONDS)
    except Exception:
        return None
    if connection is None:
        return None
    connection.close()
    return sum(1 for _ in entries(runs_dir, folders, patient=True))


def remove(runs_dir: Path) -> None:
    """Delete the index; nothing is lost but time."""
    for suffix in _BESIDE:
        try:
            os.unlink(runs_dir / f"{INDEX_NAME}{suffix}")
        except OSError:
            continue


def _reader(runs_dir: Path) -> sqlite3.Connection | None:
    path = runs_dir / INDEX_NAME
    if not path.exists() or _is_on_network(runs_dir):
        return None
    try:
        import sqlite3

        if os.access(runs_dir, os.W_OK) and os.access(path, os.W_OK):
            return sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
        if (runs_dir / f"{INDEX_NAME}-wal").exists():
            return None
        # Nobody is writing to it: read without the files beside it, which could not be made here.
        return sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True, timeout=_WAIT_SECONDS)
    except Exception:
        return None


def _writer(runs_dir: Path, wait_seconds: float) -> sqlite3.Connection | None:
    if not os.access(runs_dir, os.W_OK) or _is_on_network(runs_dir):
        return None
    import sqlite3

    path = runs_dir / INDEX_NAME
    # As open to others as the folder is.
    mode = os.stat(runs_dir).st_mode & 0o666
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), mode))
    connection = sqlite3.connect(path, timeout=wait_seconds, isolation_level=None)
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != INDEX_VERSION:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DROP TABLE IF EXISTS runs")
            connection.execute(_TABLE)
            connection.execute(f"PRAGMA user_version={INDEX_VERSION}")
            connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def _remove_damaged(runs_dir: Path, error: Exception) -> None:
    """A file that is no database, or a damaged one, is of no use to anybody; a locked one is."""
    import sqlite3

    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
        remove(runs_dir)


def _stamp(path: str) -> tuple[str, int]:
    """Return what changes when the run's summary or its annotations do, and when that was last."""
    stamp, changed_ns = _stamp_of(f"{path}/summary.json")
    annotations = f"{path}/{ANNOTATIONS_NAME}"
    # Most runs have none, and to be told so by an exception takes twice as long.
    if not os.access(annotations, os.F_OK):
        return stamp + "-", changed_ns
    more, later_ns = _stamp_of(annotations)
    return stamp + more, max(changed_ns, later_ns)


def _stamp_of(path: str) -> tuple[str, int]:
    try:
        found = os.stat(path)
    except OSError:
        return "-", 0
    return f"{found.st_mtime_ns},{found.st_ctime_ns},{found.st_size},{found.st_ino};", found.st_ctime_ns


def _is_on_network(folder: Path) -> bool:
    """Whether other machines may share the file system; False where that can't be told."""
    return file_system(folder) in _SHARED
