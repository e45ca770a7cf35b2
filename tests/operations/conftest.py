"""A run as far as operations know of it: a tag that is open, and an accumulator installed for it."""

from __future__ import annotations

import pytest

from navigator_obs.encoding import from_json
from navigator_obs.events import scope
from navigator_obs.operations import metrics
from navigator_obs.operations.record import OperationRecord


class OpenRun:
    """The accumulator of an open run, what it heard, and what `take` gives."""

    def __init__(self, **settings):
        self.logged = []
        self.tag = scope.RunTag("a-run")
        self.accumulator = metrics.Accumulator(on_logged=self._hear, **settings)
        scope.open_run(self.tag)
        metrics.install(self.tag, self.accumulator)

    def _hear(self, told, status, end_time, breakdown, peak_mb):
        record = OperationRecord.from_dict(from_json(told), end_time.decode())
        assert (record.status, record.end_time, record.breakdown) == (status, end_time.decode(), breakdown)
        assert record.peak_memory_mb == peak_mb
        self.logged.append(record)

    def close(self):
        metrics.remove(self.tag)
        scope.close_run(self.tag)

    def take(self):
        return self.accumulator.take()

    def counts(self):
        return {path: stats.count for path, stats in self.take().operations.items()}


@pytest.fixture
def open_run():
    opened = OpenRun()
    yield opened
    opened.close()
    assert opened.accumulator.broken == 0
    assert opened.accumulator.open == set()
