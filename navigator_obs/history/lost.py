"""Workers that ended without a word, by what they had open: a run that went on knows that they were lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..fields import format_seconds
from ..runs.reading import number, table, tables

MOST: Final = 2
_LIVING: Final = frozenset({"running", "stalled"})


def lost_workers(summary: Mapping[str, Any]) -> list[str]:
    """Return a line for each worker process that was killed while it worked; of a run that lives or died, none.

    >>> opened = [{"worker": "node1-4711", "path": "pool/simulate", "seconds": 3.5}]
    >>> ended = {"status": "failed", "final": True}
    >>> lost_workers({"run_metadata": ended, "resources": {"open_operations": opened}})
    ['worker node1-4711 ended without a word in pool/simulate, which was open for 3.50 s']
    """
    metadata = table(summary, "run_metadata")
    if not metadata.get("final") or str(metadata.get("status")) in _LIVING or metadata.get("recovered_by"):
        return []
    innermost: dict[str, Mapping[str, Any]] = {}
    for opened in tables(table(summary, "resources"), "open_operations"):
        if opened.get("worker"):
            # The outermost comes first.
            innermost[str(opened["worker"])] = opened
    lines = [
        f"worker {worker} ended without a word in {opened.get('path')}, "
        f"which was open for {format_seconds(number(opened.get('seconds')) or 0.0)}"
        for worker, opened in innermost.items()
    ]
    more = len(lines) - MOST
    return lines if more <= 0 else [*lines[:MOST], f"and {more} more {'worker' if more == 1 else 'workers'}"]
