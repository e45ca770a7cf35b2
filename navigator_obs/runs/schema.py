"""The JSON Schema of `summary.json`, which ships with the package (draft 2020-12)."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

from ..encoding import from_json

SCHEMA_NAME: Final = "summary.schema.json"


def load() -> dict[str, Any]:
    """Return the schema, as `jsonschema` and others take it.

    >>> load()["$schema"]
    'https://json-schema.org/draft/2020-12/schema'
    """
    schema: dict[str, Any] = from_json((files(__package__ or "navigator_obs.runs") / SCHEMA_NAME).read_bytes())
    return schema
