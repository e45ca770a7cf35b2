"""The simulation's own rules, and the quality of what came in: exceptions of the program's own classes."""

from __future__ import annotations

import enum
from pathlib import Path

import navigator_obs as obs

from .case import case

HERE = "tests.runs.corpus.models."


class NegativeHeadcountError(Exception):
    """More people left than there were."""


class InvariantViolation(AssertionError):
    """What has to hold does not."""


class SimulationError(Exception):
    """The simulation cannot go on."""


class EventOrderError(ValueError):
    """Events that cannot follow each other."""


class ImplausibleResult(Exception):
    """A figure that cannot be."""


class CalibrationError(Exception):
    """The rates do not give the headcount that was asked for."""


class DataQualityError(ValueError):
    """What came in is not good enough."""


class MissingCensusYear(LookupError):
    """A year that the census does not have."""


class DuplicateEmployeeError(ValueError):
    """One employee, two rows."""


class SchemaMismatch(Exception):
    """Other columns than agreed."""


@case("model", "The simulated headcount fell below zero.", raises=HERE + "NegativeHeadcountError", says="-3")
def negative_headcount(folder: Path) -> None:
    headcount, leaving = 12, 15
    if headcount - leaving < 0:
        raise NegativeHeadcountError(f"headcount of level 5 would be {headcount - leaving} in 2028")


@case("model", "A rule that holds every year does not.", raises=HERE + "InvariantViolation", says="headcount gap")
def invariant(folder: Path) -> None:
    opening, hires, leavers, closing = 100, 10, 5, 106
    gap = closing - (opening + hires - leavers)
    if gap:
        raise InvariantViolation(f"headcount gap of {gap} in 2026")


@case("model", "The simulation says itself that it cannot go on.", raises=HERE + "SimulationError", says="promotion")
def promotion_beyond_the_top(folder: Path) -> None:
    level, top = 6, 5
    if level > top:
        raise SimulationError(f"promotion to level {level}, but the highest is {top}")


@case("model", "Simulated events in an order that cannot be.", raises=HERE + "EventOrderError", says="before")
def event_order(folder: Path) -> None:
    events = [("termination", "2026-03-01"), ("hire", "2026-05-01")]
    if events != sorted(events, key=lambda event: event[0]):
        raise EventOrderError("employee 17: termination on 2026-03-01 before hire on 2026-05-01")


@case("model", "A result that nobody would believe.", raises=HERE + "ImplausibleResult", says="payroll")
def implausible(folder: Path) -> None:
    payroll = [100.0 * 1.5**year for year in range(12)]
    if payroll[-1] > 10 * payroll[0]:
        raise ImplausibleResult(f"payroll grows from {payroll[0]:.0f} to {payroll[-1]:.0f} million in 12 years")


@case("model", "The rates cannot give the headcount that was asked for.", raises=HERE + "CalibrationError")
def calibration(folder: Path) -> None:
    growth, most_hires, leavers = 0.2, 50, 120
    if most_hires < leavers * (1 + growth):
        raise CalibrationError(f"growth of {growth:.0%} needs {leavers * (1 + growth):.0f} hires, at most {most_hires}")


@case("data/quality", "Too many values are missing in the census.", raises=HERE + "DataQualityError", says="null")
def too_many_nulls(folder: Path) -> None:
    pay = [50_000, None, None, 61_000]
    share = pay.count(None) / len(pay)
    if share > 0.05:
        raise DataQualityError(f"compensation is null in {share:.0%} of the census")


@case("data/quality", "Dates that contradict each other.", raises="ValueError", says="after termination_date")
def dates_that_contradict(folder: Path) -> None:
    rows = [{"hire_date": "2020-01-01", "termination_date": "2019-06-30"}]
    wrong = [row for row in rows if row["hire_date"] > row["termination_date"]]
    if wrong:
        raise ValueError(f"census: hire_date after termination_date in {len(wrong)} rows")


@case("data/missing", "The census has no rows of a year.", raises=HERE + "MissingCensusYear", says="2027")
def census_year_missing(folder: Path) -> None:
    census = {2025: 100, 2026: 103}
    if 2027 not in census:
        raise MissingCensusYear("no census rows for 2027")


@case("data/integrity", "An employee comes twice.", raises=HERE + "DuplicateEmployeeError", says="twice")
def employee_twice(folder: Path) -> None:
    seen: set[int] = set()
    for employee in (1, 2, 7, 7):
        if employee in seen:
            raise DuplicateEmployeeError(f"employee_id {employee} comes twice in the census")
        seen.add(employee)


@case("data/schema", "The census lacks columns that were agreed on.", raises=HERE + "SchemaMismatch", says="hire_date")
def columns_not_as_agreed(folder: Path) -> None:
    missing = {"employee_id", "hire_date", "level"} - {"employee_id", "level"}
    if missing:
        raise SchemaMismatch(f"census.csv lacks the columns {', '.join(missing)}")


@case("data", "A status that the program does not know came in.", raises="ValueError", says="is not a valid")
def unknown_status(folder: Path) -> None:
    class EmploymentStatus(enum.Enum):
        ACTIVE = "active"
        LEFT = "left"

    rows = [{"status": "active"}, {"status": "retired"}]
    [EmploymentStatus(row["status"]) for row in rows]


@case("data/quality", "A check that was told to stop the run failed.", raises="navigator_obs.errors.CheckFailed")
def check_failed(folder: Path) -> None:
    obs.configure(log_dir=folder / "logs", runs_dir=folder / "runs", console="off", run_report=False)
    with obs.start_run("baseline"):
        obs.check("null_share", 0.4, max=0.05, severity="error", stop=True)
