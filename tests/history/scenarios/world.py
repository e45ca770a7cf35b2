"""A folder in which the simulation runs, and what can be done to it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).with_name("simulation.py")
ROOT = Path(__file__).parents[3]
MEMORY_GROUPS = Path("/sys/fs/cgroup/memory")
NOBODY = 65534
GOOD_RUNS = 4
LONGEST_SECONDS = 600

RULES = '''\
"""The company's own rules."""

import random


def load(connection, path):
    """Take the census in; return how many employees it has."""
    columns = "employee_id, birth_date, hire_date, job_level, compensation, deferral_rate"
    [(count,)] = connection.execute(
        f"INSERT INTO workforce SELECT {columns}, NULL FROM read_csv('{path}', header=true, all_varchar=true)"
    ).fetchall()
    return count


def year_end(simulation, year):
    """Raise everybody's compensation by inflation, balanced by the solver."""
    chance = random.Random(int(simulation.plan.seed) + year)
    rate = simulation.solver.balance(simulation.settings.inflation, chance.random())
    simulation.connection.execute(
        "UPDATE workforce SET compensation = compensation * (1 + $rate) WHERE termination_date IS NULL", {"rate": rate}
    )
    leavers = "SELECT count(*) FROM simulation_event WHERE event_type = 'termination' AND simulation_year = $year"
    [(left,)] = simulation.connection.execute(leavers, {"year": year}).fetchall()
    simulation.log.info("year closed", people_per_leaver=round(simulation.plan.employees / left, 1))


def benefits(year, part):
    """Work out one part of the benefits."""
    return float(year * (part + 1))


def report(simulation, path):
    """Write the result of each year."""
    rows = simulation.connection.execute("SELECT * FROM yearly_result ORDER BY simulation_year").fetchall()
    path.write_text("".join(",".join(map(str, row)) + "\\n" for row in rows))
'''
SOLVER = "def balance(inflation, chance):\n    return inflation * (0.9 + 0.2 * chance)\n"
IGNORED = "runs/\nlogs/\nout/\nvendor/\ninputs/\nstate/\n*.sh\ncensus.csv\nsettings.toml\n*.duckdb*\n"
CENSUS = """
COPY (SELECT employee_id, birth_date, hire_date, job_level, compensation, deferral_rate FROM workforce
      ORDER BY employee_id) TO '{}' (HEADER)
"""


class Unavailable(Exception):
    """What a scenario takes cannot be had on this machine."""


class World:
    """The simulation's folder: settings, census, rules, package, and all that its runs left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 0
        """Of the service, where there is one."""

    @property
    def runs_dir(self) -> Path:
        """Where the runs are."""
        return self.folder / "runs"

    @property
    def census(self) -> Path:
        """The census."""
        return self.folder / "census.csv"

    def create(self, employees: int = 150) -> None:
        """Lay everything out, as it was when all went well."""
        import duckdb

        from navigator_obs.demo.workforce import Plan, Workforce

        (self.folder / "vendor").mkdir(parents=True)
        self.rules(RULES, commit=False)
        self.solver("1.4.0", SOLVER)
        self.settings(seed=42)
        with duckdb.connect() as connection:
            Workforce(connection, Plan(employees=employees), self.folder).load_census()
            connection.execute(CENSUS.format(self.census))
        (self.folder / ".gitignore").write_text(IGNORED)
        self.git("init", "-q", "-b", "main")
        self.commit("The rules of 2025")

    def git(self, *arguments: str) -> None:
        """Use git here."""
        who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], cwd=self.folder, check=True, capture_output=True)

    def commit(self, message: str) -> None:
        """Commit what there is."""
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def settings(self, **given: Any) -> None:
        """Change these settings; the others stay. One that is a dictionary is a section, and takes its place whole."""
        path = self.folder / "settings.toml"
        import tomllib

        before = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        after = {**before, **given}
        lines = [f"{name} = {json.dumps(value)}" for name, value in after.items() if not isinstance(value, dict)]
        for name, section in after.items():
            if isinstance(section, dict):
                lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in section.items())]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def rules(self, text: str, *, commit: bool = True) -> None:
        """Change the rules."""
        (self.folder / "rules.py").write_text(text, encoding="utf-8")
        if commit:
            self.commit("Change the rules")

    def change_rules(self, before: str, after: str) -> None:
        """Change a piece of the rules."""
        text = (self.folder / "rules.py").read_text(encoding="utf-8")
        assert before in text
        self.rules(text.replace(before, after))

    def add_rules(self, text: str) -> None:
        """Append functions to the rules."""
        self.rules(f"{(self.folder / 'rules.py').read_text(encoding='utf-8')}\n\n{text}")

    def each_year_end(self, code: str) -> None:
        """Add lines to the rules, for every year's end."""
        self.change_rules(
            "    chance = random", "".join(f"    {line}\n" for line in code.splitlines()) + "    chance = random"
        )

    def delivered(self, name: str, content: str | bytes) -> Path:
        """Lay an input down under `inputs/`, in the place of one that is there."""
        path = self.folder / "inputs" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def at_year_end(self, code: str, *, year: int = 2026) -> None:
        """Add lines to the rules, for one year's end."""
        lines = "".join(f"        {line}\n" for line in code.splitlines())
        self.change_rules("    chance = random", f"    if year == {year}:\n{lines}    chance = random")

    def solver(self, version: str, text: str) -> None:
        """Install a version of the package."""
        vendor = self.folder / "vendor"
        shutil.rmtree(vendor)
        information = vendor / f"solver-{version}.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: solver\nVersion: {version}\n")
        (vendor / "solver").mkdir()
        (vendor / "solver" / "__init__.py").write_text(f"__version__ = {version!r}\n{text}")

    def executable(self, name: str, text: str) -> Path:
        """Put a program here."""
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    @contextmanager
    def running(
        self, *, times: int = 1, prefix: Sequence[str] = (), **variables: object
    ) -> Iterator[subprocess.Popen[str]]:
        """Run the simulation while the block lasts; what still lives then is killed.

        *prefix* is a command that starts it; *variables* are set as ``SIMULATION_…``.
        """
        clean = {key: value for key, value in os.environ.items() if not key.startswith("NAVIGATOR_OBS")}
        given = {f"SIMULATION_{key.upper()}": str(value) for key, value in variables.items()}
        environ = {**clean, **given, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [*prefix, sys.executable, str(PROGRAM), str(times)]
        with (self.folder / "output.txt").open("w") as output:
            process = subprocess.Popen(
                command, cwd=self.folder, env=environ, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                text=True, start_new_session=True,
            )  # fmt: skip
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, 9)
                process.wait(LONGEST_SECONDS)

    def run(self, **options: Any) -> int:
        """Run the simulation to its end, whichever it is, and return its exit status."""
        with self.running(**options) as process:
            return process.wait(LONGEST_SECONDS)

    def good(self, times: int) -> None:
        """Run it so often, and all goes well."""
        status = self.run(times=times)
        assert status == 0, (self.folder / "output.txt").read_text()

    def wait_for(self, name: str) -> None:
        """Wait until the simulation has made this file."""
        deadline = time.monotonic() + LONGEST_SECONDS
        while not (self.folder / name).exists():
            assert time.monotonic() < deadline, f"{name} was not made: {(self.folder / 'output.txt').read_text()}"
            time.sleep(0.02)

    def wait_for_status(self, status: str) -> None:
        """Wait until the last run stands so."""
        from navigator_obs.runs.liveness import status_of

        deadline = time.monotonic() + LONGEST_SECONDS
        while status_of(self.last_run())["status"] != status:
            assert time.monotonic() < deadline, status_of(self.last_run())
            time.sleep(0.05)

    def run_without_rights(self, to: Path) -> int:
        """Let *to* belong to somebody else, and run the simulation as a user whom that matters to. Needs a superuser.

        That one is a superuser, too, since Python itself may lie in a folder that is closed to others; it is without
        the capability of passing over permissions.
        """
        os.chown(to, NOBODY, NOBODY)
        to.chmod(0o700 if to.is_dir() else 0o600)
        capabilities = "-dac_override,-dac_read_search"
        return self.run(prefix=("setpriv", f"--bounding-set={capabilities}", f"--inh-caps={capabilities}"))

    def watcher(self) -> tuple[str, ...]:
        """The command that runs another and sees how it ends."""
        return (sys.executable, "-m", "navigator_obs", "exec", "--log-dir", "logs", "--runs-dir", "runs", "--")

    @contextmanager
    def memory_group(self, megabytes: int) -> Iterator[tuple[str, ...]]:
        """A control group that may have so much memory, as a command that starts another in it.

        Raises `Unavailable` where none can be made.
        """
        group = MEMORY_GROUPS / f"navigator-obs-{os.getpid()}"
        try:
            group.mkdir()
            (group / "memory.limit_in_bytes").write_text(str(megabytes * 2**20))
        except OSError as error:
            raise Unavailable("no memory control group of version 1 can be made") from error
        try:
            yield ("sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh")
        finally:
            deadline = time.monotonic() + LONGEST_SECONDS
            while (group / "cgroup.procs").read_text() and time.monotonic() < deadline:
                time.sleep(0.05)
            group.rmdir()

    def last_run(self) -> Path:
        """The folder of the run that started last."""
        return max(self.runs(), key=started)

    def runs(self) -> list[Path]:
        """The folders of the runs; what they share lies beside them under names with a dot."""
        return [folder for folder in self.runs_dir.iterdir() if not folder.name.startswith(".")]


def started(run: Path) -> str:
    """When the run started, as its journal's first record says."""
    with (run / "journal.jsonl").open(encoding="utf-8") as journal:
        first = json.loads(journal.readline())
    return str(first.get("time") or first.get("timestamp") or first.get("start_time"))
