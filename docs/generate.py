"""Write the reference pages from the code that they describe.

    python docs/generate.py            writes docs/reference/*.md
    python docs/generate.py --check    writes nothing; exits 1 and names the pages that are stale

Nothing in docs/reference is written by hand: what a page says stands in `fields.py`, in the docstrings of `Config` and
of the public names, in `summary.schema.json`, or in the commands' own help.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
REFERENCE: Final = ROOT / "docs" / "reference"
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

import click  # noqa: E402
from from_source import entry, fence, prose, public_names, table  # noqa: E402

import navigator_obs as obs  # noqa: E402
from navigator_obs import config, errors, fields, testing  # noqa: E402
from navigator_obs.cli import complaint, verbs  # noqa: E402
from navigator_obs.cli import main as command_line  # noqa: E402
from navigator_obs.events import categories, logger  # noqa: E402
from navigator_obs.history import entry as run_entry  # noqa: E402
from navigator_obs.operations import opened  # noqa: E402
from navigator_obs.runs import checking, observer, schema  # noqa: E402

Node = Mapping[str, Any]

TOPICS: Final[Mapping[str, tuple[str, ...]]] = {
    "Set up": ("configure", "Config", "shutdown"),
    "Log": ("get_logger", "context", "carry"),
    "Measure": ("operation", "count", "gauge", "observe"),
    "Record a run": ("start_run", "Run", "check", "track"),
    "Read what was recorded": ("History",),
    "Errors": ("ObsError",),
}
"""The public names in the order in which a program meets them; a test holds them complete."""
INSIDE_OPERATIONS: Final = ("operation", "pause", "resume", "disown", "end", "finish", "is_under", "ended")
"""Methods of an open operation that the package's own decorators call."""

EVENTS_INTRO: Final = """
An event is one line of `logs/navigator.log`: compact JSON, UTF-8. Its keys stand in this order: those of every event,
then the [context](../glossary.md#context), then the event's own fields, then `exception`.
"""
RESERVED_NOTE: Final = """
These names and `exception` are reserved. A field of yours with such a name is kept as `field_<name>`:
`log.info("read", line=7)` gives `"field_line":7`.
"""
CATEGORIES_INTRO: Final = """
The exception's category is judged from the root cause outwards; `category_rule` says what told it. Rules of your own
come first: the setting [`categories`](settings.md). Anything that is not a rule's is `unknown`.
"""
OPERATIONS_INTRO: Final = """
What the event at the end of an [operation](../glossary.md#operation) adds; what is not known is left out. Any other
event inside an operation has `operation_path` alone, so that the events with `operation` are those with a duration.
"""
SETTINGS_INTRO: Final = """
A setting is taken from the argument of `configure`, else from the environment, else from `[tool.navigator_obs]` in the
nearest `pyproject.toml` (looked for from the working directory upwards), else it has its default. `Config.sources` says
which it was. In the environment, names are separated by commas (`year,scenario`), levels by logger are written
`mesa=WARNING,numba=ERROR`, categories likewise, permissions as octal digits (`640`).
"""
SUMMARY_INTRO: Final = """
The same as a JSON Schema ships with the package: `navigator_obs/runs/summary.schema.json`. `<…>` stands for a key that
differs from run to run, `[]` for each item of an array.
"""
API_INTRO: Final = """
Everything here is a name of `navigator_obs`, which programs import as `obs`; the examples leave the `obs.` out. The
shapes of what is recorded have their own pages: [the event line](events.md), [summary.json](summary.md).
"""
CLI_INTRO: Final = """
`navigator-obs` comes with the extra `cli`; `python -m navigator_obs` is the same. `--log-dir` and `--runs-dir` may also
stand before the verb; without them the [settings](settings.md) of the environment and of `pyproject.toml` hold.
"""


# --- Pages -----------------------------------------------------------------------------------------------------------


def page(title: str, source: str, *parts: str) -> str:
    """Return a whole page, which says where it comes from."""
    note = f"<!-- Made from {source} by docs/generate.py: edit that, and run the script. -->"
    return "\n\n".join([note, f"# {title}", *(part for part in parts if part)]) + "\n"


# --- Events ---------------------------------------------------------------------------------------------------------


def events_page() -> str:
    """The keys of an event, of its exception, and of an operation's event."""
    return page(
        "The event line",
        "navigator_obs/fields.py",
        EVENTS_INTRO.strip(),
        "## Every event",
        _field_table(fields.EVENT_FIELDS),
        RESERVED_NOTE.strip(),
        "## `exception`",
        "An object, on events that were given an exception.",
        _field_table(fields.EXCEPTION_FIELDS),
        "## Categories",
        CATEGORIES_INTRO.strip(),
        _categories_table(),
        "## Operations",
        OPERATIONS_INTRO.strip(),
        _field_table(fields.OPERATION_FIELDS),
        "## Progress",
        "What the events of `obs.track` add, whose logger is `navigator_obs.progress`.",
        _field_table(fields.PROGRESS_FIELDS),
        "## Notes",
        "What the toolkit adds where there is something to be known of an event.",
        _field_table(fields.NOTE_FIELDS),
    )


def _categories_table() -> str:
    rows = ((f"`{name}`", kind.meaning, kind.fixed_by, kind.retry) for name, kind in categories.CATEGORIES.items())
    return table(("category", "meaning", "who can fix it", "does a retry help"), rows)


def _field_table(of: Iterable[fields.Field]) -> str:
    return table(("key", "type", "unit", "meaning"), ((f"`{f.name}`", f.type, f.unit, f.meaning) for f in of))


# --- Settings -------------------------------------------------------------------------------------------------------


def settings_page() -> str:
    """Each field of `Config` with its environment variable, type, default and docstring."""
    return page(
        "Settings",
        "the attributes of `Config` in navigator_obs/config.py",
        SETTINGS_INTRO.strip(),
        *(_setting(*setting) for setting in settings()),
    )


def settings() -> Iterator[tuple[str, str, str, str]]:
    """Yield name, type, default and docstring of each setting, as they stand in the source."""
    source = inspect.getsource(config)
    [body] = [one.body for one in ast.parse(source).body if isinstance(one, ast.ClassDef) and one.name == "Config"]
    for node, after in itertools.pairwise(body):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id != "sources":
            written = ast.get_source_segment(source, node.value) if node.value else ""
            yield node.target.id, ast.unparse(node.annotation), _default(written or ""), _text_of(after)


def _setting(name: str, kind: str, default: str, meaning: str) -> str:
    variable = "(not in the environment)" if "Callable" in kind else f"`{config.PREFIX}{name.upper()}`"
    return f"## `{name}`\n\n{prose(meaning)}\n\n{variable} · type `{kind}` · default `{default}`"


def _default(written: str) -> str:
    factory = re.fullmatch(r"field\(default_factory=(\w+)\)", written)
    return {"dict": "{}", "list": "[]"}[factory[1]] if factory else written


def _text_of(node: ast.stmt) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return str(node.value.value)
    return ""


# --- Summary --------------------------------------------------------------------------------------------------------


def summary_page() -> str:
    """The keys of `summary.json`, from the JSON Schema that ships with the package."""
    root = schema.load()
    top = root["properties"]
    return page(
        "summary.json",
        "navigator_obs/runs/summary.schema.json",
        root["description"],
        SUMMARY_INTRO.strip(),
        *(_section(name, node, root) for name, node in top.items() if _rows(node, root)),
        "## Types",
        *(f"- {name}: {node['description']}" for name, node in root["$defs"].items()),
    )


def _section(name: str, node: Node, root: Node) -> str:
    meaning = node.get("description")
    rows = table(("key", "type", "meaning"), _rows(node, root))
    return "\n\n".join([f"## `{name}`", *([_sentence(meaning)] if meaning else []), rows])


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:].rstrip('.')}."


def _rows(node: Node, root: Node) -> list[tuple[str, str, str]]:
    return [(f"`{path}`", _type(found, root), _meaning(found)) for path, found in _paths(node, root, "") if path]


def _paths(node: Node, root: Node, path: str) -> Iterator[tuple[str, Node]]:
    """Yield each key below *node* with its own schema, objects before what is in them."""
    for inner in (_resolved(node, root), *node.get("anyOf", ())):
        for name, child in inner.get("properties", {}).items():
            below = f"{path}.{name}" if path else name
            yield below, child
            yield from _paths(child, root, below)
        if isinstance(inner.get("additionalProperties"), dict):
            yield from _below(inner["additionalProperties"], root, f"{path}.<…>".lstrip("."))
        if isinstance(inner.get("items"), dict):
            yield from _below(inner["items"], root, f"{path}[]")


def _below(child: Node, root: Node, path: str) -> Iterator[tuple[str, Node]]:
    found = list(_paths(child, root, path))
    yield from found or ([(path, child)] if path.endswith("<…>") else [])


def _resolved(node: Node, root: Node) -> Node:
    reference = node.get("$ref")
    return root["$defs"][reference.rsplit("/", 1)[1]] if reference else node


def _type(node: Node, root: Node) -> str:
    if "$ref" in node:
        return str(node["$ref"].rsplit("/", 1)[1])
    if "anyOf" in node:
        return " or ".join(_type(one, root) for one in sorted(node["anyOf"], key=lambda one: one.get("type") == "null"))
    kind = node.get("type", "any")
    words = " or ".join(kind) if isinstance(kind, list) else str(kind)
    items = node.get("items", {}).get("type")
    return f"{words} of {items}" if isinstance(items, str) and items != "object" else words


def _meaning(node: Node) -> str:
    words = str(node.get("description", ""))
    choices = ", ".join(f"`{one}`" for one in node.get("enum", ()))
    return ": ".join(part for part in (words, choices) if part)


# --- Public names ---------------------------------------------------------------------------------------------------


def api_page() -> str:
    """The public names with signatures and docstrings, then what they hand out, then the helpers for tests."""
    parts = [API_INTRO.strip()]
    for topic, names in TOPICS.items():
        parts.append(f"## {topic}")
        parts.extend(entry(name, _home(name)) for name in names)
    parts.append(f"```text\n{_error_tree()}\n```\n\nThe children are in `navigator_obs.errors`.")
    parts.append("## What they give you and take")
    parts.append(entry("OpenOperation", opened, INSIDE_OPERATIONS))
    parts.append(entry("Checking", checking))
    parts.append(entry("BoundLogger", logger))
    parts.append(entry("RunEntry", run_entry))
    parts.append(entry("RunObserver", observer))
    parts.append("## `navigator_obs.testing`")
    parts.append(prose(testing.__doc__))
    parts.extend(entry(name, testing) for name in public_names(testing))
    return page("The public names", "the package's signatures and docstrings", *parts)


def _home(name: str) -> ModuleType:
    return import_module(f"navigator_obs.{obs._HOMES[name]}")


def _error_tree() -> str:
    return (errors.__doc__ or "").split("\n\n")[1]


# --- The command line -----------------------------------------------------------------------------------------------


def cli_page() -> str:
    """Each verb with its help, as click knows it; how click of the day lays it out does not matter."""
    context = click.Context(verbs.group, info_name=complaint.PROGRAM)
    commands = {name: verbs.group.get_command(context, name) for name in verbs.group.list_commands(context)}
    return page(
        "The command line",
        "the help of the commands in navigator_obs/cli",
        CLI_INTRO.strip(),
        prose(verbs.group.help),
        *(_verb(name, command, context) for name, command in commands.items() if command),
        "## Exit codes",
        prose((command_line.__doc__ or "").split("\n\n")[1].replace("Exit codes: ", "")),
    )


def _verb(name: str, command: click.Command, parent: click.Context) -> str:
    context = click.Context(command, info_name=name, parent=parent)
    usage = " ".join([parent.info_name or "", name, *command.collect_usage_pieces(context)])
    options = [one for one in command.params if isinstance(one, click.Option)]
    rows = ((_spelling(one), one.help or "") for one in options)
    return "\n\n".join([f"## `{name}`", fence(usage), *_help(command), table(("option", "meaning"), rows)])


def _help(command: click.Command) -> Iterator[str]:
    """The help's paragraphs; one that click is told to leave alone is a fence."""
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        if paragraph.startswith("\b\n"):
            yield fence(paragraph[2:])
        else:
            yield prose(paragraph)


def _spelling(option: click.Option) -> str:
    value = "" if option.is_flag or option.count else f" {option.metavar or option.type.name.upper()}"
    return f"`{', '.join([*option.opts, *option.secondary_opts])}{value}`"


# --- The script -----------------------------------------------------------------------------------------------------

PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "events.md": events_page,
    "settings.md": settings_page,
    "summary.md": summary_page,
    "api.md": api_page,
    "cli.md": cli_page,
}


def stale() -> list[Path]:
    """Return the pages that differ from what would be written now."""
    found = ((REFERENCE / name, write()) for name, write in PAGES.items())
    return [path for path, text in found if not path.exists() or path.read_text(encoding="utf-8") != text]


def main(arguments: list[str]) -> int:
    """Write the pages, or with --check tell which are stale."""
    if arguments not in ([], ["--check"]):
        print("usage: python docs/generate.py [--check]", file=sys.stderr)
        return 2
    if arguments:
        for path in stale():
            print(f"stale: {path.relative_to(ROOT)}; run python docs/generate.py", file=sys.stderr)
        return 1 if stale() else 0
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for name, write in PAGES.items():
        (REFERENCE / name).write_text(write(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
