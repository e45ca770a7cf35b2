"""`navigator-obs demo` as people meet it: real processes, real files, real signals, the real grep and jq."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter

import duckdb
import pytest

from tests.terminal import on_a_terminal, plain

DEMO = [sys.executable, "-m", "navigator_obs", "demo"]
SMALL = ["--employees", "200", "--years", "2025-2027"]
LONG = ["--employees", "2000", "--years", "2025-2324"]
needs_jq = pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")


def environment(**extra):
    bare = {key: value for key, value in os.environ.items() if not key.startswith("NAVIGATOR_OBS_")}
    return {**bare, "TERM": "xterm-256color", **extra}


def run(folder, *arguments, **extra):
    return subprocess.run(
        [*DEMO, *arguments], cwd=folder, capture_output=True, text=True, env=environment(**extra), check=False
    )


def events(folder):
    """The log's events through the rotated files, the oldest first."""
    log = folder / "logs" / "navigator.log"
    rotated = sorted(log.parent.glob("navigator.log.*"), key=lambda path: -int(path.suffix[1:]))
    return [json.loads(line) for path in [*rotated, log] for line in path.read_text().splitlines()]


def summary(folder):
    [path] = (folder / "artifacts" / "runs").glob("*/summary.json")
    return json.loads(path.read_text())


def shell(command, folder):
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def default(tmp_path_factory):
    """The first command of a newcomer."""
    folder = tmp_path_factory.mktemp("default")
    done = run(folder)
    assert done.returncode == 0, done.stderr
    return folder, done


@pytest.fixture(scope="module")
def detailed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("detailed")
    # Where a machine takes long, the events that cost more than the usual budget would be left out.
    unbounded = {"NAVIGATOR_OBS_OVERHEAD_BUDGET_PERCENT": "1000"}
    done = run(folder, "--level", "DEBUG", "--database", "workforce.duckdb", **unbounded)
    assert done.returncode == 0, done.stderr
    return folder, done


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("failed")
    return folder, run(folder, "--fail-in", "2027", "--database", "workforce.duckdb")


class TestDefaults:
    def test_prints_years_report_and_suggestions(self, default):
        """The command shows a row for each year, the run's report, and what to try next."""
        _, done = default
        assert re.findall(r"^ +(20\d\d) .* \$[\d.]+ M$", done.stderr, re.M) == ["2025", "2026", "2027", "2028", "2029"]
        assert "success" in done.stderr
        assert "navigator-obs show last" in done.stdout

    def test_plain_text_without_a_terminal(self, default):
        """Where no terminal is looking there is no bar, no colour and no control character."""
        _, done = default
        assert "\x1b" not in done.stdout + done.stderr
        assert "━" not in done.stderr

    def test_no_bar_in_a_file(self, tmp_path):
        """Colour that is forced, as build servers do, draws no bar into a file."""
        assert "━" not in run(tmp_path, *SMALL, FORCE_COLOR="1").stderr

    def test_suggestions_work(self, default):
        """Each suggested command on the run's record ends well."""
        folder, done = default
        suggested = re.findall(r"^  navigator-obs ((?:show|logs|runs).*?)(?:  |$)", done.stdout, re.M)
        assert len(suggested) >= 4
        for arguments in suggested:
            shell(f"{shlex.quote(sys.executable)} -m navigator_obs {arguments}", folder)

    def test_leaves_log_and_summary(self, default):
        """Log and summary tell of five completed years with as many simulation events."""
        folder, _ = default
        told = summary(folder)
        assert told["run_metadata"]["status"] == "success"
        assert told["execution_summary"]["years_completed"] == [2025, 2026, 2027, 2028, 2029]
        batches = [event for event in events(folder) if event["message"] == "batch simulated"]
        total = sum(batch["events"] for batch in batches)
        assert total == told["performance_metrics"]["year_simulation"]["rows"]
        assert 40_000 <= total <= 50_000

    @needs_jq
    def test_recipe_errors(self, failed):
        """The recipe for error messages works as it stands."""
        folder, _ = failed
        out = shell("""grep '"level":"ERROR"' logs/navigator.log | jq '.message'""", folder)
        assert out.splitlines() == ['"hiring failed"', '"Run failed"']

    @needs_jq
    def test_recipe_run(self, default):
        """The recipe for all events of a run works as it stands, with the run's id for <id>."""
        folder, _ = default
        run_id = summary(folder)["run_metadata"]["run_id"]
        recipe = """grep '"run_id":"<id>"' logs/navigator.log | jq '.'"""
        out = shell(recipe.replace("<id>", run_id), folder)
        assert out.count('"timestamp"') == len(events(folder))

    @needs_jq
    def test_recipe_durations(self, default):
        """The recipe for an operation's durations gives numbers only, one for each year."""
        folder, _ = default
        out = shell("""grep '"operation":"year_simulation"' logs/navigator.log | jq '.duration_seconds'""", folder)
        assert len([float(line) for line in out.splitlines()]) == 5

    @needs_jq
    def test_recipe_tail(self, tmp_path):
        """Someone who follows the log sees new lines while the run goes on."""
        (tmp_path / "logs").mkdir()
        (tmp_path / "logs" / "navigator.log").touch()
        screen, inner = pty.openpty()
        tail = subprocess.Popen(
            ["bash", "-c", "tail -f logs/navigator.log | jq '.'"],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=inner,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        process = start(tmp_path, *LONG)
        try:
            seen = b""
            while b"2027-hire" not in seen:
                assert process.poll() is None
                if select.select([screen], [], [], 0.1)[0]:
                    seen += os.read(screen, 65_536)
        finally:
            os.killpg(tail.pid, signal.SIGTERM)
            tail.wait()
            process.kill()
            process.communicate()
            os.close(screen)
            os.close(inner)


class TestDetailed:
    def test_numbers_agree(self, detailed):
        """INFO batches, DEBUG lines, counters and rows all have the number of simulation events the database holds."""
        folder, _ = detailed
        with duckdb.connect(str(folder / "workforce.duckdb"), read_only=True) as database:
            held = {event_id for (event_id,) in database.execute("SELECT event_id FROM simulation_event").fetchall()}
        logged = events(folder)
        told = summary(folder)
        ids = Counter(event["event_id"] for event in logged if event["level"] == "DEBUG" and "event_id" in event)
        assert set(ids) == held
        assert set(ids.values()) == {1}
        assert sum(event["events"] for event in logged if event["message"] == "batch simulated") == len(held)
        counters = told["metrics"]["counters"]
        assert sum(entry["value"] for entry in counters if entry["name"] == "simulation_events") == len(held)
        assert told["performance_metrics"]["year_simulation"]["rows"] == len(held)

    def test_nothing_is_lost(self, detailed):
        """Through rotation each event of the run stands in the log once, and none was dropped."""
        folder, _ = detailed
        logged = events(folder)
        assert len(list((folder / "logs").glob("navigator.log.*"))) >= 1
        run_id = summary(folder)["run_metadata"]["run_id"]
        assert {event["run_id"] for event in logged} == {run_id}
        numbers = sorted(event["seq"] for event in logged)
        assert numbers == list(range(numbers[0], numbers[0] + len(logged)))
        assert summary(folder)["execution_summary"]["events_dropped"] == 0

    def test_batch_and_event_are_linked(self, detailed):
        """From a simulation event's id `logs` leads to its batch, and from the batch to its counts."""
        folder, _ = detailed
        command = f"{shlex.quote(sys.executable)} -m navigator_obs logs last --json --where"
        event = json.loads(shell(f"{command} event_id=2025-hire-006001", folder))
        batch = shell(f"{command} batch={event['batch']} --level INFO", folder)
        assert (
            json.loads(batch)["events"]
            == len(shell(f"{command} batch={event['batch']} --level DEBUG", folder).splitlines()) - 1
        )

    def test_console_is_spared(self, detailed):
        """At DEBUG the console shows no simulation event."""
        _, done = detailed
        assert "batch simulated" in done.stderr
        assert "simulation event " not in done.stderr.replace("simulation events", "")

    def test_backup_is_the_database(self, detailed):
        """The backup holds what the database holds."""
        folder, _ = detailed
        [backup] = (folder / "artifacts" / "runs").glob("*/checkpoints/backup.duckdb")
        contents = []
        for path in (folder / "workforce.duckdb", backup):
            with duckdb.connect(str(path), read_only=True) as database:
                contents.append(database.execute("FROM simulation_event").fetchall())
        assert contents[0] == contents[1]


class TestFailure:
    def test_exit_code_and_screen(self, failed):
        """A failing year ends with exit code 1; the screen shows the error once and its causes, but no loose ends."""
        _, done = failed
        assert done.returncode == 1
        assert done.stderr.count("ConstraintException: ") == 2  # the log line, and the report
        assert "logs last --level ERROR" in done.stdout

    def test_summary(self, failed):
        """Status, error with its whole cause chain, operation path and year, and the two finished years' figures."""
        folder, _ = failed
        told = summary(folder)
        assert (told["run_metadata"]["status"], told["run_metadata"]["exit_code"]) == ("failed", 1)
        assert told["execution_summary"]["years_completed"] == [2025, 2026]
        [error] = told["issues"]["errors"]
        assert error["type"].endswith("SimulationError")
        assert [cause["type"].rpartition(".")[2] for cause in error["first"]["exception"]["causes"]] == [
            "ConstraintException"
        ]
        assert (error["operation_path"], error["context"]["year"]) == ("year_simulation/hiring", 2027)
        years = told["performance_metrics"]["year_simulation"]["by"]["year"]
        with duckdb.connect(str(folder / "workforce.duckdb"), read_only=True) as database:
            held = database.execute(
                "SELECT simulation_year::VARCHAR, events FROM yearly_result ORDER BY ALL"
            ).fetchall()
        assert [(year, years[year]["rows"]) for year in ("2025", "2026")] == held
        assert years["2027"]["failed"] == 1

    def test_batches_are_what_the_database_holds(self, failed):
        """Batches that were logged are stored, and the refused one is neither."""
        folder, _ = failed
        logged = {event["batch"]: event["events"] for event in events(folder) if event["message"] == "batch simulated"}
        with duckdb.connect(str(folder / "workforce.duckdb"), read_only=True) as database:
            held = database.execute(
                "SELECT simulation_year || '-' || event_type, count(*) FROM simulation_event GROUP BY ALL"
            ).fetchall()
        assert logged == dict(held)


def start(folder, *arguments):
    return subprocess.Popen(
        [*DEMO, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        # Whoever started us in the background may have had Ctrl-C ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )


def wait_for(folder, text, process):
    """Wait until the log has *text*."""
    path = folder / "logs" / "navigator.log"
    while not path.exists() or text not in path.read_text():
        if process.poll() is not None:
            raise AssertionError(process.communicate())
        time.sleep(0.01)


class TestSignals:
    @pytest.mark.parametrize("delay", [0.0, 0.05, 0.17, 0.31])
    @pytest.mark.parametrize(
        ("number", "status", "code"), [("SIGINT", "interrupted", 130), ("SIGTERM", "terminated", 143)]
    )
    def test_mid_run(self, tmp_path, number, status, code, delay):
        """Ctrl-C leaves `interrupted` and SIGTERM `terminated`, with the finished years, wherever it hits."""
        process = start(tmp_path, *LONG)
        wait_for(tmp_path, '"operation":"year_simulation"', process)
        time.sleep(delay)
        process.send_signal(getattr(signal, number))
        out, err = process.communicate(timeout=300)
        told = summary(tmp_path)
        assert (told["run_metadata"]["status"], process.returncode) == (status, code), err
        completed = told["execution_summary"]["years_completed"]
        assert completed == list(range(2025, 2025 + len(completed)))
        assert 1 <= len(completed) < 300
        assert told["execution_summary"]["errors"] == 0
        assert "Traceback" not in err
        assert "Try next" in out
        assert events(tmp_path)[-1]["message"] == f"Run {status}"


class TestManners:
    def test_bare(self, tmp_path):
        """--bare simulates the same without a trace, and says how long it took."""
        done = run(tmp_path, "--bare", *SMALL)
        assert done.returncode == 0
        assert re.search(r"^[\d,]+ simulation events in [\d.]+ s", done.stdout)
        assert list(tmp_path.iterdir()) == []

    def test_bare_counts_the_same(self, tmp_path):
        """A bare and a recorded run of one plan have as many simulation events, as JSON says."""
        bare = json.loads(run(tmp_path, "--bare", "--json", *SMALL).stdout)
        told = json.loads(run(tmp_path, "--json", *SMALL).stdout)
        assert bare["simulation_events"] == told["performance_metrics"]["year_simulation"]["rows"]

    def test_bare_failure(self, tmp_path):
        """A bare run that fails says so in one line and ends with exit code 1."""
        done = run(tmp_path, "--bare", "--quiet", "--fail-in", "2026", *SMALL)
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1
        assert "hiring of 2026" in done.stderr

    def test_json(self, tmp_path):
        """--json prints the summary and nothing else on stdout, and stays silent elsewhere."""
        done = run(tmp_path, "--json", *SMALL)
        assert json.loads(done.stdout) == summary(tmp_path)
        assert done.stderr == "" or "WARNING" in done.stderr

    def test_json_of_a_failure(self, tmp_path):
        """--json gives the summary of a failed run, too, with its exit code."""
        done = run(tmp_path, "--json", "--fail-in", "2026", *SMALL)
        assert json.loads(done.stdout)["run_metadata"]["status"] == "failed"
        assert done.returncode == 1

    def test_quiet(self, tmp_path):
        """--quiet says nothing where all is well."""
        done = run(tmp_path, "--quiet", *SMALL)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def test_folders(self, tmp_path):
        """Log and runs go where they are told to, and the suggested commands find them there."""
        done = run(tmp_path, "--log-dir", "my logs", "--runs-dir", "my runs", *SMALL)
        assert {path.name for path in tmp_path.iterdir()} == {"my logs", "my runs"}
        assert "navigator-obs show last --log-dir 'my logs' --runs-dir 'my runs'" in done.stdout

    def test_folders_from_the_environment(self, tmp_path):
        """The environment's settings hold, and need no repeating in the suggested commands."""
        done = run(tmp_path, *SMALL, NAVIGATOR_OBS_LOG_DIR="elsewhere", NAVIGATOR_OBS_CONSOLE_LEVEL="INFO")
        assert (tmp_path / "elsewhere" / "navigator.log").is_file()
        assert "batch simulated" in done.stderr
        assert "--log-dir" not in done.stdout

    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            (["--fail-in", "2031"], "--fail-in 2031"),
            (["--years", "2029-2025"], "2029-2025"),
            (["--years", "soon"], "soon"),
            (["--employees", "0"], "--employees"),
            (["--level", "LOUD"], "--level"),
            (["--database", "taken.duckdb"], "taken.duckdb exists"),
            (["--database", "nowhere/x.duckdb"], "nowhere/x.duckdb"),
        ],
    )
    def test_wrong_use(self, tmp_path, arguments, complaint):
        """Wrong use is one line on stderr that names it, exit code 2, and leaves nothing behind."""
        (tmp_path / "taken.duckdb").touch()
        done = run(tmp_path, *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert complaint in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert [path.name for path in tmp_path.iterdir()] == ["taken.duckdb"]


def sent(folder, *arguments, columns=100):
    """What the demo sends to a terminal of so many columns."""
    return on_a_terminal([*DEMO, *arguments], folder, columns=columns)


class TestTerminal:
    def test_bar(self, tmp_path):
        """On a terminal a bar moves below the years' rows."""
        seen = sent(tmp_path, *SMALL)
        assert "━" in seen
        assert re.search(r"2027 enrolments", plain(seen))

    def test_log_lines_do_not_tear_the_bar(self, tmp_path):
        """Each line of the log that the console shows starts a line of its own, above the bar."""
        seen = plain(sent(tmp_path, "--level", "INFO", *SMALL))
        lines = [line for line in re.split(r"[\r\n]+", seen) if "batch simulated" in line]
        assert len(lines) == 15
        assert all(re.match(r"\d\d:\d\d:\d\d\.\d{3} INFO", line) for line in lines)

    def test_narrow_terminal(self, tmp_path):
        """On a terminal of 80 columns a year's row leaves out the steps' counts, and fits."""
        seen = plain(sent(tmp_path, *SMALL, columns=80))
        assert re.search(r"^ *year +events +headcount +payroll\s*$", seen, re.MULTILINE)
        assert not [line for line in re.split(r"[\r\n]+", seen.partition("workforce  success")[0]) if len(line) > 80]

    def test_quiet_on_a_terminal(self, tmp_path):
        """--quiet draws nothing."""
        assert sent(tmp_path, "--quiet", *SMALL) == ""
