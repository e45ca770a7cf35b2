"""One benchmark's results as one plain document: what `--json` writes and `--compare` reads."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from benchmarks import figures, roster

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peer import Peer
    from benchmarks.runner import Outcome

Report = dict[str, Any]


def build(command: str, settings: dict[str, Any], results: list[dict[str, Any]]) -> Report:
    """The document. The first result is the base that ratios are taken to."""
    base = results[0].get("figures", {}) if results else {}
    for result in results:
        result["ratios"] = {
            case: figures.ratios(measured, base[case])
            for case, measured in result.get("figures", {}).items()
            if case in base
        }
    return {
        "command": command,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "settings": settings,
        "base": results[0]["peer"] if results else None,
        "results": results,
    }


def of_outcome(outcome: Outcome) -> dict[str, Any]:
    """One measured peer."""
    result: dict[str, Any] = {"peer": outcome.peer.name, "version": roster.version_of(outcome.peer)}
    if outcome.failure is not None:
        return result | {"failure": outcome.failure}
    verdict = asdict(outcome.verdict) | {"kept": outcome.verdict.kept, "text": str(outcome.verdict)}
    return result | {"figures": outcome.figures(), "verdict": verdict, "caller": outcome.peer.caller}


def of_skipped(peer: type[Peer], missing: list[str]) -> dict[str, Any]:
    """One peer that is not installed."""
    return {"peer": peer.name, "skipped": f"not installed: {', '.join(missing)}"}


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    return {"python": platform.python_version(), "platform": platform.platform(), "cpus": os.cpu_count()}


def save(report: Report, path: Path) -> None:
    """Write the document."""
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def load(path: Path) -> Report:
    """Read a document; raises ValueError when it is none of ours, OSError when it cannot be read."""
    report = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(report, dict) or not isinstance(report.get("results"), list):
        raise ValueError(f"{path} is not a benchmark's result")  # noqa: TRY004 - the file is wrong, not a type
    return report
