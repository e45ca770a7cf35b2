"""Exact peaks: what C code hid from every sample, also where it is lower than a peak before."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import pytest

PROGRAM = """
    import json, time
    import navigator_obs as obs

    obs.configure(console="off", run_report=False, sample_seconds=3600, exact_memory_peaks={exact})
    MB = 1_000_000

    def allocate(count):
        time.sleep(0.06)
        len(b"x" * (count * MB))
        time.sleep(0.06)

    with obs.start_run("peaks") as run:
        with obs.operation("before"):
            allocate(500)
        with obs.operation("outer"):
            with obs.operation("first"):
                allocate(400)
            with obs.operation("second"):
                allocate(200)
            with obs.operation("third"):
                allocate(0)
    paths = run.summary["performance_metrics"]
    found = {{path.rpartition("/")[2]: stats["peak_memory_mb"] for path, stats in paths.items()}}
    print(json.dumps({{**found, "run": run.summary["resources"]["peak_memory_mb"]}}))
"""


def peaks(tmp_path, exact):
    program = textwrap.dedent(PROGRAM).format(exact=exact)
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc/self/clear_refs")
def test_each_operation_has_its_own_peak(tmp_path):
    """Nested ones too: the outer one the highest of those inside, and nobody what came before; the run the highest of
    all, though the kernel's mark was set back since.
    """
    found = peaks(tmp_path, exact=True)
    base = found["third"]
    assert base < 150
    assert found["before"] - base == pytest.approx(500, abs=60)
    assert found["first"] - base == pytest.approx(400, abs=60)
    assert found["outer"] - base == pytest.approx(400, abs=60)
    assert found["second"] - base == pytest.approx(200, abs=60)
    assert found["run"] == pytest.approx(found["before"], abs=1)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_without_it_a_hidden_peak_that_is_lower_than_one_before_is_missed(tmp_path):
    """Which is why there is such a setting; the highest one is found either way."""
    found = peaks(tmp_path, exact=False)
    assert found["before"] > 500
    assert found["first"] < 200
