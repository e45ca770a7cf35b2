"""The git work tree of a run is read from its files; what differs is git's word, and kept once by content."""

from __future__ import annotations

import hashlib
import json
import subprocess

import pytest

import navigator_obs as obs
from navigator_obs.redaction import Redactor
from navigator_obs.runs import worktree


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


@pytest.mark.parametrize("packed", [False, True])
def test_commit_and_branch_are_git_s(work_tree, packed):
    """Commit and branch are what git says, also when the references are packed."""
    if packed:
        git(work_tree, "pack-refs", "--all")
    found = worktree.git_state(work_tree)
    assert found == {"commit": git(work_tree, "rev-parse", "HEAD"), "dirty": None, "branch": "main"}


def test_a_detached_head_has_a_commit_and_no_branch(work_tree):
    """The commit stands in HEAD itself."""
    git(work_tree, "checkout", "-q", "--detach")
    assert worktree.git_state(work_tree)["branch"] is None
    assert worktree.git_state(work_tree)["commit"] == git(work_tree, "rev-parse", "HEAD")


def test_a_linked_work_tree_is_one_too(work_tree, tmp_path_factory):
    """A linked work tree's `.git` is a file that names the folder."""
    linked = tmp_path_factory.mktemp("linked") / "tree"
    git(work_tree, "worktree", "add", "-q", "-b", "scenario", str(linked))
    found = worktree.git_state(linked)
    assert found["branch"] == "scenario"
    assert found["commit"] == git(work_tree, "rev-parse", "HEAD")


@pytest.mark.parametrize("changed", [False, True])
def test_git_tells_whether_tracked_files_differ(work_tree, changed):
    """The answer comes from a thread beside the program, and is asked for later, once."""
    if changed:
        (work_tree / "model.sql").write_text("select 2\n")
    kept = []
    question = worktree.Changes(work_tree, lambda diff: kept.append(diff) or {"kept": True})
    assert question.answer(wait_seconds=60) == {"dirty": changed, "diff": {"kept": True} if changed else None}
    assert question.answer() is None
    assert [b"+select 2" in diff for diff in kept] == [True] * changed


def test_a_tree_without_a_commit_is_not_known(tmp_path):
    """Nothing is guessed of what git can't tell."""
    git(tmp_path, "init", "-q")
    assert worktree.Changes(tmp_path, lambda diff: None).answer(wait_seconds=60) is None


def test_a_question_can_be_given_up(work_tree):
    """A run that ends before git has answered leaves no process behind."""
    question = worktree.Changes(work_tree, lambda diff: None)
    question.close()
    assert question.answer() is None
    assert question._process is None or question._process.poll() is not None


def test_a_diff_is_kept_once_by_content(tmp_path):
    """Runs with the same diff share one file; each folder has it, without secrets."""
    diff = b"+password = 'hunter2hunter2'\n+rate = 0.03\n"
    told = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        told.append(worktree.keep_diff(diff, tmp_path / name, Redactor().text, 0o600))
    one, two = ((tmp_path / name / "git.diff") for name in ("one", "two"))
    assert one.stat().st_ino == two.stat().st_ino
    assert one.read_text() == "+password = '[redacted]'\n+rate = 0.03\n"
    assert told[0] == told[1]
    assert told[0]["sha256"] == hashlib.sha256(one.read_bytes()).hexdigest()


def test_a_diff_that_is_too_large_is_not_kept(tmp_path):
    """Its being there is said."""
    told = worktree.keep_diff(b"x" * (worktree.MAX_DIFF_BYTES + 1), tmp_path, str, 0o600)
    assert told == {"sha256": None, "bytes": None, "kept": False}
    assert list(tmp_path.iterdir()) == []


def test_a_run_keeps_what_differed(recorder, work_tree, monkeypatch):
    """Its summary names the diff, its folder has it, its seal covers it."""
    (work_tree / "model.sql").write_text("select 2\n")
    monkeypatch.chdir(work_tree)
    with obs.start_run("baseline") as run:
        run._recording._behind._changes._thread.join(300)
    found = json.loads((run.directory / "summary.json").read_bytes())["environment"]["git"]
    assert (found["dirty"], found["diff"]["kept"]) == (True, True)
    assert "+select 2" in (run.directory / "git.diff").read_text()
    assert "git.diff" in (run.directory / "seal.jsonl").read_text()
