"""The schema of the summary ships with the package, and what reads summaries needs no logging library."""

from __future__ import annotations

import copy
import subprocess
import sys

import jsonschema
import pytest

from navigator_obs.runs import schema
from navigator_obs.runs.summary import fold

READERS = (
    "navigator_obs.runs.summary, navigator_obs.runs.records, navigator_obs.runs.liveness, navigator_obs.runs.schema"
)


def test_it_is_a_schema():
    """Draft 2020-12, and correct by its own rules."""
    jsonschema.Draft202012Validator.check_schema(schema.load())


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("run_metadata", "status"), "finished"),
        (("run_metadata", "run_id"), "../x"),
        (("run_metadata", "start_time"), "2025-01-01 00:00"),
        (("execution_summary", "errors"), -1),
        (("configuration", "fingerprint"), "md5:0"),
        (("schema_version",), 2),
        (("surprise",), 1),
    ],
)
def test_it_refuses_what_no_summary_says(place, value):
    """A schema that lets everything through would prove nothing."""
    validator = jsonschema.Draft202012Validator(schema.load())
    summary = copy.deepcopy(fold([]))
    validator.validate(summary)
    *path, last = place
    target = summary
    for key in path:
        target = target[key]
    target[last] = value
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(summary)


def test_readers_of_dead_runs_import_neither_structlog_nor_psutil():
    """Whoever lists runs does not pay for what only a live run needs."""
    code = f"import sys, {READERS}; sys.exit('structlog' in sys.modules or 'psutil' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def undescribed(node, path=""):
    for name, child in node.get("properties", {}).items():
        if not child.get("description"):
            yield f"{path}.{name}"
        yield from undescribed(child, f"{path}.{name}")
    inner = [*node.get("anyOf", ()), node.get("additionalProperties"), node.get("items")]
    for child in inner:
        if isinstance(child, dict):
            yield from undescribed(child, f"{path}.<>")


def test_every_key_is_described():
    """The reference is made from it: a key without a meaning would be a riddle there."""
    assert list(undescribed(schema.load())) == []
