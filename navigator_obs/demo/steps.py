"""What happens to a workforce in a year, as SQL: each kind of simulation event, whom it happens to, what changes.

Chance is a hash of seed, year, employee and topic, so that a seed gives the same simulation events on every machine,
with any number of threads and with every version of DuckDB.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SCHEMA: Final = """
CREATE TEMP MACRO draw(seed, in_year, who, topic) AS
    ('0x' || left(md5(concat_ws('/', seed, in_year, who, topic)), 13))::BIGINT / 4503599627370496::DOUBLE;
CREATE TABLE job_level (job_level INTEGER, base_pay INTEGER, promotion_rate DOUBLE);
INSERT INTO job_level VALUES
    (1, 48000, 0.11), (2, 64000, 0.08), (3, 86000, 0.06), (4, 118000, 0.04), (5, 165000, 0);
CREATE TABLE workforce (
    employee_id INTEGER, birth_date DATE, hire_date DATE, job_level INTEGER, compensation DECIMAL(12, 2),
    deferral_rate DECIMAL(4, 2), termination_date DATE);
CREATE TABLE simulation_event (
    event_id VARCHAR PRIMARY KEY, simulation_year INTEGER, event_type VARCHAR, employee_id INTEGER,
    effective_date DATE, job_level INTEGER, compensation DECIMAL(12, 2), deferral_rate DECIMAL(4, 2));
CREATE TEMP TABLE batch (
    employee_id INTEGER, effective_date DATE, job_level INTEGER, compensation DECIMAL(12, 2),
    deferral_rate DECIMAL(4, 2));
CREATE TABLE yearly_result (
    simulation_year INTEGER, events BIGINT, headcount BIGINT, headcount_gap BIGINT, strays BIGINT,
    payroll DOUBLE, participation_rate DOUBLE);
"""

CENSUS: Final = """
INSERT INTO workforce
SELECT employee_id,
       make_date($year, 1, 1) - (365 * (22 + 42 * draw($seed, $year, employee_id, 'age')))::INTEGER,
       make_date($year, 1, 1) - (1 + 365 * 18 * draw($seed, $year, employee_id, 'tenure')
                                             * draw($seed, $year, employee_id, 'tenure again'))::INTEGER,
       job_level,
       base_pay * (0.85 + 0.30 * draw($seed, $year, employee_id, 'pay')),
       CASE WHEN draw($seed, $year, employee_id, 'enrolled') < 0.62
            THEN 0.02 + 0.08 * draw($seed, $year, employee_id, 'deferral') END,
       NULL
FROM (SELECT n AS employee_id, draw($seed, $year, n, 'level') AS rank FROM range(1, $employees + 1) AS numbers (n))
JOIN job_level ON job_level = 1 + (rank > 0.40)::INTEGER + (rank > 0.72)::INTEGER + (rank > 0.91)::INTEGER
                                + (rank > 0.98)::INTEGER
ORDER BY employee_id
"""


@dataclass(frozen=True)
class Step:
    """One kind of simulation event: the query that generates a year's batch, and the statement that applies it."""

    event_type: str
    """What each of its simulation events is called."""
    name: str
    """What the step is called."""
    generate: str
    """SELECT employee_id, effective_date, job_level, compensation, deferral_rate."""
    apply: str
    """The change to `workforce` that the rows of `batch` stand for."""


TERMINATIONS: Final = Step(
    "termination",
    "terminations",
    generate="""
SELECT employee_id, make_date($year, 1, 1) + (364 * draw($seed, $year, employee_id, 'leaves on'))::INTEGER,
       job_level, compensation, deferral_rate
FROM workforce
WHERE termination_date IS NULL
  AND draw($seed, $year, employee_id, 'leaves') < $termination_rate
      * CASE WHEN birth_date < make_date($year - 64, 1, 1) THEN 3.0
             WHEN hire_date >= make_date($year - 2, 1, 1) THEN 1.5
             ELSE 0.75 END
""",
    apply="""
UPDATE workforce SET termination_date = effective_date, deferral_rate = NULL
FROM batch WHERE batch.employee_id = workforce.employee_id
""",
)

PROMOTIONS: Final = Step(
    "promotion",
    "promotions",
    generate="""
SELECT employee_id, make_date($year, 4, 1), workforce.job_level + 1,
       greatest(compensation * (1.06 + 0.08 * draw($seed, $year, employee_id, 'promotion raise')),
                above.base_pay * 0.85),
       deferral_rate
FROM workforce
JOIN job_level AS own ON own.job_level = workforce.job_level
JOIN job_level AS above ON above.job_level = workforce.job_level + 1
WHERE termination_date IS NULL AND hire_date < make_date($year - 1, 1, 1)
  AND draw($seed, $year, employee_id, 'promoted') < own.promotion_rate
""",
    apply="""
UPDATE workforce SET job_level = batch.job_level, compensation = batch.compensation
FROM batch WHERE batch.employee_id = workforce.employee_id
""",
)

MERIT_RAISES: Final = Step(
    "merit_raise",
    "merit_raises",
    generate="""
SELECT employee_id, make_date($year, 7, 1), job_level,
       compensation * (1.01 + 0.02 * (draw($seed, $year, employee_id, 'merit')
                                      + draw($seed, $year, employee_id, 'merit again'))),
       deferral_rate
FROM workforce
WHERE termination_date IS NULL AND hire_date < make_date($year, 1, 1)
  AND draw($seed, $year, employee_id, 'rated') < 0.96
""",
    apply="""
UPDATE workforce SET compensation = batch.compensation
FROM batch WHERE batch.employee_id = workforce.employee_id
""",
)

HIRING: Final = Step(
    "hire",
    "hiring",
    # As many as have left, and the growth on top; they start on lower levels than the census has.
    generate="""
WITH numbers AS (
    SELECT (SELECT count(*) FROM workforce WHERE termination_date IS NULL) AS staying,
           (SELECT count(*) FROM workforce WHERE termination_date >= make_date($year, 1, 1)) AS leaving,
           (SELECT max(employee_id) FROM workforce) AS last_id),
newcomers AS (
    SELECT last_id + unnest(range(1, 1 + leaving + ($growth * (staying + leaving))::INTEGER)) AS employee_id
    FROM numbers)
SELECT employee_id, make_date($year, 1, 1) + (364 * draw($seed, $year, employee_id, 'starts on'))::INTEGER,
       job_level, base_pay * (0.85 + 0.20 * draw($seed, $year, employee_id, 'pay')), NULL
FROM newcomers
JOIN job_level ON job_level = 1 + (draw($seed, $year, employee_id, 'level') > 0.60)::INTEGER
                                + (draw($seed, $year, employee_id, 'level') > 0.88)::INTEGER
""",
    apply="""
INSERT INTO workforce
SELECT employee_id,
       effective_date - (365 * (21 + 30 * draw($seed, $year, employee_id, 'age')))::INTEGER,
       effective_date, job_level, compensation, NULL, NULL
FROM batch ORDER BY employee_id
""",
)

ENROLMENTS: Final = Step(
    "enrolment",
    "enrolments",
    generate="""
SELECT employee_id, greatest(hire_date, make_date($year, 10, 1)), job_level, compensation,
       0.02 + 0.06 * draw($seed, $year, employee_id, 'deferral')
FROM workforce
WHERE termination_date IS NULL AND deferral_rate IS NULL
  AND draw($seed, $year, employee_id, 'enrols') < CASE WHEN hire_date >= make_date($year, 1, 1) THEN 0.7 ELSE 0.2 END
""",
    apply="""
UPDATE workforce SET deferral_rate = batch.deferral_rate
FROM batch WHERE batch.employee_id = workforce.employee_id
""",
)

STEPS: Final = (TERMINATIONS, PROMOTIONS, MERIT_RAISES, HIRING, ENROLMENTS)

STORE: Final = """
INSERT INTO simulation_event
SELECT format('{}-{}-{:06d}', $year, $event_type, employee_id), $year, $event_type, *
FROM batch ORDER BY employee_id
"""

EVENTS: Final = """
SELECT event_id, employee_id, effective_date::VARCHAR AS effective_date, job_level,
       compensation::DOUBLE AS compensation, deferral_rate::DOUBLE AS deferral_rate
FROM simulation_event WHERE simulation_year = $year AND event_type = $event_type ORDER BY event_id
"""

RESULT: Final = """
INSERT INTO yearly_result
SELECT $year,
       (SELECT count(*) FROM simulation_event WHERE simulation_year = $year),
       headcount,
       headcount - $employees - (SELECT count(*) FILTER (event_type = 'hire')
                                      - count(*) FILTER (event_type = 'termination') FROM simulation_event),
       (SELECT count(*) FROM simulation_event LEFT JOIN workforce USING (employee_id)
        WHERE workforce.employee_id IS NULL OR effective_date > coalesce(termination_date, effective_date)),
       payroll,
       participation_rate
FROM (SELECT count(*) AS headcount, sum(compensation) AS payroll,
             round(count(deferral_rate) / count(*), 4) AS participation_rate
      FROM workforce WHERE termination_date IS NULL)
"""
