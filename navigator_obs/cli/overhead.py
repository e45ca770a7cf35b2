"""`navigator-obs overhead`: what observing costs a program of one's own."""

from __future__ import annotations

import json
import sys

import click

from ..overhead import PAIRS, measure


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
    print(found)
