"""A run's operations as the files of trace viewers: Chrome's and Perfetto's JSON, speedscope's, and folded stacks.

The formats: "Trace Event Format" (Chromium project; JSON object form, complete events), speedscope's file format
(`https://www.speedscope.app/file-format-schema.json`, evented profiles), and the stack lines that flamegraph.pl reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from .columns import one_line
from .lanes import Recorded, Span

_SCHEMA: Final = "https://www.speedscope.app/file-format-schema.json"
_FIGURES: Final = (
    "status",
    "self_seconds",
    "cpu_seconds",
    "memory_delta_mb",
    "peak_memory_mb",
    "rows",
    "rows_per_second",
)
_MAIN: Final = ""


def chrome(recorded: Recorded) -> dict[str, Any]:
    """Return the JSON object that ui.perfetto.dev and other viewers of the format open; times in microseconds.

    Each process of the run is one there, each lane a thread; memory is a counter, warnings and errors are instants.
    """
    pids = {source: number for number, source in enumerate(sorted({_MAIN, *(s.source for s in recorded.spans)}), 1)}
    return {
        "traceEvents": [
            *_names(recorded, pids),
            *(_complete(span, pids) for span in recorded.spans),
            *(_counter(point) for point in recorded.memory),
            *(_instant(mark) for mark in recorded.marks),
        ],
        "displayTimeUnit": "ms",
        "otherData": _about(recorded),
    }


def _about(recorded: Recorded) -> dict[str, Any]:
    start = recorded.start
    return {"run_id": start.get("run_id"), "name": start.get("name"), "start_time": start.get("time")}


def _names(recorded: Recorded, pids: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    name = str(recorded.start.get("name") or "run")
    for source, pid in pids.items():
        yield _named("process_name", pid, 0, f"{name}: worker {source}" if source else name)
    for source, lane in sorted({(span.source, span.lane) for span in recorded.spans}):
        yield _named("thread_name", pids[source], lane + 1, f"lane {lane + 1}" if lane else "operations")


def _named(kind: str, pid: int, tid: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "name": kind, "pid": pid, "tid": tid, "args": {"name": name}}


def _complete(span: Span, pids: Mapping[str, int]) -> dict[str, Any]:
    return {
        "ph": "X",
        "name": span.record.name,
        "cat": span.record.status,
        "ts": span.begin,
        "dur": span.end - span.begin,
        "pid": pids[span.source],
        "tid": span.lane + 1,
        "args": _arguments(span),
    }


def _arguments(span: Span) -> dict[str, Any]:
    figures = {name: getattr(span.record, name) for name in _FIGURES}
    told = {"operation_path": span.record.path, **span.record.breakdown, **figures}
    return {name: value for name, value in told.items() if value is not None}


def _counter(point: tuple[int, float, float]) -> dict[str, Any]:
    at, memory, children = point
    return {
        "ph": "C",
        "name": "memory_mb",
        "ts": at,
        "pid": 1,
        "tid": 0,
        "args": {"process": memory, "children": children},
    }


def _instant(mark: tuple[int, str, str]) -> dict[str, Any]:
    at, level, message = mark
    return {"ph": "i", "s": "p", "name": f"{level} {message}", "cat": level, "ts": at, "pid": 1, "tid": 1}


def speedscope(recorded: Recorded) -> dict[str, Any]:
    """Return speedscope's JSON object: a profile for each lane, in which operations open and close."""
    frames: dict[str, int] = {}
    lanes = sorted(recorded.spans, key=lambda span: (span.source, span.lane))
    profiles = [
        _profile(recorded, source, lane, list(spans), frames)
        for (source, lane), spans in groupby(lanes, key=lambda span: (span.source, span.lane))
    ]
    return {
        "$schema": _SCHEMA,
        "name": f"{recorded.start.get('name') or 'run'} {recorded.start.get('run_id') or ''}".strip(),
        "exporter": "navigator-obs",
        "activeProfileIndex": 0,
        "shared": {"frames": [{"name": name} for name in frames]},
        "profiles": profiles,
    }


def _profile(
    recorded: Recorded, source: str, lane: int, spans: Sequence[Span], frames: dict[str, int]
) -> dict[str, Any]:
    events = list(_opened_and_closed(spans, frames))
    where = [f"worker {source}"] * bool(source) + [f"lane {lane + 1}"] * bool(lane)
    return {
        "type": "evented",
        "name": ", ".join(where) or str(recorded.start.get("name") or "run"),
        "unit": "microseconds",
        "startValue": min(0, events[0]["at"]),
        "endValue": events[-1]["at"],
        "events": events,
    }


def _opened_and_closed(spans: Iterable[Span], frames: dict[str, int]) -> Iterator[dict[str, Any]]:
    """Each opening and closing in the order of time, properly nested."""
    opened: list[Span] = []
    for span in spans:
        while opened and opened[-1].end <= span.begin:
            yield _closed(opened.pop(), frames)
        frame = frames.setdefault(span.record.name, len(frames))
        yield {"type": "O", "frame": frame, "at": span.begin}
        opened.append(span)
    while opened:
        yield _closed(opened.pop(), frames)


def _closed(span: Span, frames: Mapping[str, int]) -> dict[str, Any]:
    return {"type": "C", "frame": frames[span.record.name], "at": span.end}


def folded(summary: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of folded stacks: an operation path and the microseconds of its own, children left out.

    They come from the summary's sums, and so include the operations that were not logged.

    >>> list(folded({"performance_metrics": {"year/hiring": {"self_seconds": 0.25}}}))
    ['year;hiring 250000']
    """
    for path, stats in (summary.get("performance_metrics") or {}).items():
        count = round((stats.get("self_seconds") or 0.0) * 1e6)
        if count > 0:
            yield f"{';'.join(_frame(name) for name in path.split('/'))} {count}"


def _frame(name: str) -> str:
    # A semicolon ends a frame, and the last space of a line stands before the count.
    return one_line(" ".join(name.replace(";", ":").split()))
