"""What a run has left in its folder, held against the schema."""

from __future__ import annotations

import json

import jsonschema

from navigator_obs.runs import schema
from navigator_obs.runs.records import read

VALIDATOR = jsonschema.Draft202012Validator(schema.load())


def on_disk(run):
    """The summary in the run's folder, which must be valid."""
    summary = json.loads((run.directory / "summary.json").read_bytes())
    VALIDATOR.validate(summary)
    return summary


def kinds(run):
    """Of each record of the run's journal, which kind it is."""
    return [record["kind"] for record in read(run.directory / "journal.jsonl")]
