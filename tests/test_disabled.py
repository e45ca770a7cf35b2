"""`NAVIGATOR_OBS_DISABLED=1`: everything is there, does nothing, and never raises."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
import textwrap
from types import FunctionType

import pytest

import navigator_obs as obs
from navigator_obs import disabled
from navigator_obs.operations.node import Node
from navigator_obs.runs.run import Run

PROGRAM = """
import asyncio, gc, json, sys, time
import navigator_obs as obs
import structlog

config = obs.configure(log_dir="logs", runs_dir="runs", level="NO SUCH LEVEL", no_such_setting=1)
log = obs.get_logger("planwise", scenario="baseline")

@obs.operation
def plain(value):
    return value
@obs.operation("named", log=False)
def named(value):
    return value
class Model:
    @obs.operation
    @staticmethod
    def static(value):
        return value
    @classmethod
    @obs.operation("made")
    def made(cls, value):
        return value
@obs.operation(log="never", record=["year"])
async def awaited(year):
    return year

with obs.start_run("baseline", params={"seed": 1}, years=range(3), run_id="mine", tags=["a"]) as run:
    with obs.context(year=2025), obs.operation("year_simulation", log=0.5) as op:
        op.add_rows(3); op.set(a=1); op.fail("no"); op.pause(); op.resume()
        log.info("event", a=1); log.warning("event"); log.bind(b=2).error("event %s", 1)
        log.limited(most=1).critical("event")
        structlog.get_logger("other").critical("event")
        try:
            1 / 0
        except ZeroDivisionError:
            log.exception("event")
        obs.count("rows", 3, kind="a"); obs.gauge("size", 1.5); obs.observe("seconds", 2)
        assert obs.check("total", 1, max=0, severity="nonsense", stop=True) is True
        assert [plain(1), named(2), Model.static(3), Model.made(4), asyncio.run(awaited(5))] == [1, 2, 3, 4, 5]
        assert obs.carry(len)("abc") == 3
    run.add_artifact("nowhere.csv"); run.checkpoint("x"); run.tag(1); run.fail("no")
    (run.directory / "chart.txt").write_text("drawn")
    assert run.run_id == "mine" and run.status == "running" and run.summary["run_metadata"]["name"] == "baseline"
assert run.status == "success"
obs.start_run("by hand").finish("nonsense")
assert plain is not None and not hasattr(plain, "__wrapped__")
obs.shutdown()
print(json.dumps({"level": config.level, "folder": str(run.directory)}))
"""

# What an open operation shows to other operations and to the scope alone.
INTERNAL = {"operation", "ended", "is_under"}


def run_disabled(folder, code, value="1"):
    environ = {key: item for key, item in os.environ.items() if not key.startswith("NAVIGATOR_OBS")}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        cwd=folder, env={**environ, "NAVIGATOR_OBS_DISABLED": value, "TMPDIR": str(folder)},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def test_everything_is_a_no_op(tmp_path):
    """A program that uses every public name runs to its end, and leaves no file, no line and no word."""
    done = run_disabled(tmp_path, PROGRAM)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert json.loads(done.stdout)["level"] == "INFO"
    assert [path.name for path in tmp_path.iterdir()] == [os.path.basename(json.loads(done.stdout)["folder"])]


@pytest.mark.parametrize("value", ["0", "false", "No", "off", ""])
def test_a_no_leaves_everything_on(tmp_path, value):
    """The variable says no in the ways in which settings do."""
    code = "import navigator_obs as obs; obs.configure(console='off'); obs.get_logger('a').warning('said')"
    assert run_disabled(tmp_path, code, value).returncode == 0
    assert (tmp_path / "logs" / "navigator.log").read_text().count("said") == 1


def test_captured_events_are_seen_all_the_same(tmp_path):
    """A project whose tests capture events need not know whether everything is switched off."""
    code = """
    import navigator_obs as obs
    from navigator_obs.testing import assert_logged, captured_events
    with captured_events() as events:
        obs.get_logger("a").info("said", rows=3)
    assert_logged(events, "said", rows=3)
    """
    done = run_disabled(tmp_path, code)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("real", "stand_in"), [(Run, disabled.Run), (Node, disabled.OpenOperation)])
def test_what_programs_may_call_is_there(real, stand_in):
    """Whatever a run or an open operation offers, its stand-in offers."""
    members = {name: inspect.getattr_static(real, name) for name in dir(real) if not name.startswith("_")}
    offered = {name for name, member in members.items() if isinstance(member, (property, FunctionType))}
    assert {"fail"} <= offered
    assert {name for name in offered if not hasattr(stand_in, name)} <= INTERNAL


def test_every_public_name_is_real_or_has_its_stand_in():
    """No public name is forgotten: what does not stand here reads, or is silent by itself."""
    assert set(obs.__all__) - disabled.NO_OPS == {"Config", "History", "ObsError", "get_logger"}
    assert all(hasattr(disabled, name) for name in disabled.NO_OPS)


def test_the_command_line_says_so(tmp_path):
    """`config` tells why nothing is recorded, and the demo, which would show nothing, is refused."""
    code = "from navigator_obs.cli.main import main; import sys; sys.exit(main({}))"
    done = run_disabled(tmp_path, code.format(["config"]))
    assert "NAVIGATOR_OBS_DISABLED is set" in done.stderr
    done = run_disabled(tmp_path, code.format(["demo"]))
    assert done.returncode == 2
    assert "NAVIGATOR_OBS_DISABLED" in done.stderr
