"""What a user of a logger expects."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
import structlog

import navigator_obs as obs
from navigator_obs.errors import UsageError
from navigator_obs.events import sinks
from navigator_obs.events.emitting import emit
from navigator_obs.fields import EVENT_FIELDS, RESERVED

SECRET = "hunter2-hunter2"


class Config:
    def __init__(self):
        self.password = SECRET

    def model_dump(self):
        return {"password": self.password, "retries": 3}


def test_a_line_has_the_keys_in_their_order(recorder):
    """The first keys are those of every event, in order; context, bound values and own fields follow."""
    log = obs.get_logger("planwise", scenario="base")
    with obs.context(year=2025):
        log.info("year simulated", headcount=5)
    (event,) = recorder.events("year simulated")
    assert list(event) == [*(field.name for field in EVENT_FIELDS), "year", "scenario", "headcount"]
    assert (event["logger"], event["module"], event["run_id"]) == ("planwise", __name__, None)
    assert event["function"] == "test_a_line_has_the_keys_in_their_order"
    assert event["line"] > 0


@pytest.mark.parametrize("method", ["debug", "info", "warning", "warn", "error", "critical", "fatal", "msg"])
def test_each_method_has_its_level(recorder, method):
    """Each method writes its level; the asynchronous ones do the same."""
    recorder.configure(level="DEBUG")
    log = obs.get_logger("sim")
    getattr(log, method)("sync")
    if method not in {"msg", "warn", "fatal"}:
        asyncio.run(getattr(log, f"a{method}")("async"))
    level = {"warn": "WARNING", "fatal": "CRITICAL", "msg": "INFO"}.get(method, method.upper())
    assert {event["level"] for event in recorder.events() if event["logger"] == "sim"} == {level}


def test_a_logger_is_called_by_a_text():
    """A wrong name is refused where it is given, and not by a later call that looks for its level."""
    with pytest.raises(UsageError, match="a logger's name must be a text such as 'planwise', not 5"):
        obs.get_logger(5)


def test_log_takes_names_and_numbers(recorder):
    """A level may be a name or a number, which is rounded down to a known one."""
    log = obs.get_logger("sim")
    for level in ("info", "WARNING", 45, 99, 20):
        log.log(level, "m")
    assert [event["level"] for event in recorder.events()] == ["INFO", "WARNING", "ERROR", "CRITICAL", "INFO"]


def test_reserved_names_are_kept_and_forge_nothing(recorder):
    """Fields, bound values and context of a reserved name are kept as field_<name>; the event's own keys are true."""
    names = sorted(RESERVED | {"event"})
    forged = dict.fromkeys(names, "forged")
    obs.get_logger("sim").info("m", **forged)
    obs.get_logger("sim").bind(**forged).info("m")
    with obs.context(**forged, exc_info="forged", self=1):
        obs.get_logger("sim").info("m", self=2)
    obs.get_logger("sim").info("m", level=1, field_level=2, **{"\0caller": 3})
    *first, last = recorder.events()
    for event in first:
        assert {f"field_{name}" for name in names} <= set(event)
        assert (event["message"], event["level"], event["logger"]) == ("m", "INFO", "sim")
    assert (first[2]["self"], first[2]["field_exc_info"]) == (2, "forged")
    assert (last["field_field_level"], last["field_level"], last["\0caller"]) == (1, 2, 3)
    assert last["module"] == __name__


@pytest.mark.parametrize("given", ["text", {"a": 1}, np.array([1, 2]), object()])
def test_an_exc_info_that_is_none_is_kept(recorder, given):
    """What is no exception under exc_info is a field like another."""
    obs.get_logger("sim").info("m", exc_info=given)
    (event,) = recorder.events("m")
    assert "field_exc_info" in event
    assert "processing_error" not in event


@pytest.mark.parametrize("exc_info", [True, 1, "error", "triple"])
def test_exceptions_become_fields(recorder, exc_info):
    """An exception is told by its type, message, traceback and frames, however it is handed in."""
    try:
        raise ValueError("salary is negative")
    except ValueError as error:
        given = {"error": error, "triple": sys.exc_info()}.get(exc_info, exc_info)
        obs.get_logger("sim").error("failed", exc_info=given)
        obs.get_logger("sim").exception("failed")
    for event in recorder.events("failed"):
        exception = event["exception"]
        assert (exception["type"], exception["message"], exception["category"]) == (
            "ValueError",
            "salary is negative",
            "code",
        )
        assert exception["traceback"].endswith("ValueError: salary is negative")
        assert exception["frames"][-1]["function"] == "test_exceptions_become_fields"


def test_braces_and_percents_are_text(recorder):
    """A message without arguments is taken as it stands; with arguments % fills them in; misfits are kept."""
    log = obs.get_logger("sim")
    log.info("{year} 100% %s %d %(x)s")
    log.info("%d of %s", 3, "5%")
    log.info("%(a)s", {"a": 1})
    log.info("no place", 5)  # noqa: PLE1205
    log.info(7, 3)
    log.info()
    log.info(None)
    log.info(ValueError("as a message"))
    events = recorder.events()
    assert [event["message"] for event in events] == [
        "{year} 100% %s %d %(x)s", "3 of 5%", "1", "no place", "7", "", "", "as a message",
    ]  # fmt: skip
    assert [event.get("args") for event in events[3:5]] == [["5"], ["3"]]


def test_levels_by_sink_and_by_name(recorder, capsys):
    """File and console have levels of their own, and a name's level covers the names below it."""
    recorder.configure(
        console="on", level="INFO", console_level="ERROR", levels={"mesa": "WARNING", "mesa.time": "DEBUG"}
    )
    for name in ("sim", "mesa", "mesa.agent", "mesa.time", "mesaverde"):
        log = obs.get_logger(name)
        log.debug("d")
        log.info("i")
        log.warning("w")
        log.error("e")
    written = [(event["logger"], event["message"]) for event in recorder.events()]
    assert written == [
        *[("sim", level) for level in "iwe"],
        *[("mesa", level) for level in "we"],
        *[("mesa.agent", level) for level in "we"],
        *[("mesa.time", level) for level in "diwe"],
        *[("mesaverde", level) for level in "iwe"],
    ]
    console = capsys.readouterr().err
    assert console.count(" e ") == 5 or console.count("ERROR") == 5
    assert obs.get_logger("mesa").is_enabled_for(30)
    assert not obs.get_logger("mesa").is_enabled_for(20)


def test_configure_again_holds_for_loggers_that_exist(recorder):
    """A level, and the folder, can be changed at any time; loggers and bound loggers follow."""
    log = obs.get_logger("sim").bind(a=1)
    proxied = structlog.get_logger("sim")
    log.debug("hidden")
    recorder.configure(level="DEBUG")
    log.debug("shown")
    proxied.debug("shown as well")
    obs.configure(log_dir=recorder.root / "elsewhere", console="off")
    log.info("elsewhere")
    sinks.flush()
    assert [event["message"] for event in recorder.events()] == ["shown", "shown as well"]
    assert b"elsewhere" in (recorder.root / "elsewhere" / "navigator.log").read_bytes()
    assert sinks.counts()["written"] == 3


def test_loggers_taken_before_configure_work(tmp_path):
    """A module's logger is made at import; it writes once the application has configured."""
    log, lazy = obs.get_logger("early"), structlog.get_logger("early", a=1)
    log.info("nowhere")
    obs.configure(log_dir=tmp_path, console="off")
    log.info("here")
    lazy.info("here too")
    sinks.flush()
    lines = (tmp_path / "navigator.log").read_text()
    assert "nowhere" not in lines
    assert lines.count("here") == 2


def test_structlog_loggers_land_in_the_same_place(recorder):
    """`structlog.get_logger` anywhere gives our logger."""
    structlog.get_logger("lib", a=1).info("one", b=2)
    structlog.get_logger().info("two")
    one, two = recorder.events()
    assert (one["logger"], one["a"], one["b"]) == ("lib", 1, 2)
    assert (two["logger"], two["function"]) == (__name__, "test_structlog_loggers_land_in_the_same_place")


def test_capture_logs_works(recorder):
    """structlog's own test helper captures, and afterwards the events go to the file again."""
    log = obs.get_logger("sim")
    with structlog.testing.capture_logs() as captured:
        log.info("captured", year=2025)
    log.info("written")
    assert captured == [{"event": "captured", "year": 2025, "log_level": "info"}]
    assert [event["message"] for event in recorder.events()] == ["written"]


def test_bound_loggers_pickle_and_copy(recorder):
    """A bound logger travels to another process, and can be copied, with its name and values."""
    log = obs.get_logger("sim", scenario="base").bind(region=2)
    for again in (pickle.loads(pickle.dumps(log)), copy.deepcopy(log), copy.copy(log)):
        again.info("m")
    assert {(event["logger"], event["scenario"], event["region"]) for event in recorder.events()} == {
        ("sim", "base", 2)
    }


def test_bind_unbind_and_new(recorder):
    """Each gives another logger, and leaves the first as it was."""
    log = obs.get_logger("sim", a=1, b=2)
    log.bind(c=3).info("m")
    log.unbind("a").info("m")
    log.try_unbind("a", "nothing").info("m")
    log.new(z=9).info("m")
    log.bind(self=4).info("m")
    log.info("m")
    own = [{key: event[key] for key in "abcz" if key in event} for event in recorder.events()]
    assert own == [{"a": 1, "b": 2, "c": 3}, {"b": 2}, {"b": 2}, {"z": 9}, {"a": 1, "b": 2}, {"a": 1, "b": 2}]


def drop_heartbeats(logger, method_name, event_dict):
    if event_dict["event"] == "heartbeat":
        raise structlog.DropEvent
    event_dict["seen"] = True
    return event_dict


def breaks(logger, method_name, event_dict):
    if event_dict.get("boom"):
        raise RuntimeError(f"password={SECRET}")
    return None if event_dict.get("none") else event_dict


def test_processors_of_ones_own(recorder):
    """A user's processor sees each event, changes or drops it; one that fails loses no event and no field."""
    recorder.configure(processors=[drop_heartbeats, breaks])
    log = obs.get_logger("sim", scenario="base")
    log.info("m", year=1)
    log.info("heartbeat")
    with obs.context(region=3):
        log.info("m", boom=True, year=2, password=SECRET)
    log.error("m", none=True, year=3)
    one, two, three = recorder.events()
    assert one["seen"] is True
    assert two["processing_error"] == "RuntimeError: password=[redacted]"
    assert (two["year"], two["scenario"], two["region"], two["password"]) == (2, "base", 3, "[redacted]")
    assert (three["year"], three["level"]) == (3, "ERROR")
    assert "processing_error" in three


def test_secrets_reach_neither_file_nor_console(recorder, capsys):
    """Planted by key, by value, nested, in objects, messages, exceptions, bytes and bound values: none comes
    through, and the program's own objects stay as they were.
    """
    recorder.configure(console="on")
    nested = {"db": [{"password": SECRET, "session_count": 4}]}
    log = obs.get_logger("sim", api_key=SECRET)
    url = f"postgres://planwise:{SECRET}@db/sim"
    with obs.context(token=SECRET, author="ada"):
        log.info(f"connecting to {url}", n=1)  # noqa: G004
        log.info("objects", nested=nested, config=Config(), raw=url.encode(), headers=[("Cookie", SECRET)])
        log.info("password=%s", SECRET)
        log.info(ValueError(url))
        log.info({"password": SECRET})
        log.info("error as a value", error=ValueError(url), url=url, path={url: 1})
        try:
            raise ConnectionError(f"can't reach {url}")
        except ConnectionError as error:
            error.add_note(f"password: {SECRET}")
            log.exception("failed", token_count=12)
    emit("navigator_obs.run", 20, "run", {"secret": SECRET})
    text = b"\n".join(recorder.lines()).decode()
    assert SECRET not in text
    assert SECRET not in capsys.readouterr().err
    assert text.count("[redacted]") > 15
    assert nested == {"db": [{"password": SECRET, "session_count": 4}]}
    first = recorder.events("objects")[0]
    assert (first["nested"]["db"][0]["session_count"], first["author"], first["config"]["retries"]) == (4, "ada", 3)
    assert recorder.events("failed")[0]["token_count"] == 12


def test_lines_cannot_be_forged(recorder, capsys):
    """Newlines and escapes in messages, keys, values and names stay inside their one line, in file and console."""
    recorder.configure(console="on")
    evil = 'a\n{"level":"ERROR"}\r\x1b[2J\x1b]0;title\x07\u2028\x00'
    obs.get_logger(evil).info(evil, **{evil: evil})
    with obs.context(**{evil: evil}):
        obs.get_logger("sim").error("m", nested={evil: [evil]})
    lines = recorder.lines()
    assert len(lines) == 2
    assert recorder.events()[0]["message"] == evil
    console = capsys.readouterr().err
    assert console.count("\n") == 2
    assert not set(console) & set("\x1b\x07\r\x00\u2028")


def test_nan_is_null_and_told(recorder):
    """NaN and infinities become null, also inside objects and arrays, and the event says which stood where."""
    obs.get_logger("sim").info("m", rate=float("nan"), deep={"x": [1.0, float("-inf")]}, scalar=np.float64("nan"))
    (event,) = recorder.events()
    assert (event["rate"], event["deep"], event["scalar"]) == (None, {"x": [1.0, None]}, None)
    assert event["nonfinite"] == {"rate": "nan", "deep.x.1": "-inf", "scalar": "nan"}


@pytest.mark.parametrize(
    "fields",
    [
        {"big": "x" * 10_000_000},
        {"big": "\x00" * 1_000_000, "small": 1},
        {"big": "://" * 3_000_000},
        {f"key{number}": number for number in range(30_000)},
        {f"key{number}": "v" * 100 for number in range(10_000)},
        {"k" * 1_000_000: 1, "small": 1},
        {"nested": {f"key{number}": '"' * 100 for number in range(9_000)}},
    ],
    ids=["string", "control characters", "suspicious string", "keys", "longer keys", "a long key", "nested"],
)
def test_events_are_bounded_and_say_what_was_cut(recorder, fields):
    """A huge event is cut to the limit: still JSON, with its head whole, and it says what was cut or left out."""
    obs.get_logger("sim").info("m" * 50, **fields)
    (line,) = recorder.lines()
    (event,) = recorder.events()
    assert len(line) <= recorder.config.max_event_bytes
    assert event["message"] == "m" * 50
    assert "cut_bytes" in event or "cut_keys" in event
    assert "small" not in fields or event["small"] == 1 or "cut_keys" in event


def test_a_huge_exception_keeps_its_shape(recorder):
    """An exception with a message of megabytes is cut inside: its type and fingerprint stay."""
    obs.get_logger("sim").error("failed", exc_info=ValueError("x" * 3_000_000), year=2025)
    (event,) = recorder.events()
    assert event["exception"]["type"] == "ValueError"
    assert event["exception"]["fingerprint"]
    assert event["year"] == 2025


def test_logging_from_repr_of_a_value(recorder):
    """A value whose text logs as well: both events are there."""

    class Talks:
        def __str__(self):
            obs.get_logger("inner").warning("inner")
            return "talks"

    obs.get_logger("outer").info("outer", value=Talks())
    assert [event["message"] for event in recorder.events()] == ["inner", "outer"]
    assert recorder.events("outer")[0]["value"] == "talks"


def test_seq_counts_up_without_gaps(recorder):
    """Each event of a process outside of a run has the next number, whichever way it was rendered."""
    log = obs.get_logger("sim")
    for number in range(50):
        log.info("m", value={} if number % 3 else number)
    seqs = [event["seq"] for event in recorder.events()]
    assert seqs == list(range(seqs[0], seqs[0] + 50))


def test_a_module_named_like_a_library_is_told_as_caller(recorder):
    """Only structlog's and our own frames are skipped: a module whose name begins alike is the caller."""
    module = {"__name__": "structlog_of_mine", "log": obs.get_logger("sim")}
    exec("def work(**fields):\n    log.info('m', **fields)", module)
    module["work"]()
    module["work"](nested={})
    module["__name__"] = None
    module["work"](nested={})
    assert [event["module"] for event in recorder.events()] == ["structlog_of_mine", "structlog_of_mine", ""]


def test_a_warning_before_configure_reaches_the_console(capsys):
    """A library's warning is not swallowed where no application has configured anything; its information is."""
    obs.get_logger("lib").info("quiet")
    obs.get_logger("lib").warning("loud", why="x")
    err = capsys.readouterr().err
    assert "loud why=x" in err
    assert "quiet" not in err


def test_logging_does_not_keep_values_alive(recorder):
    """What was logged can be collected."""

    class Big:
        pass

    big = Big()
    obs.get_logger("sim").info("m", value=big)
    del big
    assert not [one for one in gc.get_objects() if type(one) is Big]


def test_a_logger_of_somebody_else_keeps_its_ways(recorder):
    """What another library wraps with its own logger and processors goes where it went before."""
    wrapped = structlog.wrap_logger(structlog.ReturnLogger(), processors=[structlog.processors.JSONRenderer()])
    assert json.loads(wrapped.bind(a=1).info("mine", b=2)) == {"event": "mine", "a": 1, "b": 2}
    assert recorder.events() == []


def test_a_second_configure_changes_what_it_is_given_alone(tmp_path):
    """`configure(level=…)` in the middle of a program leaves the log where it is; `shutdown` forgets all."""
    obs.configure(log_dir=tmp_path / "mine", console="off", levels={"mesa": "ERROR"})
    config = obs.configure(level="DEBUG")
    assert (config.log_dir, config.console, config.levels, config.level) == (
        tmp_path / "mine", "off", {"mesa": "ERROR"}, "DEBUG",
    )  # fmt: skip
    obs.get_logger("planwise").debug("now seen")
    obs.configure(config)
    assert obs.configure(file_level="ERROR").log_dir == tmp_path / "mine"
    obs.shutdown()
    assert (tmp_path / "mine" / "navigator.log").read_text().count("now seen") == 1
    assert obs.configure(log_dir=tmp_path, console="off").level == "INFO"


def test_a_share_of_the_events_of_a_name(recorder):
    """Sampling by message writes an even share, beginning with the first, and says so; warnings, other messages and the
    time after `shutdown` are not sampled.
    """
    recorder.configure(sampling={"considered %s": 0.1, "seldom": 0.001})
    log = obs.get_logger("planwise")
    for number in range(100):
        log.info("considered %s", number)
        log.warning("considered %s", number)
        log.info("hired", number=number)
        log.info("seldom")
    sampled = [event for event in recorder.events() if event.get("sample_rate") == 0.1]
    assert [event["message"] for event in sampled][:3] == ["considered 0", "considered 10", "considered 20"]
    assert len(sampled) == 10
    assert len(recorder.events("hired")) == 100
    assert len(recorder.events("seldom")) == 1
    assert len([event for event in recorder.events() if event["level"] == "WARNING"]) == 100
    seqs = [event["seq"] for event in recorder.events()]
    assert seqs == list(range(seqs[0], seqs[0] + 211))


def test_what_was_held_back_is_told_at_the_end(tmp_path):
    """What a limited logger held back with no later event to tell it is told when the program ends."""
    code = """
import navigator_obs as obs
obs.configure(console="off")
log = obs.get_logger("planwise")
for number in range(100):
    log.limited(most=1).warning("salary missing", number=number)
    log.limited(every=30).info("step", number=number)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    events = [json.loads(line) for line in (tmp_path / "logs" / "navigator.log").read_text().splitlines()]
    assert [event.get("held_back") for event in events if event["message"] == "step"] == [None, 29, 29, 29]
    told = [event for event in events if event["message"] == "events were held back"]
    assert [(event["held_back"], event["messages"]) for event in told] == [(108, {"salary missing": 99, "step": 9})]


@pytest.mark.parametrize("share", [0, 1.1, -1, "much"])
def test_a_share_that_is_none_is_refused(recorder, share):
    """A share is more than nothing and at most all."""
    with pytest.raises(obs.ObsError, match="sampling"):
        recorder.configure(sampling={"a": share})
