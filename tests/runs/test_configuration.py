"""Parameters of any shape become plain, redacted data with a fingerprint."""

from __future__ import annotations

import argparse
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

import navigator_obs as obs
from navigator_obs.errors import UsageError
from navigator_obs.redaction import Redactor
from navigator_obs.runs.configuration import comparing_key, describe


@dataclass
class Database:
    path: str = "sim.duckdb"
    password: str = "hunter2"


@dataclass
class Scenario:
    seed: int = 42
    db: Database = field(default_factory=Database)


class Model:
    """Shaped like a pydantic model."""

    def model_dump(self):
        return {"seed": 42, "growth": 0.03}


Pair = namedtuple("Pair", "seed growth")


@pytest.mark.parametrize(
    "params",
    [{"seed": 42, "growth": 0.03}, Model(), Pair(42, 0.03), argparse.Namespace(seed=42, growth=0.03)],
    ids=["mapping", "pydantic", "namedtuple", "namespace"],
)
def test_any_shape_gives_the_same_parameters(params):
    """A mapping, a model, a named tuple and a namespace with the same values are the same configuration."""
    described = describe(params, Redactor())
    assert described["params"] == {"seed": 42, "growth": 0.03}
    assert described["fingerprint"] == describe({"growth": 0.03, "seed": 42}, Redactor())["fingerprint"]


@pytest.mark.parametrize("params", [Scenario(), {"scenario": Scenario()}, {"list": [Scenario()]}])
def test_secrets_are_replaced_wherever_they_stand(params):
    """A password in a dataclass in a list in a mapping is as secret as one at the top, and its place is told."""
    described = describe(params, Redactor())
    assert "hunter2" not in str(described)
    assert len(described["redacted"]) == 1
    assert described["redacted"][0].endswith("db.password")


def test_no_parameters_are_an_empty_configuration():
    """None is a run without parameters."""
    assert describe(None, Redactor())["params"] == {}


def test_other_values_another_fingerprint():
    """The fingerprint tells configurations apart."""
    assert describe({"seed": 1}, Redactor())["fingerprint"] != describe({"seed": 2}, Redactor())["fingerprint"]


def test_what_json_lacks_is_null_and_said():
    """NaN and infinities become null, with their names beside them."""
    described = describe({"rate": float("nan"), "cap": float("inf")}, Redactor())
    assert described["params"] == {"rate": None, "cap": None}
    assert described["nonfinite"] == {"rate": "nan", "cap": "inf"}


@pytest.mark.parametrize("params", [42, [1, 2], int, [{"seed": 1}, 42]])
def test_what_has_no_fields_is_refused(params):
    """A wrong use raises at once, naming the value and what would be valid."""
    with pytest.raises(UsageError, match="must be a mapping, a dataclass"):
        describe(params, Redactor())


def test_a_secret_that_changed_is_seen_and_not_shown(recorder):
    """Runs of one folder have the same digest for the same secret; without the folder's key nobody can try words."""
    found = []
    for password in ("hunter2", "hunter2", "hunter3"):
        with obs.start_run("baseline", params={"db": {"password": password}, "seed": 1}) as run:
            pass
        found.append(run.summary["configuration"])
    one, two, three = (each["redacted_digests"]["db.password"] for each in found)
    assert one == two != three
    assert len({each["fingerprint"] for each in found}) == 1
    key = recorder.runs_dir / ".compare.key"
    assert key.stat().st_mode & 0o077 == 0
    assert "hunter" not in str(found)
    assert [run.name for run in obs.History(recorder.runs_dir).list()] == ["baseline"] * 3


def test_a_secret_in_a_type_of_pydantic_s_is_compared_and_not_shown(tmp_path):
    """Whatever its key is called, in a model, in a model of a mapping, and in a list."""
    pydantic = pytest.importorskip("pydantic")

    class Database(pydantic.BaseModel):
        host: str
        dsn: pydantic.SecretStr

    def of(secret, wrap=lambda model: model):
        params = wrap(Database(host="local", dsn=secret))
        return describe(params, Redactor(), lambda: comparing_key(tmp_path))

    one, other = of("hunter2"), of("hunter3")
    assert one["params"] == {"host": "local", "dsn": "[redacted]"}
    assert one["redacted"] == ["dsn"]
    assert one["redacted_digests"] == of("hunter2")["redacted_digests"] != other["redacted_digests"]
    assert "hunter" not in str([one, other])
    deep = of("hunter2", lambda model: {"plan": {"dbs": [model]}})
    assert deep["redacted"] == ["plan.dbs.0.dsn"]
    assert deep["redacted_digests"]["plan.dbs.0.dsn"] == one["redacted_digests"]["dsn"]


class Broken:
    """A model that answers nothing."""

    def model_dump(self):
        raise RuntimeError("no")


def test_what_can_not_be_read_or_has_no_end_stops_no_run():
    """A model that raises, and a mapping that holds itself twice: told as far as they go."""
    circle: dict = {"seed": 1}
    circle["left"] = circle["right"] = circle
    described = describe({"model": Broken(), "plan": circle}, Redactor())
    assert described["params"]["plan"]["seed"] == 1
    assert "circular" in str(described["params"]["plan"]["left"])
    assert "Broken" in str(described["params"]["model"])


def test_many_that_start_at_once_have_one_key(tmp_path):
    """The first one that makes it decides."""
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: comparing_key(tmp_path / "runs"), range(64)))
    assert len(keys) == 1
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [".compare.key"]


def test_where_no_key_can_be_had_there_are_no_digests(tmp_path):
    """A folder that can't be written."""
    (tmp_path / "file").write_text("")
    assert comparing_key(tmp_path / "file" / "runs") is None
    assert describe({"password": "x"}, Redactor(), lambda: None)["redacted_digests"] == {}
