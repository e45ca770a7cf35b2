"""The counters of out-of-memory kills, as a run that is open tells them."""

from __future__ import annotations

from navigator_obs.clock import clock
from navigator_obs.operations.oom import Kills
from navigator_obs.testing import FakeClock


def test_the_counters_are_read_again_every_few_seconds(tmp_path):
    """In between what was read is told once more."""
    fake, file = FakeClock(), tmp_path / "memory.events"
    before = clock.use(fake)
    try:
        file.write_text("oom 1\noom_kill 1\n")
        kills = Kills(str(file))
        first = kills.lately()
        file.write_text("oom 2\noom_kill 2\n")
        fake.advance(Kills.SECONDS / 2)
        soon = kills.lately()
        fake.advance(Kills.SECONDS / 2)
        later = kills.lately()
    finally:
        clock.use(before)
    assert (first["group"], soon, later["group"]) == (1, first, 2)
