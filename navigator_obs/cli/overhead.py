"""`navigator-obs overhead`: what observing costs a program of one's own."""

from __future__ import annotations

import json
import sys

import click

from ..overhead import PAIRS, measure


@click.command("overhead", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--pairs", default=PAIRS, type=click.IntRange(1), metavar="N", help=f"Runs of each kind.  [{PAIRS}]")
@click.option("--at-once", is_flag=True, help="Both runs of a pair at the same time on one core: for a busy machine.")
@click.option("--json", "as_json", is_flag=True, help="Print each run and the ratios as JSON.")
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED, metavar="[--] CMD [ARGS]...")
def command(pairs: int, at_once: bool, as_json: bool, arguments: tuple[str, ...]) -> None:
    """Run CMD with and without observation, in turn, and print the ratio of CPU and wall time.

    Without observation it runs under NAVIGATOR_OBS_DISABLED=1. A ratio of 1.01 is 1 % on top; in brackets are the
    quartiles of all pairs: where they are far apart, the machine is too busy, or the program too short, to tell. With
    --at-once other work on the machine weighs on both ways alike, and CPU time alone is told; CMD must not mind that
    another one of it runs in the same folder meanwhile.
    """
    found = measure(arguments, pairs, say=lambda text: print(text, file=sys.stderr, flush=True), at_once=at_once)
    if as_json:
        print(json.dumps(found.to_dict()))
        return
    print(found)
