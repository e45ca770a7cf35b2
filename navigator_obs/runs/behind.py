"""What a run finds out of its environment beside the program: git's answer, and what the program has imported."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from . import environment
from .worktree import Changes, keep_diff

GIT_WAIT_SECONDS: Final = 1.0


class Behind:
    """Listens at each tick; *add* writes a record of the kind ``environment``."""

    _latest: ClassVar[tuple[int, dict[str, str]]] = (0, {})

    def __init__(
        self,
        found: Mapping[str, Any],
        directory: Path,
        add: Callable[..., None],
        clean: Callable[[str], str],
        file_mode: int,
    ) -> None:
        self._add = add
        self._clean = clean
        self._installed: Mapping[str, str] = found.get("packages") or {}
        self._imported: dict[str, str] = {}
        self._modules = 0
        self._changes: Changes | None = None
        if found.get("git"):
            self._changes = Changes(Path.cwd(), lambda diff: keep_diff(diff, directory, clean, file_mode))

    def hear(self, wait_seconds: float = 0.0) -> None:
        """Record what has become known since."""
        changes = self._changes.answer(wait_seconds) if self._changes else None
        if changes is not None:
            self._add("environment", git=changes)
        if len(sys.modules) != self._modules:
            self._modules = len(sys.modules)
            imported = self._imported_by_now()
            if imported != self._imported:
                self._imported = imported
                self._add("environment", imported={name: self._clean(version) for name, version in imported.items()})

    def _imported_by_now(self) -> dict[str, str]:
        """What the run before it in this process has found, unless something was imported since."""
        modules, found = Behind._latest
        if modules != self._modules:
            found = environment.imported(sys.modules, self._installed)
            Behind._latest = self._modules, found
        return found

    def close(self) -> None:
        """Wait a moment for what is still to come, and give it up then."""
        self.hear(GIT_WAIT_SECONDS)
        if self._changes is not None:
            self._changes.close()

    def forget(self) -> None:
        """In a forked child: what is under way is the parent's."""
        if self._changes is not None:
            self._changes.forget()
