"""`navigator-obs overhead`: what observing costs a program of one's own."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterable

import click

from ..fields import format_seconds
from ..overhead import KEEP_MEMORY, PAIRS, Overhead, Ratio, measure


@click.command("overhead", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--pairs", default=PAIRS, type=click.IntRange(1), metavar="N", help=f"Runs of each kind.  [{PAIRS}]")
@click.option("--json", "as_json", is_flag=True, help="Print each run and the ratios as JSON.")
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED, metavar="[--] CMD [ARGS]...")
def command(pairs: int, as_json: bool, arguments: tuple[str, ...]) -> None:
    """Run CMD with and without observation, in turn, and print the ratio of CPU and wall time.

    Without observation it runs under NAVIGATOR_OBS_DISABLED=1. A ratio of 1.01 is 1 % on top; in brackets are the
    quartiles of all pairs: where they are far apart, the machine is too busy, or the program too short, to tell.
    """
    found = measure(arguments, pairs, say=lambda text: print(text, file=sys.stderr, flush=True))
    if as_json:
        print(json.dumps(found.to_dict()))
        return
    _show("CPU", found.cpu, [(pair.observed.cpu_seconds, pair.bare.cpu_seconds) for pair in found.pairs])
    _show("wall", found.wall, [(pair.observed.wall_seconds, pair.bare.wall_seconds) for pair in found.pairs])
    print(_verdict(found))
    if not found.is_fair:
        print(_unfair(found.fault_percent))


def _show(what: str, ratio: Ratio | None, used: Iterable[tuple[float | None, float | None]]) -> None:
    known = [(observed, bare) for observed, bare in used if observed is not None and bare is not None]
    if ratio is None or not known:
        return
    observed, bare = (format_seconds(statistics.median(side)) for side in zip(*known, strict=True))
    print(f"{what:5} {ratio}   {observed} observed, {bare} bare")


def _verdict(found: Overhead) -> str:
    ratio = found.cpu or found.wall
    if ratio is None:
        return "nothing could be measured"
    if ratio.low <= 1 <= ratio.high:
        return "what observing costs is too little to be told from the noise"
    percent = 100 * (ratio.median - 1)
    return f"observing costs {percent:.1f} %" if percent > 0 else f"observed runs took {-percent:.1f} % less: noise"


def _unfair(percent: float) -> str:
    way = "observed" if percent > 0 else "bare"
    kept = " ".join(f"{name}={value}" for name, value in KEEP_MEMORY.items())
    return (
        f"but the {way} runs took memory from the system so much more often that this alone makes them about "
        f"{abs(percent):.1f} % slower; how often is the C library's whim: compare again under {kept}"
    )
