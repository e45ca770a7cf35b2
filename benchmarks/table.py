"""Results as aligned text. Takes the plain document of `report`, so it also shows one read from a file."""

# ruff: noqa: RUF001 - the tables are for people, who write the sign of multiplication

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.report import Report

Result = dict[str, Any]
Column = tuple[str, Callable[[Result], str]]
"""A title, and what to show of one result."""


def figure(value: float | None) -> str:
    """Three significant digits or so: 0.023, 1.27, 14.5, 812; a dash for nothing."""
    if value is None:
        return "–"
    for limit, digits in ((0.1, 3), (10, 2), (100, 1)):
        if abs(value) < limit:
            return f"{value:.{digits}f}"
    return f"{value:,.0f}"


def _us(case: str, key: str) -> Callable[[Result], str]:
    return lambda result: figure(result["figures"].get(case, {}).get(key))


def _ms(case: str, key: str) -> Callable[[Result], str]:
    def show(result: Result) -> str:
        value = result["figures"].get(case, {}).get(key)
        return figure(None if value is None else value / 1000)

    return show


def _percent(case: str, key: str) -> Callable[[Result], str]:
    """µs of CPU per second as a share of one core."""
    return lambda result: figure(result["figures"][case][key] / 10_000)


def _paired(key: str) -> Callable[[Result], str]:
    """Of pairs of runs: ratios to a tenth of a per mille, percent likewise, milliseconds whole, others as figures."""

    def show(result: Result) -> str:
        value = result["pairs"].get(key)
        if value is None:
            return "–"
        for part, digits in (("_ms", 0), ("ratio", 4), ("percent", 2)):
            if part in key:
                return f"{value:.{digits}f}"
        return figure(value)

    return show


def _quartiles(result: Result) -> str:
    return f"{_paired('cpu_ratio_low')(result)}–{_paired('cpu_ratio_high')(result)}"


def _times(case: str, key: str) -> Callable[[Result], str]:
    return lambda result: figure(result["ratios"].get(case, {}).get(key))


def _jq(which: str) -> Callable[[Result], str]:
    """How many times as long jq takes."""
    return lambda result: figure(result.get("jq", {}).get(which))


def _to_floor(key: str) -> Callable[[Result], str]:
    return lambda result: figure(result["figures"]["info"][key] / result["figures"]["floor"][key])


def _caller(result: Result) -> str:
    return "yes" if result.get("caller") else "–"


def _kept(result: Result) -> str:
    return str(result.get("verdict", {}).get("text", "–"))


COLUMNS: dict[str, list[Column]] = {
    "event": [
        ("INFO µs", _us("info", "cheapest_us")),
        ("×", _times("info", "cheapest_us")),
        ("median ×", _times("info", "median_us")),
        ("all threads ×", _times("info", "process_us")),
        ("below level µs", _us("below", "cheapest_us")),
        ("ERROR µs", _us("error", "cheapest_us")),
        ("×", _times("error", "cheapest_us")),
        ("median ×", _times("error", "median_us")),
        ("all threads ×", _times("error", "process_us")),
        ("caller", _caller),
        ("kept", _kept),
    ],
    "operation": [
        ("µs", _us("operation", "cheapest_us")),
        ("median µs", _us("operation", "median_us")),
        ("all threads µs", _us("operation", "process_us")),
        ("×", _times("operation", "cheapest_us")),
        ("kept", _kept),
    ],
    "flat": [
        ("µs", _us("info", "cheapest_us")),
        ("× floor", _to_floor("cheapest_us")),
        ("median × floor", _to_floor("median_us")),
        ("× first", _times("info", "cheapest_us")),
        ("all threads µs", _us("info", "process_us")),
        ("peak memory MB", lambda result: figure(result["memory_mb"])),
        ("log files", lambda result: str(result["files"])),
        ("accounted for", _kept),
    ],
    "import": [
        ("CPU ms", _ms("import", "cheapest_us")),
        ("median ms", _ms("import", "median_us")),
        ("×", _times("import", "cheapest_us")),
        ("median ×", _times("import", "median_us")),
    ],
    "run": [
        ("first start + end ms", _ms("first", "cheapest_us")),
        ("×", _times("first", "cheapest_us")),
        ("later ones ms", _ms("run", "cheapest_us")),
        ("×", _times("run", "cheapest_us")),
        ("all threads ms", _ms("run", "process_us")),
        ("record µs", _us("record", "cheapest_us")),
        ("×", _times("record", "cheapest_us")),
        ("all threads µs", _us("record", "process_us")),
        ("recovery ms", _ms("recovery", "cheapest_us")),
    ],
    "history": [
        ("CPU ms", _ms("history", "cheapest_us")),
        ("median ms", _ms("history", "median_us")),
        ("wall ms", _ms("history", "process_us")),
        ("×", _times("history", "cheapest_us")),
        ("jq by CPU", _jq("cpu")),
        ("jq by wall", _jq("wall")),
    ],
    "overhead": [
        ("CPU s bare", _paired("cpu_seconds")),
        ("wall s", _paired("wall_seconds")),
        ("CPU ×", _paired("cpu_ratio")),
        ("quartiles", _quartiles),
        ("measured %", _paired("measured_percent")),
        ("own figure %", _paired("own_percent")),
        ("own ÷ measured", _paired("own_to_measured")),
        ("alone %", _paired("alone_percent")),
        ("start-up ms", _paired("startup_ms")),
    ],
    "sampler": [
        ("% of a core", _percent("sampler", "cheapest_us")),
        ("median %", _percent("sampler", "median_us")),
        ("mean %", _percent("sampler", "mean_us")),
    ],
}
ABOUT = {
    "event": "CPU per event, of the calling thread, cheapest batch, where nothing else is said; × = to the ",
    "operation": "CPU per operation, of the calling thread, cheapest batch, where nothing else is said; × = to the ",
    "run": "CPU of the calling thread, cheapest where nothing else is said; recovery is of 100,000 records; × = to ",
    "sampler": "CPU of the ticker's thread while a run is open, cheapest round first; all but the first less that of ",
    "history": "CPU and wall time of whole commands, the cheapest round; jq: how many times as long it takes; × = to ",
    "flat": "CPU per event up to so many, of the calling thread, cheapest batch where nothing else is said; × = to ",
    "overhead": "CPU of the process from start_run to the run's end, beside the bare program on the same core: the "
    "median of the pairs; own figure: what the summaries say that recording took; own ÷ measured: where the difference "
    "exceeds that of the control, the bare program again; alone: on a core of one's own, where what goes by the clock "
    "counts once; wall s: twice the CPU s on a machine that has nothing else to do; × = to ",
    "import": "CPU of a fresh interpreter without its own start, cheapest where nothing else is said; × = to ",
}


def render(report: Report) -> str:
    """The whole table with its heading and what was left out."""
    columns = COLUMNS[report["command"]]
    measured = list(_rows(report))
    head = ["", *(title for title, _show in columns)]
    rows = [[_name(result), *(show(result) for _title, show in columns)] for result in measured]
    return "\n".join([_heading(report), "", *aligned([head, *rows]), *_left_out(report)])


def _rows(report: Report) -> Iterator[Result]:
    """One result a row; of pairs of runs one program and way a row."""
    if report["command"] != "overhead":
        yield from (result for result in report["results"] if "figures" in result)
        return
    for case in report["results"][-1].get("pairs", {}):
        for result in report["results"]:
            if case in result.get("pairs", {}):
                yield {"peer": f"{case}, {result['peer']}", "pairs": result["pairs"][case]}


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of equal columns: the first and the last column to the left, the rest to the right."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    return [_line(row, widths) for row in rows]


def _line(row: Sequence[str], widths: list[int]) -> str:
    last = len(row) - 1
    cells = [
        cell.ljust(width) if index in (0, last) else cell.rjust(width)
        for index, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def _name(result: Result) -> str:
    return f"{result['peer']} {result.get('version', '')}".rstrip()


def _heading(report: Report) -> str:
    machine, settings = report["machine"], report["settings"]
    said = ", ".join(
        f"{key} {value:,}" if isinstance(value, int) else f"{key} {value}" for key, value in settings.items()
    )
    return f"python {machine['python']}, {machine['cpus']} cpus; {said}\n{ABOUT[report['command']]}{report['base']}"


def _left_out(report: Report) -> list[str]:
    lines = [f"skipped: {result['peer']} ({result['skipped']})" for result in report["results"] if "skipped" in result]
    lines += [f"failed: {result['peer']} ({result['failure']})" for result in report["results"] if "failure" in result]
    for result in report["results"]:
        examples = result.get("verdict", {}).get("examples", [])
        lines += [f"{result['peer']}: {example}" for example in examples]
    return ["", *lines] if lines else []
