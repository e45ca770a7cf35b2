"""Parameters of any shape as a dict, and where each value came from.

A source is ``code``, ``default`` (of a dataclass, a model or a command line), ``cli``, ``env``, the name that a layer
was given, or ``file:line``. Sources are told by path (``db.host``); that of a whole branch holds for all below it.
"""

from __future__ import annotations

import dataclasses
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ..encoding import shown, text
from ..errors import UsageError
from .paramfile import read_file

CODE: Final = "code"
DEFAULT: Final = "default"
CLI: Final = "cli"
_MAX_DEPTH: Final = 32
_CLICK: Final = {"COMMANDLINE": CLI, "ENVIRONMENT": "env", "PROMPT": CLI, "DEFAULT": DEFAULT, "DEFAULT_MAP": "config"}

Sourced = tuple[dict[str, Any], dict[str, str]]


def gather(params: Any) -> Sourced:
    """Return the values of *params* and their sources.

    *params* is None, a mapping, a dataclass, a pydantic or attrs model, a named tuple, a namespace (argparse's, say), a
    click context, the path of a TOML, JSON or YAML file, or several of these in a list: layers, of which a later one
    goes before an earlier one, unless all that it has is a default. A layer may be a pair of a name and one of these.
    Raises UsageError for anything else.

    >>> gather([{"seed": 1, "db": {"host": "local", "port": 5432}}, ("env", {"db": {"host": "prod"}})])
    ({'seed': 1, 'db': {'host': 'prod', 'port': 5432}}, {'seed': 'code', 'db.port': 'code', 'db.host': 'env'})
    """
    if isinstance(params, (list, tuple)) and not hasattr(params, "_asdict"):
        values: dict[str, Any] = {}
        sources: dict[str, str] = {}
        for layer in params:
            _overlay(values, sources, *_layer(layer))
        return values, sources
    if isinstance(params, (str, os.PathLike)):
        return read_file(Path(os.fspath(params)))
    if callable(getattr(params, "get_parameter_source", None)) and isinstance(getattr(params, "params", None), dict):
        return dict(params.params), {name: _of_click(params, name) for name in params.params}
    values = as_mapping(params)
    return values, _sources(params, values)


def _sources(params: Any, values: Mapping[str, Any], depth: int = 0) -> dict[str, str]:
    """The source of each value; of a dataclass or a model inside *params* those of its own values."""
    if isinstance(params, Mapping):
        return dict.fromkeys(values, CODE)
    found: dict[str, str] = {}
    tells = _tells_defaults(params)
    for key, value in values.items():
        source, inner = _source(params, key, value), getattr(params, key, None) if tells else None
        below = {}
        if source == CODE and depth < _MAX_DEPTH and _tells_defaults(inner):
            below = _sources(inner, as_mapping(inner), depth + 1)
        found |= {f"{key}.{name}": told for name, told in below.items()} or {key: source}
    return found


def _tells_defaults(params: Any) -> bool:
    return (dataclasses.is_dataclass(params) and not isinstance(params, type)) or isinstance(
        getattr(params, "model_fields_set", None), (set, frozenset)
    )


def _layer(layer: Any) -> Sourced:
    if isinstance(layer, tuple) and len(layer) == 2 and isinstance(layer[0], str) and not hasattr(layer, "_asdict"):
        values = gather(layer[1])[0]
        return values, dict.fromkeys(values, layer[0])
    return gather(layer)


def _overlay(
    values: dict[str, Any], sources: dict[str, str], more: dict[str, Any], more_sources: dict[str, str]
) -> None:
    """Put a layer above what is there."""
    for path, value in leaves(more):
        source = source_of(path, more_sources)
        if source == DEFAULT and _is_there(values, path):
            continue
        branch = values
        for depth, key in enumerate(path[:-1], 1):
            inner = branch.get(key)
            if not inner or not isinstance(inner, dict):
                # Also in the place of an empty one, which is the program's own.
                branch[key] = inner = {}
                sources.pop(".".join(path[:depth]), None)
            branch = inner
        replaced, branch[path[-1]] = branch.get(path[-1]), value
        if isinstance(replaced, Mapping):
            for below, _ in leaves(replaced, path):
                sources.pop(".".join(below), None)
        name = ".".join(path)
        sources.pop(name, None)
        sources[name] = source


def _is_there(values: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    for key in path:
        if not isinstance(values, Mapping) or key not in values:
            return False
        values = values[key]
    return True


def leaves(values: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each value below *values* that is no filled mapping, with its path."""
    for key, value in values.items():
        path = (*above, text(key))
        if isinstance(value, Mapping) and value and len(path) < 32:
            yield from leaves(value, path)
        else:
            yield path, value


def source_of(path: tuple[str, ...], sources: Mapping[str, str]) -> str:
    """Return the source of a value: its own, or that of the nearest branch above it."""
    for length in range(len(path), 0, -1):
        found = sources.get(".".join(path[:length]))
        if found is not None:
            return found
    return CODE


def _of_click(context: Any, name: str) -> str:
    source = getattr(context.get_parameter_source(name), "name", "")
    return _CLICK.get(source, CODE)


def _source(params: Any, key: str, value: Any) -> str:
    if dataclasses.is_dataclass(params):
        return DEFAULT if _is_default(params, key, value) else CODE
    given = getattr(params, "model_fields_set", None)
    if isinstance(given, (set, frozenset)):
        return CODE if key in given else DEFAULT
    if type(params).__module__ == "argparse" and type(params).__name__ == "Namespace":
        return CLI if _is_on_command_line(key, value) else DEFAULT
    return CODE


def _is_default(params: Any, key: str, value: Any) -> bool:
    field = params.__dataclass_fields__[key]
    try:
        if field.default is not dataclasses.MISSING:
            return bool(field.default == value)
        return field.default_factory is not dataclasses.MISSING and bool(field.default_factory() == value)
    except Exception:
        return False


def _is_on_command_line(key: str, value: Any) -> bool:
    """Whether an option of this name was given, or its value: a namespace does not tell."""
    words = sys.argv[1:]
    options = {f"--{key.replace('_', '-')}", f"--{key}", f"--no-{key.replace('_', '-')}"}
    if any(word.partition("=")[0] in options for word in words):
        return True
    if isinstance(value, bool) or value is None:
        # Several flags may stand in one word: -vq.
        return any(re.fullmatch(rf"-[A-Za-z]*{re.escape(key[:1])}[A-Za-z]*", word) for word in words)
    parts = value if isinstance(value, (list, tuple)) else (value,)
    # The value may stand behind an equals sign, by itself, or right behind a letter: -l2031.
    given = {part for word in words for part in (word, word.partition("=")[2], word[2:] if word[:1] == "-" else "")}
    return bool(parts) and all(part in given for part in map(text, parts))


def as_mapping(params: Any) -> dict[str, Any]:
    """Return *params* as a dict of its own fields; raises UsageError where it has none."""
    if params is None:
        return {}
    if isinstance(params, Mapping):
        return {text(key): value for key, value in params.items()}
    if dataclasses.is_dataclass(params) and not isinstance(params, type):
        return {field.name: getattr(params, field.name, None) for field in dataclasses.fields(params)}
    for method in ("model_dump", "dict", "_asdict"):
        if callable(getattr(type(params), method, None)):
            return as_mapping(getattr(params, method)())
    if hasattr(params, "__attrs_attrs__"):
        return {field.name: getattr(params, field.name, None) for field in params.__attrs_attrs__}
    if hasattr(params, "__dict__") and not isinstance(params, type) and not callable(params):
        return {key: value for key, value in vars(params).items() if not key.startswith("_")}
    raise UsageError(
        f"params {shown(params)} must be a mapping, a dataclass, a pydantic or attrs model, a namespace, the path of a "
        f"TOML, JSON or YAML file, or a list of these; not {type(params).__name__}"
    )
