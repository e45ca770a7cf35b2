"""What may watch runs: anything with these two methods. Exporters, alerts and the console's summary are such."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .run import Run


class RunObserver(Protocol):
    """Told about a run's life, in the process that runs it. What its methods raise is logged and goes no further.

    >>> class Bell:
    ...     def run_started(self, run):
    ...         print("started", run.name)
    ...
    ...     def run_finished(self, summary, directory):
    ...         print("ended as", summary["run_metadata"]["status"])
    """

    def run_started(self, run: Run) -> None:
        """The run has its folder and its first summary."""

    def run_finished(self, summary: Mapping[str, Any], directory: Path) -> None:
        """The final summary stands in *directory*."""
