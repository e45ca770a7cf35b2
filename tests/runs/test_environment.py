"""The environment of a run is read from the system, never guessed, and never fails."""

from __future__ import annotations

import getpass
import os
import platform
import pwd
import sys
import types

import pytest

import navigator_obs as obs
from navigator_obs.redaction import Redactor
from navigator_obs.runs import environment
from navigator_obs.runs.behind import Behind


def test_it_names_what_the_run_runs_on(tmp_path):
    """Python, processors, memory, disk and packages are those of this process."""
    found = environment.collect(tmp_path, Redactor())
    assert found["python"] == platform.python_version()
    assert found["cpus"] >= 1
    assert found["memory_mb"] > 0
    assert found["disk_free_mb"] >= 0
    assert found["packages"]["structlog"]


def test_a_folder_that_is_gone_costs_only_its_own_answer(tmp_path):
    """What the system does not tell is null."""
    assert environment.collect(tmp_path / "missing", Redactor())["disk_free_mb"] is None


def test_the_command_line_is_redacted():
    """A secret after its option, behind its equals sign, or recognisable by itself is replaced; the rest stays."""
    argv = ["sim.py", "--seed", "42", "--token", "abc", "--api-key=xyz", "pg://ada:s3cret@db/s", "--years=5"]
    shown = environment.redacted_argv(argv, Redactor())
    assert shown[:3] == argv[:3]
    assert shown[3:] == ["--token", "[redacted]", "--api-key=[redacted]", "pg://ada:[redacted]@db/s", "--years=5"]


def test_packages_are_read_from_folder_names(tmp_path):
    """The first folder on the path wins, as it does for an import; those of the system's packages are known too."""
    for place, version in (("a", "2.0"), ("b", "1.0")):
        (tmp_path / place / f"plan_wise-{version}.dist-info").mkdir(parents=True)
    for name in ("PyJWT-2.6.0.egg-info", "cups_helpers-1.0-py3.10.egg-info", "local.egg-info", "notes-1.txt"):
        (tmp_path / "b" / name).write_text("")
    assert environment.packages([str(tmp_path / "a"), str(tmp_path / "b"), "missing"]) == {
        "plan-wise": "2.0", "pyjwt": "2.6.0", "cups-helpers": "1.0",
    }  # fmt: skip


def test_a_limit_is_a_number_or_unknown():
    """The smallest limit of the control groups, or null where there is none."""
    limit = environment.collect(sys.prefix, Redactor())["memory_limit_mb"]
    assert limit is None or limit > 0


def test_what_is_imported_is_told_by_its_own_word(monkeypatch):
    """Python's own modules and private ones are left out; a module without a version has that of its package."""
    modules = {"numpy": types.SimpleNamespace(__version__="2.4.6"), "numpy.linalg": None, "json": None, "_x": None}
    modules |= {"plan_wise": types.SimpleNamespace(), "script": types.SimpleNamespace(__version__=(1, 2))}
    installed = {"plan-wise": "1.2", "numpy": "0.1"}
    assert environment.imported(modules, installed) == {"numpy": "2.4.6", "plan_wise": "1.2"}


@pytest.mark.parametrize(
    ("files", "own", "share"),
    [
        ({"cpu.max": "150000 100000"}, "0::/", 1.5),
        ({"cpu.max": "max 100000"}, "0::/", None),
        ({"job/cpu.max": "max 100000", "cpu.max": "200000 100000"}, "0::/job", 2.0),
        ({"cpu/job/cpu.cfs_quota_us": "50000", "cpu/job/cpu.cfs_period_us": "100000"}, "4:cpu,cpuacct:/job", 0.5),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, "4:cpu,cpuacct:/job", None),
    ],
)
def test_the_share_of_processors_is_that_of_the_tightest_group(tmp_path, files, own, share):
    """Of the process's own control group and those above it, in both versions of control groups."""
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    (tmp_path / "own").write_text(own)
    assert environment.cpu_limit(tmp_path, tmp_path / "own") == share


def test_the_summary_tells_what_was_imported(recorder):
    """Also what came while the run went on."""
    with obs.start_run("baseline") as run:
        import numpy as np
    imported = run.summary["environment"]["imported"]
    assert imported["numpy"] == np.__version__
    assert imported["structlog"]
    assert "json" not in imported


def test_a_batch_of_runs_reads_a_folder_of_packages_once_and_sees_what_changes(tmp_path):
    """What is installed between two runs is in the second one's record."""
    (tmp_path / "plan_wise-1.0.dist-info").mkdir()
    assert environment.packages([str(tmp_path)]) == {"plan-wise": "1.0"}
    (tmp_path / "plan_wise-1.0.dist-info").rename(tmp_path / "plan_wise-1.1.dist-info")
    os.utime(tmp_path, ns=(1, 1))
    assert environment.packages([str(tmp_path)]) == {"plan-wise": "1.1"}


def test_a_package_that_is_named_like_a_secret_keeps_its_version(recorder, tmp_path):
    """Neither what is installed nor what is imported is hidden because of its name; a secret in a version is."""
    modules = {"tiktoken": "0.5", "planwise_token": "postgres://ada:s3cret@db/s"}
    added: list[dict] = []
    behind = Behind({"packages": {}}, tmp_path, lambda kind, **told: added.append(told), Redactor().text, 0o600)
    for name, version in modules.items():
        sys.modules[name] = types.SimpleNamespace(__version__=version)
    try:
        behind.close()
        with obs.start_run("baseline") as run:
            pass
    finally:
        for name in modules:
            del sys.modules[name]
    assert added[0]["imported"]["planwise_token"] == "postgres://ada:[redacted]@db/s"
    assert run.summary["environment"]["imported"]["tiktoken"] == "0.5"


@pytest.mark.parametrize(("environ", "name"), [({"USER": "ada"}, "ada"), ({"LOGNAME": "bob", "USER": "ada"}, "bob")])
def test_the_user_is_told_as_python_tells_it(monkeypatch, environ, name):
    """By the variables that `getpass.getuser` looks at, else by the id."""
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    assert environment.user_name() == pwd.getpwuid(os.getuid()).pw_name == getpass.getuser()
    for variable, value in environ.items():
        monkeypatch.setenv(variable, value)
    assert environment.user_name() == name == getpass.getuser()
