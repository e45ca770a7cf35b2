"""`navigator-obs bundle`: one archive of a run for somebody else."""

from __future__ import annotations

from pathlib import Path

import click

from ..config import Config
from ..fields import format_bytes
from ..history.bundle import bundle
from ..outputs.cells import text
from ..outputs.files import Places
from ..outputs.text import render
from .meeting import settled
from .screen import print_json
from .staged import recover_staged
from .verbs import run_argument, with_config


@click.command("bundle")
@run_argument()
@click.option("-o", "--output", type=click.Path(dir_okay=False), metavar="FILE", help="Where to.  [<run id>.tar.gz]")
@click.option("--json", "as_json", is_flag=True, help="Print what is in it as a JSON object.")
@with_config
def command(run: str, output: str | None, as_json: bool, config: Config) -> int:
    """Put all that is known of a run into one archive, without its secrets, for a support desk.

    Its folder's records, its events out of the shared log, its summary for people, and the settings. Data files, such
    as checkpoints, stay out and are named in the manifest.
    """
    entry = settled(config, run)
    recover_staged(config)
    shown = render(entry.summary, places=Places(entry.directory))
    made = bundle(entry, config, Path(output or f"{entry.run_id}.tar.gz"), [("summary.txt", f"{shown}\n")])
    if as_json:
        print_json(made.to_dict())
        return 0
    redacted = sum(bool(file["redacted"]) for file in made.files)
    click.echo(
        f"{text(made.path)}: {len(made.files)} files, {format_bytes(made.path.stat().st_size)}"
        f"{f', secrets replaced in {redacted}' if redacted else ''}"
    )
    for left in made.left_out:
        click.echo(f"left out: {text(left['name'])}, {format_bytes(left['bytes'])}, {text(left['reason'])}", err=True)
    return 0
