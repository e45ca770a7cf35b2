"""Parameters in a file: TOML, JSON or YAML, each value with the line that it stands in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ..errors import MissingExtra, UsageError
from .words import shown

MAX_FILE_BYTES: Final = 10_000_000
Lines = dict[str, int]


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
    return values, {name: f"{path}:{line}" for name, line in lines.items()} or dict.fromkeys(values, str(path))


def _toml(content: str) -> tuple[Any, Lines]:
    import tomllib

    values = tomllib.loads(content)
    lines: Lines = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(content.splitlines(), start=1):
        header = re.match(r"\s*\[\[?([^\]\[]+)\]\]?\s*(?:#.*)?$", line)
        found = re.match(r"\s*([\w\"'.-]+)\s*=", line)
        if header:
            table = _keys(header[1])
        elif found:
            lines.setdefault(".".join((*table, *_keys(found[1]))), number)
    known = {".".join(path) for path in _paths(values)}
    return values, {name: number for name, number in lines.items() if name in known}


def _keys(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _paths(values: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in values.items():
        yield (*above, key)
        if isinstance(value, Mapping):
            yield from _paths(value, (*above, key))


def _json(content: str) -> tuple[Any, Lines]:
    import json

    values = json.loads(content)
    if not isinstance(values, dict):
        return values, {}
    lines: Lines = {}
    # Keys come in the order of the text.
    position = 0
    for path in _paths(values):
        found = re.compile(re.escape(json.dumps(path[-1], ensure_ascii=False)) + r"\s*:").search(content, position)
        if found is None:
            continue
        position = found.end()
        lines[".".join(path)] = content.count("\n", 0, found.start()) + 1
    return values, lines


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

    def walk(node: Any, above: tuple[str, ...]) -> None:
        for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
            path = (*above, str(key.value))
            lines[".".join(path)] = key.start_mark.line + 1
            walk(value, path)

    walk(root, ())
    return values, lines


_READERS: Final[Mapping[str, Callable[[str], tuple[Any, Lines]]]] = {
    ".toml": _toml,
    ".json": _json,
    ".yaml": _yaml,
    ".yml": _yaml,
}
