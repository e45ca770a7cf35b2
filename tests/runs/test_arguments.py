"""Wrong use is refused at once; a value that can't be shown or compared is no wrong use."""

from __future__ import annotations

import weakref

import numpy as np
import pytest

import navigator_obs as obs
from navigator_obs.errors import ConfigError, UsageError
from tests.on_disk import on_disk


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": 7},
        {"name": "x" * 201},
        {"params": 42},
        {"years": 2025},
        {"years": ["2025"]},
        {"run_id": "../../x"},
        {"tags": "nightly"},
        {"tags": [7]},
        {"observers": [object()]},
    ],
)
def test_a_wrong_argument_is_refused_before_anything_is_made(recorder, wrong):
    """It raises at once, and leaves no folder behind."""
    with pytest.raises(UsageError):
        obs.start_run(**{"name": "baseline", **wrong})
    assert not recorder.runs_dir.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda run: run.finish("done"),
        lambda run: run.finish("crashed"),
        lambda run: run.checkpoint("2025"),
        lambda run: run.checkpoint(True),
        lambda run: run.add_artifact(None),
        lambda run: run.add_artifact("x", kind=""),
        lambda run: run.tag(7),
    ],
)
def test_a_wrong_use_of_a_run_is_refused(recorder, wrong):
    """It raises at once and the run goes on."""
    with obs.start_run("baseline") as run:
        with pytest.raises(UsageError):
            wrong(run)
        assert run.status == "running"
    assert run.status == "success"


def test_an_id_is_taken_once(recorder):
    """A second run of the same id is a wrong use."""
    with obs.start_run("baseline", run_id="seven"):
        pass
    with pytest.raises(UsageError, match="taken"):
        obs.start_run("baseline", run_id="seven")


def test_an_outer_id_is_adopted(recorder, monkeypatch):
    """The first run takes the id that its caller gave in the environment; a second one belongs to it."""
    monkeypatch.setenv("NAVIGATOR_OBS_RUN_ID", "batch-7")
    with obs.start_run("one") as one:
        pass
    with obs.start_run("two") as two:
        pass
    assert one.run_id == "batch-7"
    assert two.run_id != "batch-7"
    assert two.summary["run_metadata"]["parent_run_id"] == "batch-7"


def test_an_outer_id_is_validated(recorder, monkeypatch):
    """An id that leaves the folder of runs is refused, naming the variable."""
    monkeypatch.setenv("NAVIGATOR_OBS_RUN_ID", "../x")
    with pytest.raises(ConfigError, match="NAVIGATOR_OBS_RUN_ID"):
        obs.start_run("one")


class Hostile:
    def __repr__(self):
        raise RuntimeError("no repr")

    @property
    def __class__(self):
        raise RuntimeError("no class")

    def __len__(self):
        raise RuntimeError("no length")

    def __iter__(self):
        raise RuntimeError("no items")


class BytesPath:
    def __fspath__(self):
        return b"census.parquet"


def dead_proxy():
    return weakref.proxy(BytesPath())


def test_no_value_raises_out_of_a_call(recorder):
    """What can't be hashed, compared, shown or even asked for its class is recorded as well as can be."""
    values = [["a"], np.arange(3), Hostile(), dead_proxy(), {"a": {1}}, 10**5000]
    with obs.start_run("baseline", params={str(i): value for i, value in enumerate(values)}) as run:
        for value in values:
            obs.check("rows", 1, min=0, dataset=value, unit=value, year=value)
            obs.check("rows", value, min=0, equals=value)
            run.add_artifact("census.parquet", "output", note=value)
        run.add_artifact(BytesPath())
    summary = on_disk(run)
    assert sum(summary["execution_summary"]["checks"].values()) == 2 * len(values)
    assert summary["artifacts"][-1]["path"] == "census.parquet"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda run, value: obs.check(value, 1, min=0),
        lambda run, value: obs.check("rows", 1, min=0, severity=value),
        lambda run, value: obs.check("rows", 1, between=value),
        lambda run, value: obs.check("rows", value),
        lambda run, value: run.add_artifact(value),
        lambda run, value: run.add_artifact("x", value),
        lambda run, value: run.checkpoint(value),
        lambda run, value: run.checkpoint(2025, value),
        lambda run, value: run.tag(value),
        lambda run, value: run.finish(value),
        lambda run, value: obs.start_run(value),
        lambda run, value: obs.start_run("b", years=value),
        lambda run, value: obs.start_run("b", years=[value]),
        lambda run, value: obs.start_run("b", tags=[value]),
        lambda run, value: obs.start_run("b", observers=[value]),
        lambda run, value: obs.start_run("b", run_id=value),
    ],
)
def test_a_wrong_argument_is_named_whatever_it_is(recorder, wrong):
    """An object that can't be shown is refused as any other is."""
    with obs.start_run("baseline") as run, pytest.raises(UsageError):
        wrong(run, Unshown())


class Unshown:
    def __repr__(self):
        raise RuntimeError("no repr")
