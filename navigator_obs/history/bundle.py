"""One archive with all that somebody else needs to understand a run, without its secrets.

What a run recorded was redacted when it was written; it is redacted again here, by the rules and the settings of today.
A file in which nothing had to be replaced is in the archive byte for byte, so that its seal still holds.
"""

from __future__ import annotations

import os
import platform
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final

from ..clock import parse_timestamp
from ..config import SETTINGS, Config
from ..encoding import from_json, to_json, to_json_pretty
from ..errors import UsageError
from ..redaction import Redactor
from .entry import RunEntry
from .reader import read_events

MAX_FILE_BYTES: Final = 100_000_000
_LINES: Final = frozenset({".jsonl"})
_DOCUMENTS: Final = frozenset({".json"})
_TEXTS: Final = frozenset({".log", ".txt", ".md", ".html"})
_IN_MEMORY_BYTES: Final = 4_000_000


@dataclass
class Bundle:
    """What went into the archive: names with their sizes and hashes, and what was left out with the reason."""

    path: Path
    files: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[dict[str, Any]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return the same as plain values."""
        return {"path": str(self.path), "files": self.files, "left_out": self.left_out}


def bundle(entry: RunEntry, config: Config, path: Path, texts: Iterable[tuple[str, str]] = ()) -> Bundle:
    """Write the archive (tar, gzip) of a run to *path*; return what is in it.

    It holds the record files of the run's folder, the run's events out of the shared log, the settings of today with
    their sources, *texts* (name and content) that the caller adds, and a manifest. Data files, such as checkpoints, and
    files above `MAX_FILE_BYTES` are left out and named in the manifest. Raises UsageError where *path* exists or can't
    be written.

    >>> import navigator_obs as obs
    >>> config = obs.configure(console="off", run_report=False)
    >>> with obs.start_run("baseline"):
    ...     pass
    >>> bundle(obs.History().get("last"), config, Path("for-support.tar.gz")).left_out
    []
    """
    made = Bundle(path)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, config.file_mode)
    except OSError as error:
        raise UsageError(f"can't write {path}: {error.strerror}; another name: --output") from None
    try:
        with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
            _Writer(archive, made, entry, Redactor(config.redact_keys, config.redact_allow)).write(config, texts)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return made


class _Writer:
    def __init__(self, archive: tarfile.TarFile, made: Bundle, entry: RunEntry, redactor: Redactor) -> None:
        self._archive = archive
        self._made = made
        self._entry = entry
        self._redactor = redactor
        # Of the run, not of now: two archives of the same run are alike.
        self._time = _seconds(entry.start_time)

    def write(self, config: Config, texts: Iterable[tuple[str, str]]) -> None:
        for path in sorted(self._entry.directory.rglob("*")):
            if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
                self._add_file(path)
        events = (line for _, line in read_events(config.log_path, run_id=self._entry.run_id))
        self._add("events.jsonl", lambda file: self._write_lines(events, file))
        for name, text in texts:
            self._add(name, partial(self._write_text, text))
        self._add("settings.json", lambda file: self._write_document(to_json_pretty(_settings(config)), file))
        manifest = {"run_id": self._entry.run_id, "platform": platform.platform(), **self._made.to_dict()}
        self._add("manifest.json", lambda file: self._write_document(to_json_pretty(manifest), file))

    def _add_file(self, path: Path) -> None:
        name = path.relative_to(self._entry.directory).as_posix()
        size = path.stat().st_size
        kinds = _LINES | _DOCUMENTS | _TEXTS
        if path.suffix not in kinds or size > MAX_FILE_BYTES:
            reason = "too large" if path.suffix in kinds else "no record file"
            if size:
                self._made.left_out.append({"name": name, "bytes": size, "reason": reason})
            return
        try:
            self._add(f"run/{name}", lambda file: self._redact_file(path, file))
        except OSError as error:
            self._made.left_out.append({"name": name, "bytes": size, "reason": error.strerror or str(error)})

    def _redact_file(self, path: Path, target: IO[bytes]) -> bool:
        if path.suffix in _LINES:
            with path.open("rb") as source:
                return self._write_lines(source, target)
        data = path.read_bytes()
        if path.suffix in _DOCUMENTS:
            return self._write_document(data, target)
        return self._write_text(data.decode("utf-8", "backslashreplace"), target)

    def _write_lines(self, lines: Iterable[bytes], target: IO[bytes]) -> bool:
        changed = False
        for line in lines:
            whole = line.removesuffix(b"\n")
            cleaned = self._cleaned(whole)
            changed |= cleaned != whole
            target.write(cleaned + b"\n")
        return changed

    def _write_document(self, data: bytes, target: IO[bytes]) -> bool:
        cleaned = self._cleaned(data, to_json_pretty)
        target.write(cleaned)
        return cleaned != data

    def _write_text(self, text: str, target: IO[bytes]) -> bool:
        cleaned = self._redactor.text(text)
        target.write(cleaned.encode("utf-8", "backslashreplace"))
        return cleaned != text

    def _cleaned(self, data: bytes, render: Callable[[Any], bytes] = to_json) -> bytes:
        """Return JSON without secrets: as it was where it has none, and as text where it is torn."""
        try:
            value = from_json(data)
        except ValueError:
            return self._redactor.text(data.decode("utf-8", "backslashreplace")).encode()
        cleaned = self._redactor.clean(value)
        return data if cleaned == value else render(cleaned)

    def _add(self, name: str, write: Callable[[IO[bytes]], bool]) -> None:
        with SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as file:
            changed = write(file)
            size = file.tell()
            file.seek(0)
            digest = sha256()
            for block in iter(lambda: file.read(1 << 20), b""):
                digest.update(block)
            file.seek(0)
            info = tarfile.TarInfo(f"{self._entry.run_id}/{name}")
            info.size, info.mtime, info.mode = size, self._time, 0o600
            self._archive.addfile(info, file)
        self._made.files.append({"name": name, "bytes": size, "sha256": digest.hexdigest(), "redacted": changed})


def _settings(config: Config) -> dict[str, Any]:
    return {
        name: {"value": _plain(getattr(config, name)), "source": str(config.sources.get(name, "argument"))}
        for name in SETTINGS
    }


def _plain(value: Any) -> Any:
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    return [str(item) for item in value] if isinstance(value, tuple) else str(value)


def _seconds(timestamp: str | None) -> int:
    try:
        return parse_timestamp(timestamp or "") // 1_000_000_000
    except ValueError:
        return 0
