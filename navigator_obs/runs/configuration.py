"""The parameters of a run, of any shape, as plain redacted data with a fingerprint."""

from __future__ import annotations

import dataclasses
import hmac
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, Final

from ..encoding import nonfinite_paths, simplify, text
from ..errors import ObsError
from ..events.rotation import make_private_folder
from ..plain import MAX_ITEMS
from ..redaction import MARK, Redactor
from .seal import key_id
from .sources import Sourced, gather, leaves, source_of

KEY_NAME: Final = ".compare.key"
MAX_SOURCES: Final = 2000
_SHOWN: Final = 16
_KEY_ID: Final = 8
_MAX_DEPTH: Final = 32
_SCALARS: Final = frozenset({str, int, float, bool, type(None)})


def describe(
    params: Any, redactor: Redactor, comparing_key: Callable[[], bytes | None] | None = None
) -> dict[str, Any]:
    """Return the summary's `configuration`: `params`, `sources`, `fingerprint`, `redacted`, `redacted_digests` (and
    `nonfinite`, if any).

    What *params* may be is told at `sources.gather`. Secrets are replaced, also in the fingerprint's input: a hash of a
    short password would be as good as the password. What can be compared is their digest with a key that stays where
    the runs are, which *comparing_key* fetches; without it there is none. Raises UsageError for anything else.

    >>> described = describe({"seed": 42, "db": {"password": "hunter2"}}, Redactor())
    >>> described["params"], described["redacted"]
    ({'seed': 42, 'db': {'password': '[redacted]'}}, ['db.password'])
    """
    values, sources = _given(params)
    given = simplify(_opened(values), keep_nonfinite=True)
    # Plain first: the keys of models inside models are keys like others then.
    plain = redactor.clean_mapping(simplify(_opened(values, MARK)))
    hidden = dict(_marked(plain, given))
    described = {
        "params": plain,
        "sources": {path: redactor.text(source) for path, source in _by_leaf(plain, sources).items()},
        "fingerprint": fingerprint(plain),
        "redacted": sorted(hidden),
        "redacted_digests": _digests(hidden, comparing_key),
    }
    nonfinite = nonfinite_paths(given)
    return {**described, "nonfinite": nonfinite} if nonfinite else described


def _given(params: Any) -> Sourced:
    try:
        return gather(params)
    except ObsError:
        raise
    except Exception as error:
        # A model that can't tell its fields stops no simulation.
        return {"params": text(params), "unreadable": f"{type(error).__name__}: {text(error)}"}, {}


def _opened(value: Any, closed: str | None = None, above: tuple[int, ...] = ()) -> Any:
    """With what pydantic's secret types hold in their place, or with *closed*. What can't be read stays as it is, and
    so does what of a long collection is not kept.
    """
    if type(value) in _SCALARS:
        return value
    if id(value) in above or len(above) > _MAX_DEPTH:
        return value
    try:
        if hasattr(type(value), "get_secret_value"):
            return value.get_secret_value() if closed is None else closed
        inside, above = _inside(value), (*above, id(value))
        if isinstance(inside, Mapping):
            first = {key: _opened(item, closed, above) for key, item in islice(inside.items(), MAX_ITEMS)}
            return first if len(first) == len(inside) else {**inside, **first}
        if type(inside) in {list, tuple}:
            return [*(_opened(item, closed, above) for item in inside[:MAX_ITEMS]), *inside[MAX_ITEMS:]]
        return inside
    except Exception:
        # `simplify` tells such a value by its type.
        return value


def _inside(value: Any) -> Any:
    if hasattr(type(value), "model_dump"):
        return value.model_dump()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)}
    return value


def _by_leaf(plain: Mapping[str, Any], sources: Mapping[str, str]) -> dict[str, str]:
    return {".".join(path): source_of(path, sources) for path, _ in islice(leaves(plain), MAX_SOURCES)}


def _digests(hidden: Mapping[str, Any], comparing_key: Callable[[], bytes | None] | None) -> dict[str, str]:
    key = comparing_key() if hidden and comparing_key is not None else None
    if key is None:
        return {}
    # Digests of two keys can't be compared.
    which = str(key_id(key))[:_KEY_ID]
    return {
        path: f"{which}:{hmac.digest(key, _canonical(value), 'sha256').hex()[:_SHOWN]}"
        for path, value in hidden.items()
    }


def comparing_key(runs_dir: Path, dir_mode: int = 0o700) -> bytes | None:
    """Return the key by which the secrets of runs in one folder are compared, made when it is first needed.

    It stands in the folder, for its user alone: whoever has a summary and not the folder can't try passwords on it.
    None where it can't be had.
    """
    path = runs_dir / KEY_NAME
    try:
        if not path.exists():
            make_private_folder(runs_dir, dir_mode)
            draft = path.with_name(f"{KEY_NAME}.{os.getpid()}-{threading.get_ident()}")
            draft.write_text(os.urandom(32).hex(), encoding="ascii")
            draft.chmod(0o600)
            try:
                # The first one that comes decides.
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink(missing_ok=True)
        return path.read_bytes()
    except OSError:
        return None


def fingerprint(plain: Any) -> str:
    """Return ``sha256:…`` of plain data, the same whatever the order of its keys."""
    return f"sha256:{sha256(_canonical(plain)).hexdigest()}"


def _canonical(plain: Any) -> bytes:
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return canonical.encode("utf-8", "replace")


def _marked(value: Any, given: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the paths at which something was replaced, each with what stood there."""
    if isinstance(value, str):
        if MARK in value:
            yield path, given
        return
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    # Keys may be cleaned as well; their order stays.
    others = list(given.values()) if isinstance(given, dict) else given if isinstance(given, list) else []
    for place, (key, item) in enumerate(items):
        other = others[place] if place < len(others) else None
        yield from _marked(item, other, f"{path}.{key}" if path else str(key))
