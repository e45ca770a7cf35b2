"""The environment of a run is read from the system, never guessed, and never fails."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from navigator_obs.redaction import Redactor
from navigator_obs.runs import environment


def git(folder, *arguments):
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def work_tree(tmp_path):
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "model.sql").write_text("select 1\n")
    git(tmp_path, "add", "model.sql")
    git(tmp_path, "commit", "-q", "-m", "Add the model")
    return tmp_path


def test_it_names_what_the_run_runs_on(tmp_path):
    """Python, processors, memory, disk and packages are those of this process."""
    found = environment.collect(tmp_path)
    assert found["python"] == platform.python_version()
    assert found["cpus"] >= 1
    assert found["memory_mb"] > 0
    assert found["disk_free_mb"] >= 0
    assert found["packages"]["structlog"]


def test_a_folder_that_is_gone_costs_only_its_own_answer(tmp_path):
    """What the system does not tell is null."""
    assert environment.collect(tmp_path / "missing")["disk_free_mb"] is None


@pytest.mark.parametrize("packed", [False, True])
def test_commit_and_branch_are_git_s(work_tree, packed):
    """Commit and branch are what git says, also when the references are packed."""
    if packed:
        git(work_tree, "pack-refs", "--all")
    found = environment.git_state(work_tree)
    assert found == {"commit": git(work_tree, "rev-parse", "HEAD"), "dirty": None, "branch": "main"}


def test_a_detached_head_has_a_commit_and_no_branch(work_tree):
    """The commit stands in HEAD itself."""
    git(work_tree, "checkout", "-q", "--detach")
    assert environment.git_state(work_tree)["branch"] is None
    assert environment.git_state(work_tree)["commit"] == git(work_tree, "rev-parse", "HEAD")


def test_a_linked_work_tree_is_one_too(work_tree, tmp_path_factory):
    """A linked work tree's `.git` is a file that names the folder."""
    linked = tmp_path_factory.mktemp("linked") / "tree"
    git(work_tree, "worktree", "add", "-q", "-b", "scenario", str(linked))
    found = environment.git_state(linked)
    assert found["branch"] == "scenario"
    assert found["commit"] == git(work_tree, "rev-parse", "HEAD")


@pytest.mark.parametrize("text", ["select 1\n", "select 2\n"])
def test_git_tells_whether_tracked_files_differ(work_tree, text):
    """The answer comes from a process beside the program, and is asked for later."""
    (work_tree / "model.sql").write_text(text)
    question = environment.DirtyQuestion(work_tree)
    assert question.answer(wait_seconds=30) is (text != "select 1\n")
    assert not question.is_open
    question.close()


def test_a_question_can_be_given_up(work_tree):
    """A run that ends before git has answered leaves no process behind."""
    question = environment.DirtyQuestion(work_tree)
    question.close()
    assert question.answer() is None


def test_the_command_line_is_redacted():
    """A secret after its option, behind its equals sign, or recognisable by itself is replaced; the rest stays."""
    argv = ["sim.py", "--seed", "42", "--token", "abc", "--api-key=xyz", "pg://ada:s3cret@db/s", "--years=5"]
    shown = environment.redacted_argv(argv, Redactor())
    assert shown[:3] == argv[:3]
    assert shown[3:] == ["--token", "[redacted]", "--api-key=[redacted]", "pg://ada:[redacted]@db/s", "--years=5"]


def test_packages_are_read_from_folder_names(tmp_path):
    """The first folder on the path wins, as it does for an import."""
    for place, version in (("a", "2.0"), ("b", "1.0")):
        (tmp_path / place / f"plan_wise-{version}.dist-info").mkdir(parents=True)
    assert environment.packages([str(tmp_path / "a"), str(tmp_path / "b"), "missing"]) == {"plan-wise": "2.0"}


def test_a_limit_is_a_number_or_unknown():
    """The smallest limit of the control groups, or null where there is none."""
    limit = environment.collect(sys.prefix)["memory_limit_mb"]
    assert limit is None or limit > 0
