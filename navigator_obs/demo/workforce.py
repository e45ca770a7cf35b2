"""A workforce over several years, simulated on DuckDB: a program as anybody might write it, and nothing else.

Nothing here logs or measures. `recorded.py` beside it adds that, and shows what it takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import duckdb

from .steps import CENSUS, EVENTS, HIRING, RESULT, SCHEMA, STEPS, STORE, Step


class SimulationError(Exception):
    """A batch of simulation events that the database did not take."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is simulated."""

    years: tuple[int, ...] = (2025, 2026, 2027, 2028, 2029)
    employees: int = 6000
    """In the census, on the first of January of the first year."""
    seed: int = 42
    growth: float = 0.03
    """Of the headcount, per year."""
    termination_rate: float = 0.12
    """Per year, about; it depends on age and tenure."""
    funded_participation: float = 0.8
    """The share of enrolled employees up to which the employer's match is funded."""
    fail_in: int | None = None
    """The year whose hires are generated twice, which the database refuses."""


@dataclass(frozen=True)
class YearResult:
    """A simulated year in figures."""

    year: int
    events: int
    headcount: int
    headcount_gap: int
    """By how much the headcount differs from census + hires - terminations: 0 when all is well."""
    strays: int
    """Simulation events of nobody, or of somebody who had left: 0 when all is well."""
    payroll: float
    """Of a year, in dollars, at the end of it."""
    participation_rate: float
    """Of the enrolled, among all."""


class Ahead(Protocol):
    """How far the years are, and what is known of those to come."""

    def line(self) -> str:
        """Return it in a line: `2 of 5 · 1m 20s left · 425 MB`, and the operation that is open."""


class Listener(Protocol):
    """Is told how the simulation gets on."""

    def loop_begins(self, ahead: Ahead | None) -> None:
        """Hear that the years begin, and where to ask how far they are."""

    def batch_done(self, year: int, step: Step, events: int) -> None:
        """Hear of one batch of simulation events."""

    def year_done(self, result: YearResult) -> None:
        """Hear of one year."""


class Workforce:
    """The simulation: `simulate` calls the other methods in their order. *folder* takes checkpoints and the backup."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, plan: Plan, folder: Path, listener: Listener | None = None
    ) -> None:
        self.connection = connection
        self.plan = plan
        self.folder = folder
        self.listener = listener

    def simulate(self) -> None:
        """Simulate all years. Raises `SimulationError` where the database refuses a batch."""
        self.load_census()
        for year in self.years():
            self.simulate_year(year)
        self.back_up()

    def years(self) -> Iterable[int]:
        """The years to simulate, in their order."""
        return self.plan.years

    def load_census(self) -> int:
        """Create the tables and the employees of the first day, and return how many these are."""
        self._execute(SCHEMA)
        return self._change(CENSUS, year=self.plan.years[0])

    def simulate_year(self, year: int) -> YearResult:
        """Let one year happen, step by step; validate it and keep a checkpoint of it."""
        for step in STEPS:
            events = self.simulate_step(step, year)
            if self.listener:
                self.listener.batch_done(year, step, events)
        result = self.validate(year)
        self.checkpoint(year)
        if self.listener:
            self.listener.year_done(result)
        return result

    def simulate_step(self, step: Step, year: int) -> int:
        """Generate, store and apply one batch of simulation events, all or nothing; return how many these are."""
        try:
            with self._transaction():
                self._execute("DELETE FROM batch")
                for _ in range(2 if step is HIRING and year == self.plan.fail_in else 1):
                    self._execute(f"INSERT INTO batch {step.generate}", year=year)
                events = self._change(STORE, year=year, event_type=step.event_type)
                self._execute(step.apply, year=year)
        except duckdb.Error as error:
            raise SimulationError(f"the database refused the {step.name} of {year}") from error
        return events

    def simulation_events(self, step: Step, year: int) -> Iterator[dict[str, Any]]:
        """Read the simulation events of one batch back, in the order of their ids."""
        cursor = self._execute(EVENTS, year=year, event_type=step.event_type)
        names = [column[0] for column in cursor.description or ()]
        return (dict(zip(names, row, strict=True)) for row in cursor.fetchall())

    def validate(self, year: int) -> YearResult:
        """Work out the year's figures, store and return them."""
        self._execute(RESULT, year=year)
        row = self._execute("SELECT * FROM yearly_result WHERE simulation_year = $year", year=year).fetchall()[0]
        return YearResult(*row)

    def checkpoint(self, year: int) -> Path:
        """Write the workforce as it stands after *year* into a Parquet file, and return its path."""
        query = "SELECT * FROM workforce ORDER BY employee_id"
        with self._file(f"workforce_{year}.parquet") as path:
            self._execute(f"COPY ({query}) TO {_text(path)} (FORMAT parquet)")
        return self.folder / f"workforce_{year}.parquet"

    def back_up(self) -> Path:
        """Copy all tables into a DuckDB file of their own, and return its path."""
        [(name,)] = self._execute("SELECT current_database()").fetchall()
        with self._file("backup.duckdb") as path:
            self._execute(f"ATTACH {_text(path)} AS backup_of_workforce")
            self._execute(f"COPY FROM DATABASE {_name(name)} TO backup_of_workforce")
            self._execute("DETACH backup_of_workforce")
        return self.folder / "backup.duckdb"

    @contextmanager
    def _file(self, name: str) -> Iterator[Path]:
        """Give the path to write to, and put the file in its place when it is whole."""
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self.folder / f"{name}.unfinished"
        unfinished.unlink(missing_ok=True)
        yield unfinished
        unfinished.replace(self.folder / name)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._execute("BEGIN")
        try:
            yield
        except BaseException:
            self._execute("ROLLBACK")
            raise
        self._execute("COMMIT")

    def _change(self, sql: str, **values: Any) -> int:
        """Execute a statement that changes rows, and return how many."""
        return int(self._execute(sql, **values).fetchall()[0][0])

    def _execute(self, sql: str, **values: Any) -> duckdb.DuckDBPyConnection:
        """Execute a statement with those of *values* and of the plan's figures that it names."""
        known = {**asdict(self.plan), **values}
        named = {name: value for name, value in known.items() if f"${name}" in sql}
        try:
            return self.connection.execute(sql, named)
        except RuntimeError as error:
            # A signal's exception that arrives within a query comes out of DuckDB as this one.
            if str(error) != "Query interrupted":
                raise
            raise (error.__cause__ or KeyboardInterrupt()) from None


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'
