"""`python -m benchmarks event | operation | import | run | sampler | history | flat | overhead …`, and `trends`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import (
    compare,
    flat,
    histories,
    imports,
    overheads,
    report,
    roster,
    runner,
    runs,
    sampling,
    table,
    trends,
)
from benchmarks.plan import Plan

PEERS = {"event": roster.EVENT, "operation": roster.OPERATION}
ABOUT = {
    "event": "one log event: INFO with six fields, run id, two context keys and caller; below the level; ERROR",
    "operation": "one timed piece of work",
    "import": "import, configure and first event, in fresh interpreters",
    "flat": "an event after 10,000, 100,000 … of them, through rotations, and the memory",
    "run": "the start and end of a run, a record in between, and the recovery of a killed run of 100,000 records",
    "overhead": "whole simulations, bare and recorded: the demo with many employees, and operations of 2.5 ms of numpy",
    "sampler": "the thread that samples while a run is open, at its default rate and four times it",
    "history": "whole commands over 10,000 runs, and over a log of 1,000,000 lines beside grep and jq",
}
TRENDS = "how often the detector of trends is wrong, on synthetic histories; 1 if it misses what is promised of it"


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the table, write and compare; 1 if our own peer failed or lost something, 2 for a wrong call."""
    options = parser().parse_args(arguments)
    if options.command == "trends":
        return trends.main(options.histories, options.json, options.first)
    old = _read(options.compare) if options.compare else None
    new = measure(options)
    print(table.render(new))
    if options.json:
        report.save(new, options.json)
    if old is not None:
        print(f"\n{compare.render(old, new)}")
    return 0 if ours_kept_everything(new) else 1


def parser() -> argparse.ArgumentParser:
    """The command line."""
    root = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = root.add_subparsers(dest="command", required=True)
    for name, about in ABOUT.items():
        command = commands.add_parser(name, help=about, description=about)
        command.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
        command.add_argument("--compare", type=Path, metavar="FILE", help="print these old ratios beside the new ones")
        rounds = 7 if name == "overhead" else 5
        command.add_argument(
            "--rounds", type=_positive, default=rounds, metavar="N", help="rounds (default: %(default)s)"
        )
        if name in PEERS:
            _add_sizes(command)
        elif name == "flat":
            command.add_argument("--events", type=_positive, default=10_000_000, metavar="N", help="[%(default)s]")
            command.add_argument(
                "--foreign", type=int, default=30, metavar="N", help="ContextVars beside  [%(default)s]"
            )
        elif name == "overhead":
            _add_programs(command)
    command = commands.add_parser("trends", help=TRENDS, description=TRENDS)
    command.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    command.add_argument("--histories", type=_positive, default=1000, metavar="N", help="of a case (default: 1000)")
    command.add_argument("--first", type=int, default=0, metavar="SEED", help="of those from here on (default: 0)")
    return root


def _add_programs(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--employees", type=_positive, default=overheads.EMPLOYEES, metavar="N", help="in the demo [%(default)s]")
    names = tuple(overheads.PROGRAMS | overheads.LOOPS)
    add("--program", action="append", default=[], choices=names, help="only these; repeatable  [the simulations]")


def _add_sizes(command: argparse.ArgumentParser) -> None:
    plan = Plan()
    add = command.add_argument
    add("--events", type=_positive, default=plan.events, metavar="N", help="per case and round (default: %(default)s)")
    add("--batch", type=_positive, default=plan.batch, metavar="N", help="per clock reading (default: %(default)s)")
    add("--foreign", type=int, default=plan.foreign, metavar="N", help="ContextVars of the program's own, set beside")
    add("--directory", metavar="DIR", help="where files are written meanwhile (default: the temporary folder)")
    add("--peer", action="append", default=[], metavar="WORD", help="only peers whose name contains it; repeatable")


def measure(options: argparse.Namespace) -> report.Report:
    """Run what was asked for."""
    if options.command == "import":
        return report.build("import", {"rounds": options.rounds}, imports.measure(options.rounds, say))
    if options.command == "run":
        return report.build("run", {"rounds": options.rounds}, runs.measure(options.rounds, say))
    if options.command == "overhead":
        return _overhead(options)
    if options.command == "sampler":
        return report.build("sampler", {"rounds": options.rounds}, sampling.measure(options.rounds, say))
    if options.command == "history":
        return report.build("history", {"rounds": options.rounds}, histories.measure(options.rounds, say))
    if options.command == "flat":
        settings = {"events": options.events, "foreign": options.foreign}
        return report.build("flat", settings, flat.measure(options.events, options.foreign, say))
    plan = Plan(events=options.events, batch=options.batch, foreign=options.foreign)
    chosen = roster.matching(PEERS[options.command], options.peer)
    lacking = {peer: roster.missing(peer) for peer in chosen}
    measured = runner.run([peer for peer in chosen if not lacking[peer]], plan, options.rounds, say, options.directory)
    results: list[dict[str, Any]] = [report.of_outcome(outcome) for outcome in measured]
    results += [report.of_skipped(peer, names) for peer, names in lacking.items() if names]
    return report.build(options.command, {"rounds": options.rounds, **asdict(plan)}, results)


def _overhead(options: argparse.Namespace) -> report.Report:
    how = "at once on one core" if overheads.cores() else "at once; not bound to one core, which this system can't"
    results = overheads.measure(options.rounds, options.employees, say, only=options.program)
    return report.build("overhead", {"pairs": options.rounds, "run": how, "employees": options.employees}, results)


def ours_kept_everything(new: report.Report) -> bool:
    """Whether no result of navigator-obs failed or lost an event."""
    ours = [result for result in new["results"] if result["peer"].startswith("navigator-obs")]
    return all("failure" not in result and result.get("verdict", {}).get("kept", True) for result in ours)


def say(text: str) -> None:
    """Progress, on stderr, so that the table alone is on stdout."""
    print(text, file=sys.stderr, flush=True)


def _read(path: Path) -> report.Report:
    try:
        return report.load(path)
    except (OSError, ValueError) as error:
        print(f"python -m benchmarks: cannot compare: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not a positive number")
    return value


if __name__ == "__main__":
    raise SystemExit(main())
