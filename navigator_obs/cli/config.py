"""`navigator-obs config`: each setting, its value, and where that came from."""

from __future__ import annotations

from collections.abc import Mapping

import click

from ..config import SETTINGS, Config
from ..disabled import DISABLED, VARIABLE
from ..encoding import to_json_pretty
from .verbs import with_config


@click.command("config")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@with_config
def command(as_json: bool, config: Config) -> int:
    """Show each setting with its value and its source: argument, environment, a file, or default."""
    if DISABLED:
        click.echo(f"{VARIABLE} is set: programs record nothing, whatever the settings", err=True)
    if as_json:
        found = {name: {"value": _plain(config, name), "source": config.sources[name]} for name in SETTINGS}
        click.echo(to_json_pretty(found).decode(), nl=False)
    else:
        rows = [(name, _shown(_plain(config, name)), config.sources[name]) for name in SETTINGS]
        widths = [max(len(row[column]) for row in rows) for column in range(2)]
        for name, value, source in rows:
            click.echo(f"{name:<{widths[0]}}  {value:<{widths[1]}}  {source}")
    return 0


def _plain(config: Config, name: str) -> object:
    value = getattr(config, name)
    if name.endswith("_mode"):
        return f"{value:04o}"
    if name == "processors":
        return [getattr(processor, "__qualname__", str(processor)) for processor in value]
    return dict(value) if isinstance(value, Mapping) else list(value) if isinstance(value, tuple) else value


def _shown(value: object) -> str:
    if value is None or value in ([], {}):
        return "none"
    if isinstance(value, dict):
        return ",".join(f"{key}={item}" for key, item in value.items())
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
