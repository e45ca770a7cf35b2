"""The plain simulation: the same seed gives the same simulation events, and the figures add up."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import duckdb
import pytest

from navigator_obs.demo.steps import STEPS
from navigator_obs.demo.workforce import Plan, SimulationError, Workforce

SMALL = Plan(employees=400, years=(2025, 2026, 2027))


def simulate(plan, folder, *, threads=None):
    connection = duckdb.connect()
    if threads:
        connection.execute(f"SET threads = {threads}")
    Workforce(connection, plan, folder).simulate()
    return connection


def rows(connection, query):
    return connection.execute(query).fetchall()


def digest(connection):
    """Take table order as it stands: the order of the events belongs to what a seed determines."""
    text = repr(rows(connection, "SELECT * FROM simulation_event")) + repr(
        rows(connection, "SELECT * FROM workforce ORDER BY employee_id")
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    connection = simulate(SMALL, tmp_path_factory.mktemp("small"))
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def default(tmp_path_factory):
    connection = simulate(Plan(), tmp_path_factory.mktemp("default"))
    yield connection
    connection.close()


def test_same_seed_same_events_everywhere(small):
    """A seed gives these very events, on every machine and with every version of DuckDB."""
    assert digest(small) == "e542be7ef091f672"


def test_default_seed_same_events_everywhere(default):
    """The default plan gives these very events, too, with as many threads as the machine has."""
    assert digest(default) == "f57191670cf460bc"


def test_threads_change_nothing(small, tmp_path):
    """One thread and many give the same events in the same order."""
    for threads in (1, 4):
        assert digest(simulate(SMALL, tmp_path, threads=threads)) == digest(small)


def test_simulating_into_the_same_folder_again(tmp_path):
    """Checkpoints and the backup of an earlier simulation in the same folder are replaced."""
    for seed in (1, 2):
        connection = simulate(Plan(employees=50, years=(2025,), seed=seed), tmp_path)
    with duckdb.connect(str(tmp_path / "backup.duckdb"), read_only=True) as backup:
        assert digest(backup) == digest(connection)


def test_seed_changes_events(small, tmp_path):
    """Another seed gives other events."""
    assert digest(simulate(Plan(employees=400, years=SMALL.years, seed=43), tmp_path)) != digest(small)


def test_default_size(default):
    """The defaults give five years of at least 5,000 employees and 40,000 to 50,000 simulation events."""
    assert [year for (year,) in rows(default, "SELECT simulation_year FROM yearly_result")] == list(range(2025, 2030))
    assert (
        rows(default, "SELECT count(*) FROM workforce WHERE hire_date < '2025-01-01'")[0][0] == Plan().employees >= 5000
    )
    assert 40_000 <= rows(default, "SELECT count(*) FROM simulation_event")[0][0] <= 50_000


def test_every_kind_happens_every_year(default):
    """Each year has a batch of each of the five kinds of simulation events."""
    counted = rows(default, "SELECT simulation_year, event_type, count(*) FROM simulation_event GROUP BY ALL")
    assert {(year, kind) for year, kind, _ in counted} == {
        (year, step.event_type) for year in range(2025, 2030) for step in STEPS
    }


def test_event_ids(default):
    """Each simulation event has an id of its own that says year, kind and employee."""
    [(total, different)] = rows(default, "SELECT count(*), count(DISTINCT event_id) FROM simulation_event")
    assert total == different
    assert rows(default, "SELECT event_id FROM simulation_event LIMIT 1")[0][0].startswith("2025-termination-00")


def test_years_add_up(default):
    """Each year's headcount follows from census, hires and terminations, and no event is of somebody who had left."""
    assert rows(default, "SELECT DISTINCT headcount_gap, strays FROM yearly_result") == [(0, 0)]
    assert rows(
        default,
        """SELECT count(*) FROM simulation_event e JOIN workforce w USING (employee_id)
           WHERE e.effective_date < w.hire_date OR e.effective_date > coalesce(w.termination_date, e.effective_date)
              OR year(e.effective_date) <> e.simulation_year""",
    ) == [(0,)]


def test_events_are_applied(default):
    """The highest level and pay of an employee's events are what the workforce holds: neither ever falls."""
    assert rows(
        default,
        """SELECT count(*) FROM workforce w
           JOIN (SELECT employee_id, max(job_level) AS job_level, max(compensation) AS compensation
                 FROM simulation_event GROUP BY ALL) e USING (employee_id)
           WHERE w.job_level <> e.job_level OR w.compensation <> e.compensation""",
    ) == [(0,)]


def test_lives_are_plausible(default):
    """Nobody is paid nothing, works as a child, or stands on a level that does not exist."""
    assert rows(
        default,
        """SELECT count(*) FROM workforce
           WHERE compensation < 30000 OR job_level NOT BETWEEN 1 AND 5 OR hire_date < birth_date + INTERVAL 2 YEAR
              OR deferral_rate NOT BETWEEN 0.02 AND 0.10""",
    ) == [(0,)]


def test_checkpoints_and_backup(tmp_path):
    """Each year leaves its workforce as a Parquet file, and the whole a database file with all tables."""
    connection = simulate(SMALL, tmp_path)
    left = rows(connection, f"SELECT count(*) FROM '{tmp_path}/workforce_2027.parquet' WHERE termination_date IS NULL")
    assert left == rows(connection, "SELECT headcount FROM yearly_result WHERE simulation_year = 2027")
    with duckdb.connect(str(tmp_path / "backup.duckdb"), read_only=True) as backup:
        assert digest(backup) == digest(connection)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "backup.duckdb",
        *(f"workforce_{year}.parquet" for year in SMALL.years),
    ]


def test_awkward_paths(tmp_path):
    """A folder and a database with quotes and spaces in their names work."""
    folder = tmp_path / 'Ann\'s "best" run'
    folder.mkdir()
    with duckdb.connect(str(folder / 'my "own".db')) as connection:
        Workforce(connection, Plan(employees=50, years=(2025,)), folder / "out").simulate()
    assert (folder / "out" / "backup.duckdb").is_file()


def test_failing_year(tmp_path):
    """The year that is to fail ends in a domain error caused by the database's own, and the years before it stand."""
    with duckdb.connect() as connection:
        with pytest.raises(SimulationError, match="hiring of 2027") as failure:
            Workforce(connection, Plan(employees=400, fail_in=2027), tmp_path).simulate()
        assert isinstance(failure.value.__cause__, duckdb.ConstraintException)
        assert rows(connection, "SELECT simulation_year FROM yearly_result ORDER BY ALL") == [(2025,), (2026,)]
        assert rows(
            connection, "SELECT DISTINCT event_type FROM simulation_event WHERE simulation_year = 2027 ORDER BY 1"
        ) == [
            ("merit_raise",),
            ("promotion",),
            ("termination",),
        ]


def test_refused_batch_leaves_nothing(tmp_path):
    """A batch is stored and applied as a whole or not at all."""
    with duckdb.connect() as connection:
        with pytest.raises(SimulationError):
            Workforce(connection, Plan(employees=400, fail_in=2025), tmp_path).simulate()
        assert rows(connection, "SELECT count(*) FROM simulation_event WHERE event_type = 'hire'") == [(0,)]
        assert rows(connection, "SELECT count(*) FROM workforce") == [(400,)]


def test_batch_reads_back(small, tmp_path):
    """The simulation events of a batch come back in the order of their ids, as the database holds them."""
    workforce = Workforce(small, SMALL, tmp_path)
    for step in STEPS:
        ids = [event["event_id"] for event in workforce.simulation_events(step, 2026)]
        assert ids == sorted(ids)
        assert [(len(ids),)] == rows(
            small,
            f"SELECT count(*) FROM simulation_event WHERE simulation_year = 2026 AND event_type = '{step.event_type}'",
        )


def test_listener_hears_everything(tmp_path):
    """A listener hears of each batch and each year as it is done, with figures that add up."""
    heard = []

    class Listener:
        def batch_done(self, year, step, events):
            heard.append((year, step.event_type, events))

        def year_done(self, result):
            heard.append(result)
            assert sum(entry[2] for entry in heard[-6:-1]) == result.events

    with duckdb.connect() as connection:
        Workforce(connection, SMALL, tmp_path, Listener()).simulate()
    assert len(heard) == 3 * (len(STEPS) + 1)


def test_knows_nothing_of_its_recording():
    """The plain simulation imports nothing of the toolkit but itself, and no logging."""
    code = "import sys, navigator_obs.demo.workforce; print(*sorted(n for n in sys.modules if 'navigator' in n))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        "navigator_obs",
        "navigator_obs.demo",
        "navigator_obs.demo.steps",
        "navigator_obs.demo.workforce",
    ]
