"""What stands in a run's folder, by name; who writes a file says what is in it."""

from __future__ import annotations

from typing import Final

SUMMARY_NAME: Final = "summary.json"
JOURNAL_NAME: Final = "journal.jsonl"
WORKERS_FOLDER: Final = "workers"
LOCK_NAME: Final = "run.lock"
SEAL_NAME: Final = "seal.jsonl"
ANNOTATIONS_NAME: Final = "annotations.jsonl"
FAULT_NAME: Final = "fault.log"
STACKS_NAME: Final = "stacks.log"
SIGNALS_NAME: Final = ".signals"
SCHEMA_VERSION: Final = 1
"""Of the summary."""
