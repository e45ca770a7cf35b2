"""Places in the application's code are found in the texts that errors, hangs and crashes leave."""

from __future__ import annotations

import faulthandler
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from navigator_obs.events.exceptions import describe
from navigator_obs.history.places import Frame, root_place, standing
from navigator_obs.runs.stalls import stacks, write_stacks


def look_up():
    return {}["bands"]


def wrapped():
    try:
        look_up()
    except KeyError as error:
        raise RuntimeError("no bands") from error


def described(function, *arguments):
    with pytest.raises(BaseException) as raised:  # noqa: PT011
        function(*arguments)
    return describe(raised.value)


def test_the_place_is_that_of_the_root_cause():
    """It is where the first exception was raised, not where another one was made of it."""
    assert root_place(described(wrapped)).endswith("in look_up")
    assert root_place({}) == ""


def test_the_place_of_a_workers_error_is_in_the_worker():
    """The parent's line says only that it waited for an answer."""
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        assert root_place(described(pool.submit(look_up).result)).endswith("in look_up")


def together():
    errors = []
    for function in (wrapped, look_up):
        try:
            function()
        except Exception as error:
            errors.append(error)
    raise ExceptionGroup("two rules failed", errors)


def test_a_group_is_its_first_member():
    """What the group says is that there are several."""
    assert root_place(described(together)).endswith("in wrapped")


def test_what_threads_did_is_read_from_the_stacks_of_a_stall(tmp_path):
    """The main thread first; the last stall's, of which the file tells last."""
    go = threading.Event()
    thread = threading.Thread(target=go.wait, name="Thread-7 (work (off))")
    thread.start()
    write_stacks(tmp_path, "2025-01-01T00:00:00Z", [{"thread": "early", "frames": []}], 0o644)
    write_stacks(tmp_path, "2025-01-02T00:00:00Z", stacks(), 0o644)
    go.set()
    thread.join()
    found = standing(tmp_path / "stacks.log")
    assert "early" not in [one.thread for one in found]
    [waiting] = [one for one in found if one.thread == "Thread-7 (work (off))"]
    assert waiting.place is None
    assert waiting.frames[-1].function.endswith("wait")


def test_what_the_interpreter_writes_is_read_as_well(tmp_path):
    """Its lines stand the other way round, and the thread that it speaks of is called the current one."""
    path = tmp_path / "fault.log"
    with path.open("w") as file:
        file.write("Fatal Python error: Aborted\n\n")
        file.flush()
        faulthandler.dump_traceback(file)
    current = standing(path)[0]
    assert current.is_current
    assert current.place is not None
    assert current.place.function == "test_what_the_interpreter_writes_is_read_as_well"


def test_without_a_file_nobody_stood_anywhere(tmp_path):
    """A file that is missing or says nothing is no failure."""
    assert standing(tmp_path / "stacks.log") == []
    (tmp_path / "fault.log").write_bytes(b"\xff\n")
    assert standing(tmp_path / "fault.log") == []


@pytest.mark.parametrize(
    ("file", "is_own"),
    [
        ("/srv/plan/rules.py", True),
        ("/usr/lib/python3.11/queue.py", False),
        ("/srv/.venv/lib/python3.12/site-packages/pandas/core.py", False),
        ("/srv/src/navigator_obs/operations/operation.py", False),
        ("/srv/src/navigator_obs/demo/workforce.py", True),
        ("<frozen importlib._bootstrap>", False),
        ("pandas/_libs/hashtable.pyx", False),
    ],
)
def test_what_is_the_applications_own(file: str, is_own: bool):
    """Neither the standard library, nor what is installed, nor the toolkit."""
    assert Frame(file, 1, "f").is_own == is_own
