"""Programs in processes of their own, none of which outlives its test."""

from __future__ import annotations

import pytest

from tests.processes.running import Program


@pytest.fixture
def program(tmp_path):
    started = []

    def start(body, **settings):
        found = Program(tmp_path, body, **settings)
        started.append(found)
        return found

    yield start
    for found in started:
        if found.process.poll() is None:
            found.process.kill()
        found.process.wait()
        for pipe in (found.process.stdin, found.process.stdout, found.process.stderr):
            pipe.close()
