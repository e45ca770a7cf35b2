"""`navigator-obs reindex`: the index made anew."""

from __future__ import annotations

import json

import navigator_obs as obs
from navigator_obs.cli.main import main
from navigator_obs.history import index


def test_it_says_how_many_runs_there_are(recorder, monkeypatch, capsys):
    """The index stands in its folder afterwards, and no list has it as a run."""
    monkeypatch.chdir(recorder.root)
    for _ in range(2):
        with obs.start_run("baseline"):
            pass
    assert main(["reindex"]) == 0
    assert capsys.readouterr().out == "2 runs in artifacts/runs\n"
    assert main(["reindex", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"runs": 2, "runs_dir": "artifacts/runs"}
    assert (recorder.runs_dir / index.INDEX_NAME).is_file()
    assert main(["runs", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 2


def test_a_folder_that_is_not_there_is_named(tmp_path, monkeypatch, capsys):
    """Where no index can be written, the list works all the same, which is said."""
    monkeypatch.chdir(tmp_path)
    assert main(["reindex"]) == 2
    assert "artifacts/runs" in capsys.readouterr().err
