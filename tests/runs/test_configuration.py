"""Parameters of any shape become plain, redacted data with a fingerprint."""

from __future__ import annotations

import argparse
from collections import namedtuple
from dataclasses import dataclass, field

import pytest

from navigator_obs.errors import UsageError
from navigator_obs.redaction import Redactor
from navigator_obs.runs.configuration import describe


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


@pytest.mark.parametrize("params", [42, "seed=42", [1, 2], int])
def test_what_has_no_fields_is_refused(params):
    """A wrong use raises at once, naming the value and what would be valid."""
    with pytest.raises(UsageError, match="must be a mapping, a dataclass"):
        describe(params, Redactor())
