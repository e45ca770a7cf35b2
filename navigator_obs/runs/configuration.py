"""The parameters of a run, of any shape, as plain redacted data with a fingerprint."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from ..encoding import nonfinite_paths, simplify, text
from ..errors import UsageError
from ..redaction import MARK, Redactor
from .words import shown


def describe(params: Any, redactor: Redactor) -> dict[str, Any]:
    """Return the summary's `configuration`: `params`, `sources`, `fingerprint`, `redacted` (and `nonfinite`, if any).

    *params* is None, a mapping, a dataclass, a pydantic or attrs model, a named tuple, or a namespace (argparse's,
    say). Secrets are replaced, also in the fingerprint's input: a hash of a short password would be as good as the
    password. Raises UsageError for anything else.

    >>> described = describe({"seed": 42, "db": {"password": "hunter2"}}, Redactor())
    >>> described["params"], described["redacted"]
    ({'seed': 42, 'db': {'password': '[redacted]'}}, ['db.password'])
    """
    given = simplify(_given(params), keep_nonfinite=True)
    # Plain first: the keys of models inside models are keys like others then.
    plain = redactor.clean_mapping(simplify(given))
    described = {
        "params": plain,
        "sources": {},
        "fingerprint": fingerprint(plain),
        "redacted": sorted(_marked(plain)),
    }
    nonfinite = nonfinite_paths(given)
    return {**described, "nonfinite": nonfinite} if nonfinite else described


def _given(params: Any) -> dict[str, Any]:
    try:
        return as_mapping(params)
    except UsageError:
        raise
    except Exception as error:
        # A model that can't tell its fields stops no simulation.
        return {"params": text(params), "unreadable": f"{type(error).__name__}: {text(error)}"}


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
        f"params {shown(params)} must be a mapping, a dataclass, a pydantic or attrs model, or a namespace; "
        f"not {type(params).__name__}"
    )


def fingerprint(plain: Any) -> str:
    """Return ``sha256:…`` of plain data, the same whatever the order of its keys."""
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{sha256(canonical.encode('utf-8', 'replace')).hexdigest()}"


def _marked(value: Any, path: str = "") -> list[str]:
    if isinstance(value, str):
        return [path] if MARK in value else []
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in items for found in _marked(item, f"{path}.{key}" if path else str(key))]
