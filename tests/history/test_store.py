"""A folder of runs: what is listed, how each stands, and how one is found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import navigator_obs as obs
from navigator_obs.errors import RunNotFound, UsageError
from navigator_obs.history.store import History


def write(
    runs_dir: Path, run_id: str, *, name: str = "baseline", status: str = "success", day: int = 1, **more: object
) -> Path:
    """A finished run as another machine may have left it."""
    directory = runs_dir / run_id
    directory.mkdir(parents=True)
    metadata = {
        "run_id": run_id,
        "name": name,
        "start_time": f"2025-08-{day:02d}T14:30:22.123456Z",
        "duration_seconds": 12.5,
        "status": status,
        "status_reason": None,
        "final": True,
        **more,
    }
    summary = {
        "schema_version": 1,
        "run_metadata": metadata,
        "execution_summary": {"errors": 1, "warnings": 2},
        "performance_metrics": {"load": {"count": 1}},
    }
    (directory / "summary.json").write_text(json.dumps(summary, indent=2))
    return directory


@pytest.fixture
def history(tmp_path: Path) -> History:
    write(tmp_path, "20250801_143022-aaaaaaaa", day=1)
    write(tmp_path, "20250802_143022-bbbbbbbb", day=2, status="failed")
    write(tmp_path, "20250803_143022-cccccccc", day=3, name="what-if", status="interrupted")
    write(tmp_path, "20250804_143022-dddddddd", day=4)
    return History(tmp_path)


def ids(history: History, **wanted) -> str:
    return "".join(run.run_id[-1] for run in history.list(**wanted))


def test_runs_are_listed_newest_first(history: History):
    """The order is that of their start, whatever their folders are called."""
    write(history.runs_dir, "a-name-of-its-own", day=3, start_time="2025-08-03T20:00:00.000000Z")
    assert ids(history) == "dncba"


def test_lists_are_narrowed(history: History):
    """By status, by name, and to the newest few of what is left."""
    assert ids(history, status="success") == "da"
    assert ids(history, name="baseline") == "dba"
    assert ids(history, name="baseline", status="success", limit=1) == "d"


@pytest.mark.parametrize(("wrong", "hint"), [({"status": "succes"}, "success"), ({"limit": 0}, "at least 1")])
def test_wrong_filters_are_refused(history: History, wrong: dict, hint: str):
    """An unknown status is a mistake, not an empty list."""
    with pytest.raises(UsageError, match=hint):
        history.list(**wrong)


def test_the_list_can_be_narrowed_by_all_that_it_knows(history: History):
    """By one of several statuses, a pattern of the name, all of some tags, and since when."""
    write(history.runs_dir, "tagged", day=5, tags=["nightly", "slow"])
    assert [run.run_id for run in history.list(tag="nightly")] == ["tagged"]
    assert [run.run_id for run in history.list(tag=["slow", "nightly"])] == ["tagged"]
    assert history.list(tag=["slow", "weekly"]) == []
    assert {run.status for run in history.list(status=["failed", "crashed"])} == {"failed"}
    assert {run.name for run in history.list(name="what*")} == {"what-if"}
    assert [run.run_id for run in history.list(since="2025-08-05")] == ["tagged"]


def test_summaries_of_many_runs_are_read_one_by_one(history: History):
    """Those that succeeded come newest first, each with its whole summary."""
    found = list(history.summaries(limit=2))
    assert [run.status for run, _ in found] == ["success", "success"]
    assert all(summary["performance_metrics"] == {"load": {"count": 1}} for _, summary in found)
    assert {run.status for run, _ in history.summaries(status=None)} > {"success", "failed"}


def test_without_a_folder_the_setting_is_followed(tmp_path: Path, monkeypatch):
    """The folder is the one that programs and commands use: by environment, by file, or the default."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NAVIGATOR_OBS_RUNS_DIR", raising=False)
    assert History().runs_dir == Path("artifacts/runs")
    (tmp_path / "pyproject.toml").write_text('[tool.navigator_obs]\nruns_dir = "from-file"\n')
    assert History().runs_dir == Path("from-file")
    monkeypatch.setenv("NAVIGATOR_OBS_RUNS_DIR", "from-environment")
    assert History().runs_dir == Path("from-environment")


def test_an_entry_tells_itself_in_one_line(history: History):
    """In an interpreter a list of runs is readable."""
    assert repr(history.list(limit=1)) == "[<RunEntry 20250804_143022-dddddddd 'baseline' success>]"


def test_a_missing_folder_has_no_runs(tmp_path: Path):
    """Before the first run there is nothing, and that is no error."""
    assert History(tmp_path / "nowhere").list() == []


@pytest.mark.parametrize(
    ("ref", "found"),
    [
        ("last", "d"),
        ("last-success", "d"),
        ("last-failed", "c"),
        ("20250802_143022-bbbbbbbb", "b"),
        ("20250802", "b"),
        ("what-if", "c"),
        ("baseline", "d"),
    ],
)
def test_a_run_is_found(history: History, ref: str, found: str):
    """By id, by the beginning of one, by name, and as the last one of its kind."""
    assert history.get(ref).run_id.endswith(found)


def test_the_last_run_is_no_part_of_another(history: History):
    """What runs within another one is passed over; of a failure, the run that it made fail is meant."""
    write(history.runs_dir, "20250805_143022-eeeeeeee", day=5, status="failed")
    write(history.runs_dir, "stage-one", day=6, parent_run_id="20250805_143022-eeeeeeee")
    write(history.runs_dir, "stage-two", day=7, parent_run_id="20250805_143022-eeeeeeee", status="failed")
    assert [history.get(ref).run_id[-1] for ref in ("last", "last-success", "last-failed")] == ["e", "d", "e"]
    write(history.runs_dir, "20250808_143022-ffffffff", day=8)
    write(history.runs_dir, "stage-three", day=9, parent_run_id="20250808_143022-ffffffff", status="failed")
    assert [history.get(ref).run_id for ref in ("last", "last-failed")] == ["20250808_143022-ffffffff", "stage-three"]


def test_a_run_whose_parent_is_elsewhere_is_one_like_others(tmp_path: Path):
    """A part of a run in another folder is the last one of its own; a circle of parents is no trap."""
    write(tmp_path, "a", parent_run_id="elsewhere")
    assert History(tmp_path).get("last").run_id == "a"
    write(tmp_path, "b", day=2, status="failed", parent_run_id="c")
    write(tmp_path, "c", day=3, status="failed", parent_run_id="b")
    assert History(tmp_path).get("last-failed").run_id in "bc"


def test_a_run_is_found_by_its_folder(history: History, tmp_path: Path):
    """A folder that was copied elsewhere reads the same."""
    elsewhere = write(tmp_path / "other", "20240101_000000-eeeeeeee")
    assert history.get(f"{elsewhere}").run_id == "20240101_000000-eeeeeeee"


@pytest.mark.parametrize("ref", [".", "./", "../20250801_143022-aaaaaaaa", "./summary.json", "below/.."])
def test_a_run_is_found_from_within_its_folder(history: History, monkeypatch, ref: str):
    """A path names a run however it is spelled, and so does that of a file in the run's folder."""
    (history.runs_dir / "20250801_143022-aaaaaaaa" / "below").mkdir()
    monkeypatch.chdir(history.runs_dir / "20250801_143022-aaaaaaaa")
    assert History("nowhere").get(ref).run_id == "20250801_143022-aaaaaaaa"


@pytest.mark.parametrize(
    ("ref", "told"),
    [
        ("baselin", "did you mean 'baseline'"),
        ("2025080", "begins the ids of 4 runs"),
        ("", "no run ''"),
        ("../x", r"no run in '\.\./x': it has neither summary.json nor journal.jsonl"),
        ("..", r"no run in '\.\.'"),
    ],
)
def test_a_run_that_is_not_there_is_named_with_what_is(history: History, ref: str, told: str):
    """The error says what was asked for and what there is."""
    with pytest.raises(RunNotFound, match=told):
        history.get(ref)


def test_last_of_nothing_says_so(tmp_path: Path):
    """Without runs there is no last one."""
    with pytest.raises(RunNotFound, match="there are no runs in"):
        History(tmp_path).get("last")


def test_a_summary_is_read_when_it_is_asked_for(history: History):
    """The list needs the head of each summary; the rest is read on demand."""
    run = history.get("last")
    assert (run.errors, run.warnings, run.duration_seconds) == (1, 2, 12.5)
    assert run.summary["performance_metrics"] == {"load": {"count": 1}}


@pytest.mark.parametrize("indent", [None, 4])
def test_a_summary_of_another_layout_is_read_as_well(tmp_path: Path, indent: int | None):
    """A summary that someone has formatted anew is still a summary."""
    directory = write(tmp_path, "20250801_143022-aaaaaaaa")
    path = directory / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()), indent=indent))
    assert History(tmp_path).get("last").status == "success"


def test_many_runs_read_like_few(tmp_path: Path):
    """A long list comes out the same, though it is parsed in another way."""
    for number in range(320):
        write(tmp_path, f"run-{number:03d}", start_time=f"2025-08-01T00:{number // 60:02d}:{number % 60:02d}.000000Z")
    found = [run.run_id for run in History(tmp_path).list()]
    assert found == [f"run-{number:03d}" for number in reversed(range(320))]


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"run_metadata": 7}', b"\xff\xfe"])
def test_a_damaged_summary_does_not_hide_the_others(history: History, damage: bytes):
    """A run whose summary can't be read is listed as what is known of it."""
    broken = history.runs_dir / "20250805_143022-ffffffff"
    broken.mkdir()
    (broken / "summary.json").write_bytes(damage)
    (broken / "run.lock").touch()
    runs = history.list()
    assert len(runs) == 5
    run = history.get("20250805_143022-ffffffff")
    assert (run.name, run.errors, run.status) == ("?", None, "crashed")
    assert isinstance(run.summary, dict)


def test_a_living_run_is_running_and_told_from_its_journal(recorder):
    """While it runs, a run's figures are those of this moment."""
    with obs.start_run("baseline") as run:
        with obs.operation("load_census"):
            obs.get_logger("planwise").warning("attrition above plan")
        entry = History(recorder.runs_dir).get("last")
        assert entry.status == "running"
        assert entry.duration_seconds > 0
        assert entry.summary["execution_summary"]["warnings"] == 1
        assert "load_census" in entry.summary["performance_metrics"]
        assert entry.summary["run_metadata"]["status"] == "running"
    assert History(recorder.runs_dir).get(run.run_id).status == "success"


def test_a_run_of_another_host_shows_its_last_known_state(tmp_path: Path):
    """Whether a run on another machine still lives can't be told here, and that is said."""
    write(tmp_path, "far", status="running", final=False, host="elsewhere")
    (tmp_path / "far" / "run.lock").touch()
    run = History(tmp_path).get("far")
    assert run.status == "running"
    assert "elsewhere" in run.status_reason
    assert run.duration_seconds == 12.5


def test_it_says_which_folder_it_is_of(tmp_path):
    """As a notebook shows it."""
    assert repr(History(tmp_path)) == f"History({str(tmp_path)!r})"
