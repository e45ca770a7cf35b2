"""Of a traceback's frames the innermost one of the application speaks."""

from __future__ import annotations

import pytest

from navigator_obs.runs.frames import own_frame

OWN = {"file": "/srv/plan/rules.py", "module": "planwise.rules", "line": 3}
LIBRARY = {"file": "/x/site-packages/duckdb/__init__.py", "module": "duckdb", "line": 9}
TOOLKIT = {"file": "/srv/src/navigator_obs/runs/checks.py", "module": "navigator_obs.runs.checks", "line": 7}


@pytest.mark.parametrize(
    ("frames", "found"),
    [
        ([OWN, {**OWN, "line": 4}, LIBRARY], {**OWN, "line": 4}),
        ([OWN, TOOLKIT], OWN),
        ([LIBRARY, TOOLKIT], TOOLKIT),
        ([], None),
        (None, None),
        ("frames", None),
        ([None, 7, OWN], OWN),
        ([{}], {}),
    ],
)
def test_the_innermost_frame_of_the_application_is_its_own(frames, found):
    """The innermost of all where each is somebody else's; what is no frame is passed over."""
    assert own_frame({"frames": frames}) == found
