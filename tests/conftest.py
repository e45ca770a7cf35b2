"""What every test gets: a toolkit that is shut down behind it, and `recorder`, a configured one on real files."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from navigator_obs import assembly
from navigator_obs.clock import clock
from navigator_obs.events import sinks
from navigator_obs.testing import FakeClock

# Whoever starts the tests with `&` or nohup hands down ignored signals, which the programs of tests are to hear.
for _number, _handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)

# pytest-xdist hands down the width of the terminal, at which lines would be broken.
for _name in ("COLUMNS", "LINES"):
    os.environ.pop(_name, None)

# A machine that is busy with something else is no failure.
settings.register_profile("unhurried", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def _shut_down_after():
    yield
    assembly.shutdown()


class Recorder:
    """The toolkit on real files under a test's own folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log_dir = root / "logs"
        self.runs_dir = root / "artifacts" / "runs"
        self.config = self.configure()

    def configure(self, **settings):
        places = {"log_dir": self.log_dir, "runs_dir": self.runs_dir}
        # On a machine where a run takes long nothing may be left out for its cost.
        others = {"console": "off", "run_report": False, "overhead_budget_percent": 1000}
        self.config = assembly.configure(**{**places, **others, **settings})
        return self.config

    def lines(self) -> list[bytes]:
        sinks.flush()
        paths = sorted(self.log_dir.glob("navigator.log*"), key=_age, reverse=True)
        return [line for path in paths for line in path.read_bytes().splitlines()]

    def events(self, message: str | None = None) -> list[dict]:
        found = [json.loads(line) for line in self.lines()]
        return [event for event in found if message is None or event["message"] == message]


def _age(path: Path) -> int:
    suffix = path.suffix.removeprefix(".")
    return int(suffix) if suffix.isdigit() else 0


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    # Outside of this checkout, whose state its runs would record.
    monkeypatch.chdir(tmp_path)
    return Recorder(tmp_path)


@pytest.fixture
def fake_clock():
    fake = FakeClock()
    previous = clock.use(fake)
    yield fake
    clock.use(previous)
