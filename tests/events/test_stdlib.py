"""`logging` and `warnings` of the rest of the application arrive as events."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import pytest

import navigator_obs as obs
from navigator_obs.events import scope
from navigator_obs.events.stdlib import StdlibHandler
from navigator_obs.fields import RESERVED


def test_records_arrive_with_run_and_context(recorder):
    """A stdlib record is an event with the run's id, the context, its own place and its `extra`."""
    token = scope.enter(run=scope.RunTag("run-1"))
    with obs.context(year=2025):
        logging.getLogger("planwise.hiring").warning("hired %d of %s", 3, "5%", extra={"region": 2})
    scope.leave(token)
    (event,) = recorder.events()
    assert event["message"] == "hired 3 of 5%"
    assert (event["run_id"], event["year"], event["region"], event["logger"]) == ("run-1", 2025, 2, "planwise.hiring")
    assert (event["level"], event["function"]) == ("WARNING", "test_records_arrive_with_run_and_context")


def test_levels_hold_for_stdlib_loggers(recorder):
    """The root is opened as far as asked for, and a name's level holds for stdlib's loggers as well."""
    recorder.configure(levels={"noisy": "ERROR", "chatty": "DEBUG"})
    for name in ("noisy", "chatty", "plain"):
        for level in (10, 20, 30, 40):
            logging.getLogger(name).log(level, "m")
    assert [(event["logger"], event["level"]) for event in recorder.events()] == [
        ("noisy", "ERROR"),
        *[("chatty", level) for level in ("DEBUG", "INFO", "WARNING", "ERROR")],
        *[("plain", level) for level in ("INFO", "WARNING", "ERROR")],
    ]


def test_unusual_levels_are_rounded_down(recorder):
    """A level of one's own is written as the nearest known one below."""
    logging.addLevelName(35, "NOTICE")
    logging.getLogger("x").log(35, "m")
    logging.getLogger("x").log(99, "m")
    assert [event["level"] for event in recorder.events()] == ["WARNING", "CRITICAL"]


def test_exceptions_and_stacks_are_kept(recorder):
    """`logger.exception` brings the exception, `stack_info` the stack."""
    try:
        raise ValueError("no")
    except ValueError:
        logging.getLogger("x").exception("failed", stack_info=True)
    logging.getLogger("x").error("nothing to tell", exc_info=True)  # noqa: LOG014
    one, two = recorder.events()
    assert one["exception"]["type"] == "ValueError"
    assert one["stack"].startswith("Stack")
    assert "exception" not in two


def test_records_forge_nothing(recorder):
    """Reserved names in `extra` are kept as field_<name>, and awkward values break nothing."""
    names = sorted((RESERVED | {"event"}) - {"message", "module", "process", "thread"})
    logging.getLogger("x").warning("m", extra={**dict.fromkeys(names, "forged"), "array": np.array([1]), "\0caller": 5})
    (event,) = recorder.events()
    assert {f"field_{name}" for name in names} <= set(event)
    assert (event["message"], event["level"], event["array"]) == ("m", "WARNING", [1])


def test_a_message_that_does_not_fit_its_arguments(recorder, capsys):
    """Wrong arguments are kept beside the text instead of a traceback on stderr."""
    record = logging.LogRecord("x", 30, __file__, 1, "%d people", ("five",), None)
    StdlibHandler().handle(record)
    assert recorder.events()[0]["message"] == "%d people ('five',)"
    assert capsys.readouterr().err == ""


def test_secrets_in_records_go(recorder):
    """Redaction holds for stdlib's records."""
    logging.getLogger("x").warning("password=%s", "hunter2", extra={"token": "hunter2"})
    assert b"hunter2" not in b"".join(recorder.lines())


def test_warnings_arrive(recorder, recwarn):
    """A warning is an event whose place is the warning's own."""
    obs.configure(log_dir=recorder.log_dir, console="off")
    warnings.showwarning(UserWarning("deprecated thing"), UserWarning, __file__, 42)
    (event,) = recorder.events("deprecated thing")
    assert (event["level"], event["warning"], event["line"], event["module"]) == (
        "WARNING",
        "UserWarning",
        42,
        __name__,
    )


def test_captured_again_after_somebody_else_took_over(recorder):
    """`catch_warnings` puts its own function there and takes it away: the next configure captures again."""
    with warnings.catch_warnings():
        # What stands there shows a warning where we have no console, and pytest would count it.
        warnings.showwarning = lambda *_, **__: None
        recorder.configure()
        warnings.showwarning(UserWarning("heard"), UserWarning, __file__, 42)
        warnings.showwarning = lambda *_, **__: None
        recorder.configure()
        warnings.showwarning(UserWarning("heard again"), UserWarning, __file__, 42)
    assert [event["message"] for event in recorder.events()] == ["heard", "heard again"]


def test_everything_is_put_back(tmp_path):
    """After shutdown the root logger has its handlers and level, and warnings their function; what somebody else set
    since stays.
    """
    root, before = logging.getLogger(), warnings.showwarning
    handlers, level = list(root.handlers), root.level
    obs.configure(log_dir=tmp_path, console="off", level="DEBUG")
    assert root.level == 10
    obs.shutdown()
    assert (root.handlers, root.level, warnings.showwarning) == (handlers, level, before)
    obs.configure(log_dir=tmp_path, console="off")
    root.setLevel(45)
    obs.shutdown()
    assert root.level == 45
    root.setLevel(level)


@pytest.mark.parametrize("times", [1, 3])
def test_bridges_are_not_doubled(recorder, times):
    """However often the application configures, a record arrives once."""
    for _ in range(times):
        recorder.configure()
    logging.getLogger("x").warning("m")
    assert len(recorder.events("m")) == 1


def test_bridges_can_be_off(recorder):
    """With stdlib=False nothing of `logging` arrives."""
    recorder.configure(stdlib=False)
    logging.getLogger("x").warning("m")
    assert recorder.events() == []
