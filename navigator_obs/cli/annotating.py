"""`navigator-obs tag`, `pin`, `baseline`, `note` and `ack`: what people say of a run later."""

from __future__ import annotations

import click

from ..config import Config
from ..errors import UsageError
from ..history.store import History, RunEntry
from ..outputs.cells import local_time, text
from ..runs.annotations import Annotations, annotate, read_annotations, read_records
from .meeting import settled
from .screen import print_json
from .verbs import run_argument, with_config


@click.command("tag")
@run_argument(required=True)
@click.argument("tags", nargs=-1, metavar="[TAG]...")
@click.option("--remove", is_flag=True, help="Take these tags away, also those that the run recorded itself.")
@click.option("--json", "as_json", is_flag=True, help="Print the run's tags as a JSON list.")
@with_config
def tag(run: str, tags: tuple[str, ...], remove: bool, as_json: bool, config: Config) -> int:
    """Add TAGs to a run; without any, print those that it has."""
    entry = settled(config, run)
    for each in tags:
        _add(config, entry, "untag" if remove else "tag", tag=each)
    known = History(config.runs_dir).get(str(entry.directory.absolute())).tags
    if as_json:
        print_json(list(known))
    else:
        click.echo(f"{text(entry.run_id)}: {', '.join(map(text, known)) or 'no tags'}")
    return 0


@click.command("pin")
@run_argument(required=True)
@click.option("--remove", is_flag=True, help="Unpin it.")
@click.option("--json", "as_json", is_flag=True, help="Print the annotation's record.")
@with_config
def pin(run: str, remove: bool, as_json: bool, config: Config) -> int:
    """Pin a run: whatever is pruned, it stays."""
    entry = settled(config, run)
    if remove:
        return _say(config, entry, "unpin", "not pinned any more", as_json)
    return _say(config, entry, "pin", "pinned", as_json)


@click.command("baseline")
@run_argument(required=True)
@click.option("--remove", is_flag=True, help="Make it a run like others again.")
@click.option("--json", "as_json", is_flag=True, help="Print the annotation's record.")
@with_config
def baseline(run: str, remove: bool, as_json: bool, config: Config) -> int:
    """Make a run the baseline: later runs of its name are compared with it. It is not pruned.

    Of several the newest counts.
    """
    entry = settled(config, run)
    if remove:
        return _say(config, entry, "unbaseline", "no baseline any more", as_json)
    return _say(config, entry, "baseline", f"the baseline of {text(entry.name)}", as_json)


@click.command("note")
@run_argument(required=True)
@click.argument("words", nargs=-1, metavar="[TEXT]...")
@click.option("--json", "as_json", is_flag=True, help="Print all annotations of the run as a JSON list.")
@with_config
def note(run: str, words: tuple[str, ...], as_json: bool, config: Config) -> int:
    """Write a note to a run; without TEXT, print what was said of it."""
    entry = settled(config, run)
    if words:
        _add(config, entry, "note", text=" ".join(words))
    if as_json:
        print_json(read_records(entry.directory))
        return 0
    for line in lines_of(read_annotations(entry.directory)) or ["nothing was said of this run yet"]:
        click.echo(f"{text(entry.run_id)}: {line}")
    return 0


@click.command("ack")
@run_argument(required=True)
@click.argument("words", nargs=-1, metavar="[TEXT]...")
@click.option("--json", "as_json", is_flag=True, help="Print the annotation's record.")
@with_config
def ack(run: str, words: tuple[str, ...], as_json: bool, config: Config) -> int:
    """Acknowledge the failure of a run: somebody has seen it and knows why. It may be pruned from then on."""
    entry = settled(config, run)
    if entry.status == "success":
        raise UsageError(f"run {entry.run_id} succeeded: there is no failure to acknowledge")
    if not entry.final:
        raise UsageError(f"run {entry.run_id} is {entry.status}: what has not ended can't be acknowledged")
    return _say(config, entry, "ack", f"{entry.status}, acknowledged", as_json, text=" ".join(words) or None)


def _say(config: Config, entry: RunEntry, kind: str, told: str, as_json: bool, **words: str | None) -> int:
    """Annotate the run, and tell so, or print the record."""
    record = _add(config, entry, kind, **words)
    if as_json:
        print_json(record)
    else:
        click.echo(f"{text(entry.run_id)}: {told}")
    return 0


def told_of(entry: RunEntry) -> list[str]:
    """Return all that was said of a run in words: its tags and marks, then notes and acknowledgements."""
    said = entry.annotations
    words = [word for word in ("pinned", "baseline", "acknowledged") if getattr(said, word)]
    tags = [f"tags: {', '.join(map(text, entry.tags))}"] if said.tags or said.untagged else []
    return [*tags, *([", ".join(words)] if words else []), *lines_of(said)]


def lines_of(said: Annotations) -> list[str]:
    """Return what was said in words, oldest first: notes and acknowledgements."""
    told = sorted([*said.notes, *said.acknowledgements], key=lambda record: str(record.get("timestamp")))
    return [
        f"{local_time(record.get('timestamp'), with_date=True)}  {text(record.get('by') or '?')}"
        f"{' acknowledged it' if record.get('kind') == 'ack' else ''}"
        f"{': ' + text(record['text']) if record.get('text') else ''}"
        for record in told
    ]


def _add(config: Config, entry: RunEntry, kind: str, **told: str | None) -> dict[str, object]:
    return annotate(entry.directory, kind, by=_who(), file_mode=config.file_mode, **told)


def _who() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
