"""What it is said that a faster operation would save."""

from __future__ import annotations

import pytest

from navigator_obs.outputs.slow import slowest


@pytest.mark.parametrize(("own", "said"), [(4.0, "≤ 20%"), (6.0, "about 20%")])
def test_it_is_a_bound_only_where_the_operation_was_alone(own, said):
    """Half of a share; beside others it is an estimate, and said to be one."""
    found = {"operation_path": "hiring", "self_seconds": own, "weighted_self_seconds": 4.0, "percent": 40.0}
    [row] = slowest({"bottlenecks": [{**found, "saves_at_most_percent": 20.0}]}).rows
    assert said in [cell.text for cell in row]
