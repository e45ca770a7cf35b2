"""The program that the scenarios run: the demo's workforce with what real ones have around them.

It reads `settings.toml`, a census from a CSV file, and uses a package (`solver`, in `vendor/`) and a module of rules
(`rules.py`) that lie in its folder, which is a git work tree. ``python simulation.py [TIMES]`` runs it there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import tomllib
import urllib.request
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import duckdb

import navigator_obs as obs
from navigator_obs import clock
from navigator_obs.demo.recorded import RecordedWorkforce
from navigator_obs.demo.steps import SCHEMA, Step
from navigator_obs.demo.workforce import Plan, YearResult

sys.path[:0] = [str(Path.cwd()), str(Path.cwd() / "vendor")]


RESUME_FROM = os.environ.get("SIMULATION_RESUME_FROM") or None
STEP_SECONDS = int(os.environ.get("SIMULATION_CLOCK_STEP_SECONDS", "0"))


class SteppedClock(clock.SystemClock):
    """What a program sees of the computer's clock when that is set."""

    def __init__(self, seconds: int) -> None:
        super().__init__()
        self.time_ns = lambda: time.time_ns() + seconds * 1_000_000_000


class ConfigError(ValueError):
    """A setting without sense."""


class ServiceError(Exception):
    """The rates cannot be had."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What `settings.toml` may say."""

    seed: Any = 42
    first_year: Any = 2025
    last_year: Any = 2027
    growth: Any = 0.03
    termination_rate: Any = 0.12
    funded_participation: Any = 0.9
    inflation: Any = 0.02
    fail_in: int | None = None
    census: str = "census.csv"
    database: str = ":memory:"
    memory_limit: str = "1GB"
    output: str = "out"
    rates_url: str = ""
    build: str = ""
    workers: int = 0
    audit: bool = False
    promise: float | None = None
    pension: Any = None
    """The section of the rules' own settings, which nobody checks but they."""


def read_settings() -> dict[str, Any]:
    with Path("settings.toml").open("rb") as file:
        return tomllib.load(file)


def checked(given: dict[str, Any]) -> Settings:
    known = Settings.__dataclass_fields__
    for name in given:
        if name not in known:
            raise ConfigError(f"settings.toml: there is no setting {name!r}")
    settings = Settings(**given)
    if settings.last_year < settings.first_year:
        raise ConfigError(f"last_year {settings.last_year} is before first_year {settings.first_year}")
    return settings


class Simulation(RecordedWorkforce):
    """A workforce that starts from a census and follows the company's rules."""

    def __init__(self, settings: Settings, run: obs.Run) -> None:
        self.settings = settings
        self.out = Path(settings.output)
        years = tuple(range(settings.first_year, settings.last_year + 1))
        plan = Plan(
            years=years, seed=settings.seed, growth=settings.growth, termination_rate=settings.termination_rate,
            funded_participation=settings.funded_participation, fail_in=settings.fail_in,
        )  # fmt: skip
        super().__init__(self.open_database(), plan, run)
        import rules
        import solver

        self.rules = rules
        self.solver = solver

    @obs.operation
    def open_database(self) -> duckdb.DuckDBPyConnection:
        return duckdb.connect(self.settings.database, config={"threads": 1, "memory_limit": self.settings.memory_limit})

    def simulate(self) -> None:
        if self.settings.rates_url:
            self.fetch_rates()
        if self.settings.build:
            self.build()
        super().simulate()
        self.report()

    @obs.operation
    def fetch_rates(self) -> None:
        try:
            with urllib.request.urlopen(self.settings.rates_url, timeout=1) as response:
                response.read()
        except OSError as error:
            raise ServiceError("no mortality rates from the service") from error

    @obs.operation
    def build(self) -> None:
        subprocess.run([self.settings.build], check=True, capture_output=True, text=True)

    def load_census(self) -> int:
        self._execute(SCHEMA)
        point = self.run.resume_point
        return self.load_checkpoint(point.year, point.path) if point and point.path else self.read_census()

    @obs.operation
    def load_checkpoint(self, year: int, path: str) -> int:
        """Take up where another run has left; its leavers stay behind."""
        query = f"INSERT INTO workforce SELECT * FROM read_parquet('{path}') WHERE termination_date IS NULL"
        employees = self._change(query)
        self.plan = replace(self.plan, employees=employees, years=tuple(y for y in self.plan.years if y > year))
        self.log.info("checkpoint loaded", employees=employees, year=year)
        return employees

    @obs.operation("load_census")
    def read_census(self) -> int:
        path = Path(self.settings.census)
        self.run.add_artifact(path, kind="input")
        employees = self.rules.load(self.connection, path)
        self.plan = replace(self.plan, employees=employees)
        self.log.info("census loaded", employees=employees)
        obs.gauge("census_employees", employees)
        return employees

    def simulate_year(self, year: int) -> YearResult:
        if STEP_SECONDS and year == self.plan.years[1]:
            clock.clock.use(SteppedClock(STEP_SECONDS))
        return super().simulate_year(year)

    def simulate_step(self, step: Step, year: int) -> int:
        events = super().simulate_step(step, year)
        if step.name == "enrolments":
            self.year_end(year)
        return events

    @obs.operation
    def year_end(self, year: int) -> None:
        self.rules.year_end(self, year)
        if self.settings.audit:
            self.audit(year)
        if self.settings.workers:
            self.benefits(year)

    @obs.operation
    def audit(self, year: int) -> None:
        """Hold each employee against each other."""
        pair = "md5(concat(a.employee_id, '/', b.employee_id, '/', n))"
        query = f"SELECT count(DISTINCT {pair}) FROM workforce a, workforce b, range(60) AS r (n)"
        self._execute(query).fetchall()

    @obs.operation
    def benefits(self, year: int) -> None:
        with ProcessPoolExecutor(self.settings.workers, mp_context=get_context("fork")) as pool:
            parts = [pool.submit(obs.carry(self.rules.benefits), year, part) for part in range(self.settings.workers)]
            obs.gauge("benefits", sum(part.result() for part in parts))

    @obs.operation
    def report(self) -> None:
        self.out.mkdir(exist_ok=True)
        path = self.out / "report.csv"
        self.rules.report(self, path)
        self.run.add_artifact(path, kind="output")


def main(times: int) -> None:
    """Run it so many times, each run anew."""
    obs.configure(log_dir="logs", runs_dir="runs", console="off", run_report=False)
    for _ in range(times):
        given = read_settings()
        years = range(int(given.get("first_year", 2025)), int(given.get("last_year", 2027)) + 1)
        options = {"promise": given.get("promise"), "resume_from": RESUME_FROM}
        with obs.start_run("workforce", params=given, years=years, **options) as run:
            Simulation(checked(given), run).simulate()


if __name__ == "__main__":
    os.umask(0o022)
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
