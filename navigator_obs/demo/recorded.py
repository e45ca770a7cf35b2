"""The same simulation, recorded: all that is added to a program to have its runs on record.

Each method wraps the plain one in an operation, and says what it did. To run it:
``python -m navigator_obs.demo.recorded``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

import navigator_obs as obs

from .steps import Step
from .workforce import Listener, Plan, Workforce, YearResult


class RecordedWorkforce(Workforce):
    """`Workforce`, on record."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, plan: Plan, run: obs.Run, listener: Listener | None = None
    ) -> None:
        super().__init__(connection, plan, run.directory / "checkpoints", listener)
        self.run = run
        self.log = obs.get_logger("workforce")

    def years(self) -> Iterable[int]:
        """Go through the years with the figures of how far it is, which the listener shows."""
        years = obs.track(super().years(), show=self.listener is None)
        if self.listener is not None:
            self.listener.loop_begins(years.progress)
        return years

    @obs.operation
    def load_census(self) -> int:
        """Load it as one operation, named after the function."""
        employees = super().load_census()
        self.log.info("census loaded", employees=employees)
        return employees

    def simulate_year(self, year: int) -> YearResult:
        """Bind the year to all that happens in it: the operations, their figures, and whoever else logs."""
        with obs.context(year=year), obs.operation("year_simulation") as op:
            # A logger per year: configure(levels={"workforce.2027": "DEBUG"}) tells all about that year alone.
            self.log = obs.get_logger(f"workforce.{year}")
            result = super().simulate_year(year)
            op.add_rows(result.events)
            self.log.info("year simulated", events=result.events, headcount=result.headcount, payroll=result.payroll)
        return result

    def simulate_step(self, step: Step, year: int) -> int:
        """Log the batch with its counts and, where somebody wants to know, each of its simulation events."""
        with obs.operation(step.name) as op:
            events = super().simulate_step(step, year)
            op.add_rows(events)
            obs.count("simulation_events", events, event_type=step.event_type)
            log = self.log.bind(batch=f"{year}-{step.event_type}", event_type=step.event_type)
            log.info("batch simulated", events=events)
            if log.is_enabled_for(logging.DEBUG):
                for event in self.simulation_events(step, year):
                    log.debug("simulation event", **event)
        return events

    @obs.operation("validation", log="failure")
    def validate(self, year: int) -> YearResult:
        """Hold the year's figures against what they must and what they should be."""
        result = super().validate(year)
        obs.check("headcount_gap", result.headcount_gap, equals=0, severity="error")
        obs.check("strays", result.strays, equals=0, severity="error")
        obs.check("participation_rate", result.participation_rate, max=self.plan.funded_participation)
        obs.gauge("headcount", result.headcount)
        obs.gauge("payroll_million_dollars", round(result.payroll / 1e6, 1))
        return result

    @obs.operation
    def checkpoint(self, year: int) -> Path:
        """Tell the run that the year is complete, and where its state is."""
        path = super().checkpoint(year)
        self.run.checkpoint(year, path)
        return path

    @obs.operation
    def back_up(self) -> Path:
        """Tell the run where the backup is."""
        path = super().back_up()
        self.run.add_artifact(path, kind="backup")
        return path


def simulate(
    plan: Plan,
    connection: duckdb.DuckDBPyConnection,
    listener: Listener | None = None,
    observers: Iterable[Any] = (),
    config: obs.Config | None = None,
) -> obs.Run:
    """Simulate *plan* as one run; its folder has a summary however it ends. *config* None leaves what holds."""
    if config is not None:
        obs.configure(config)
    with obs.start_run("workforce", params=plan, years=plan.years, observers=observers) as run:
        RecordedWorkforce(connection, plan, run, listener).simulate()
    return run


if __name__ == "__main__":
    obs.configure(log_dir="logs", runs_dir="artifacts/runs")
    simulate(Plan(), duckdb.connect())
