"""`navigator-obs bundle`: an archive for a support desk."""

from __future__ import annotations

import json
import tarfile

import navigator_obs as obs
from navigator_obs.cli.main import main


def test_the_archive_stands_here_under_the_runs_id(recorder, monkeypatch, capsys):
    """One line says what was made; a second time the name is taken."""
    monkeypatch.chdir(recorder.root)
    with obs.start_run("baseline") as run:
        obs.get_logger("planwise").info("year simulated")
    recorder.lines()
    assert main(["bundle"]) == 0
    assert capsys.readouterr().out.startswith(f"{run.run_id}.tar.gz: ")
    with tarfile.open(recorder.root / f"{run.run_id}.tar.gz") as archive:
        assert "baseline" in archive.extractfile(f"{run.run_id}/summary.txt").read().decode()
    assert main(["bundle"]) == 2
    assert "--output" in capsys.readouterr().err
    assert main(["bundle", "last", "--output", "other.tar.gz", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["path"] == "other.tar.gz"
