"""Parameters in a file: TOML, JSON or YAML, each value with the line that it stands in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ..encoding import shown
from ..errors import MissingExtra, UsageError

MAX_FILE_BYTES: Final = 10_000_000
_MAX_LINES: Final = 100_000
Lines = dict[str, int]
_TOML_KEY: Final = re.compile(r"""\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*=""")
# A key with its colon, another text, a bracket, or the end of a line.
_JSON_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"(?:\s*:)?|[\[\]{}]|\n')


def read_file(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values in a file, and ``file:line`` by path of each.

    Raises UsageError where it can't be read or is no table, and MissingExtra for YAML without PyYAML.
    """
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise UsageError(f"params {shown(str(path))} must be a file of the kind {', '.join(_READERS)}")
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise UsageError(f"params {shown(str(path))} is larger than {MAX_FILE_BYTES:,} bytes")
        content = path.read_text(encoding="utf-8")
        values, lines = read(content)
    except (OSError, ValueError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"params {shown(str(path))} can't be read: {error}") from None
    if not isinstance(values, dict):
        raise UsageError(f"params {shown(str(path))} must hold a table of names and values")
    # What no line was found of is the file's all the same.
    return values, dict.fromkeys(map(str, values), str(path)) | {name: f"{path}:{line}" for name, line in lines.items()}


def _toml(content: str) -> tuple[Any, Lines]:
    import tomllib

    values = tomllib.loads(content)
    lines: Lines = {}
    table: tuple[str, ...] = ()
    for number, line in _toml_lines(content):
        header = re.match(r"\s*\[\[?([^\]\[]+)\]\]?\s*(?:#.*)?$", line)
        found = _TOML_KEY.match(line)
        if header:
            table = _keys(header[1])
            lines.setdefault(".".join(table), number)
        elif found:
            lines.setdefault(".".join((*table, *_keys(found[1]))), number)
    known = {".".join(path) for path in _paths(values)}
    return values, {name: number for name, number in lines.items() if name in known}


def _toml_lines(content: str) -> Iterator[tuple[int, str]]:
    """The lines with their numbers, but for those within a text of several lines."""
    closing = ""
    for number, line in enumerate(content.splitlines(), start=1):
        if not closing:
            yield number, line
        for quotes in re.findall(r'"""|\'\'\'', line):
            closing = "" if quotes == closing else closing or quotes


def _keys(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _paths(values: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in values.items():
        yield (*above, key)
        if isinstance(value, Mapping):
            yield from _paths(value, (*above, key))


def _json(content: str) -> tuple[Any, Lines]:
    import json

    return json.loads(content), dict(_json_lines(content))


def _json_lines(content: str) -> Iterator[tuple[str, int]]:
    """The path and the line of each key that stands in no list."""
    import json

    # Of each open bracket the key that is at hand; None for a list, in which there are no paths.
    above: list[str | None] = []
    line, key = 1, ""
    for token in _JSON_TOKEN.finditer(content):
        word = token[0]
        if word == "\n":
            line += 1
        elif word in "[{":
            above.append(key if word == "{" else None)
        elif word in "]}":
            above.pop()
        elif word[-1] == ":":
            key = json.loads(word[:-1])
            if None not in above:
                yield ".".join([*filter(None, above[1:]), key]), line
            line += word.count("\n")


def _yaml(content: str) -> tuple[Any, Lines]:
    try:
        import yaml  # type: ignore[import-untyped,import-not-found,unused-ignore]
    except ImportError:
        raise MissingExtra("params in YAML need the yaml extra: pip install 'navigator-obs[yaml]'") from None
    try:
        values = yaml.safe_load(content)
        root = yaml.compose(content, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None
    lines: Lines = {}

    def walk(node: Any, path: tuple[str, ...], within: tuple[Any, ...]) -> None:
        # An alias is the node that it stands for: one may stand in itself, or in many places.
        is_new = isinstance(node, yaml.MappingNode) and node not in within
        for key, value in node.value if is_new and len(lines) < _MAX_LINES else ():
            inner = (*path, str(key.value))
            lines[".".join(inner)] = key.start_mark.line + 1
            walk(value, inner, (*within, node))

    walk(root, (), ())
    return values, lines


_READERS: Final[Mapping[str, Callable[[str], tuple[Any, Lines]]]] = {
    ".toml": _toml,
    ".json": _json,
    ".yaml": _yaml,
    ".yml": _yaml,
}
