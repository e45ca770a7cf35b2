"""The reference is the code's own words: fresh, and complete."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

import navigator_obs as obs
from navigator_obs import config, fields
from navigator_obs.runs import schema

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
SCRIPT = ROOT / "docs" / "generate.py"


def told(page: str) -> str:
    return (REFERENCE / page).read_text(encoding="utf-8")


def check(reference: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False)


def test_the_reference_is_fresh():
    """`python docs/generate.py` would change nothing."""
    done = check()
    assert done.returncode == 0, done.stderr


def test_a_stale_page_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """`--check` exits 1 and names the page that differs from what would be written."""
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import generate

    for page in REFERENCE.glob("*.md"):
        (tmp_path / page.name).write_text(page.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "settings.md").write_text("# Settings of last year\n", encoding="utf-8")
    monkeypatch.setattr(generate, "REFERENCE", tmp_path)
    assert [page.name for page in generate.stale()] == ["settings.md"]


def test_every_public_name_is_there():
    """Each name that the package exports has an entry."""
    page = told("api.md")
    assert [name for name in obs.__all__ if f"### `{name}`" not in page] == []


def test_what_a_class_has_from_another_is_there():
    """The methods of an open operation are told wherever in the package they are written, and so are attributes."""
    parts = {part.splitlines()[0].strip("`"): part for part in told("api.md").split("\n### ")[1:]}
    assert all(f"#### `.{name}" in parts["OpenOperation"] for name in ("add_rows", "set", "fail", "path"))
    assert "#### `.resume_point: ResumePoint | None`" in parts["Run"]
    assert ".end`" not in parts["OpenOperation"]


def test_every_public_member_is_documented():
    """No entry is a heading alone: what can be called says what it does."""
    parts = told("api.md").split("\n### ")[1:]
    members = [member for part in parts for member in part.split("\n#### ")]
    empty = [member.splitlines()[0] for member in members if not member.partition("```\n")[2].strip("\n ")]
    assert [name for name in empty if "```" in name] == []


def test_every_setting_is_there_with_its_variable_and_meaning():
    """Each field of `Config` has an entry that says more than its name."""
    page = told("settings.md")
    for setting in dataclasses.fields(obs.Config):
        if setting.name == "sources":
            continue
        assert f"## `{setting.name}`\n\n" in page
        entry = page.split(f"## `{setting.name}`\n\n")[1].split("\n\n")
        assert len(entry[0]) > 10
        assert setting.name == "processors" or f"`{config.PREFIX}{setting.name.upper()}`" in entry[1]


def test_the_defaults_are_those_of_the_code():
    """What the page calls the default is what `Config()` has."""
    page = told("settings.md")
    for setting in dataclasses.fields(obs.Config):
        if setting.name == "sources":
            continue
        written = page.split(f"## `{setting.name}`\n\n")[1].split("default `")[1].split("`")[0]
        assert eval(written, {"Path": Path}) == getattr(obs.Config(), setting.name)


def test_every_key_of_event_and_summary_is_there():
    """Each key that a log line or a summary may have can be looked up."""
    every = (*fields.EVENT_FIELDS, *fields.EXCEPTION_FIELDS, *fields.OPERATION_FIELDS)
    assert [field.name for field in every if f"| `{field.name}` |" not in told("events.md")] == []
    sections = [name for name, node in schema.load()["properties"].items() if "const" not in node]
    assert [name for name in sections if f"## `{name}`" not in told("summary.md")] == []


def test_every_verb_is_there():
    """Each verb of the command line has an entry with its options."""
    verbs = pytest.importorskip("navigator_obs.cli.verbs")
    page = told("cli.md")
    for name in verbs.VERBS:
        command = verbs.group.get_command(None, name)
        section = page.split(f"## `{name}`\n")[1].split("\n## ")[0]
        spelled = [option for parameter in command.params for option in parameter.opts if option.startswith("--")]
        assert [option for option in spelled if option not in section] == []
