"""Of all that went wrong in a run, the cause comes first."""

from __future__ import annotations

from navigator_obs.history.causes import causes


def issue(message, category, time, **fields):
    return {
        "fingerprint": message,
        "category": category,
        "category_rule": fields.pop("rule", "type Something"),
        "message": message,
        "count": 1,
        "first_time": f"2025-01-01T00:00:{time:02d}.000000Z",
        "first": {"exception": {"type": "E", "message": message, **fields.pop("exception", {})}},
        **fields,
    }


def summary(*issues, status="failed", reason="", checks=(), **metadata):
    return {
        "run_metadata": {"status": status, "status_reason": reason, **metadata},
        "issues": {"errors": list(issues), "warnings": []},
        "checks": list(checks),
    }


def told(*given, **fields):
    return [cause.message for cause in causes(summary(*given, **fields))]


def test_the_error_that_ended_the_run_is_the_cause():
    """Others that the program survived stand under it."""
    survived, ending = issue("no plan", "code", 1), issue("no salary", "code", 2)
    assert told(survived, ending, reason="ValueError: no salary") == ["no salary", "no plan"]


def test_what_led_to_it_stands_before_it():
    """A full disk that was logged, and a file that is then missing: the disk is the cause."""
    disk, missing = issue("disk full", "resource/disk", 1), issue("no file", "environment/missing_file", 2)
    assert told(disk, missing, reason="FileNotFoundError: no file") == ["disk full", "no file"]


def test_an_error_that_successes_survived_led_to_nothing():
    """The network is down every night; the missing column is new."""
    network, missing = issue("no mail", "external/network", 1), issue("no salary", "code", 2)
    failed = summary(network, missing, reason="KeyError: no salary")
    assert [cause.message for cause in causes(failed)] == ["no mail", "no salary"]
    past = [summary(network, status="success")]
    assert [cause.message for cause in causes(failed, past=past)] == ["no salary", "no mail"]
    alone = summary(network, status="partial", reason="year 2027 left")
    assert [cause.message for cause in causes(alone, past=past)] == ["year 2027 left", "no mail"]


def test_a_hang_has_come_from_the_thread_that_died():
    """Others wait for its answer."""
    died = issue("77", "code", 1)
    died["first"]["failed_thread"] = "Thread-1 (work_off)"
    [cause, hang] = causes(summary(died, status="stalled", reason="no progress since …"))
    assert (cause.message, cause.thread, hang.category) == ("77", "Thread-1 (work_off)", "stalled")
    past = [summary(died, status="success")]
    assert causes(summary(died, status="stalled", reason="no progress"), past=past)[0].category == "stalled"


def test_an_exception_that_was_only_warned_of_may_be_the_cause():
    """It was survived at first; a warning without an exception says nothing of the kind."""
    ending = issue("'NoneType' object is not iterable", "code", 2)
    failed = summary(ending, reason="TypeError: 'NoneType' object is not iterable")
    failed["issues"]["warnings"] = [issue("locked", "database/lock", 1), {"message": "slow", "first": {}}]
    assert [cause.message for cause in causes(failed)] == ["locked", ending["message"]]


def test_words_at_the_exit_end_it():
    """What was logged before is no reason to keep silent about them."""
    failed = summary(issue("no mail", "external/network", 1), reason="sys.exit: the census is too old")
    failed["issues"]["errors"][0]["category"] = "model"
    assert causes(failed)[0].message == "sys.exit: the census is too old"


def test_what_ended_it_is_told_by_its_last_occurrence():
    """The same function failed before, over something else that was survived."""
    told = issue("no mail for 1", "code", 1)
    told["last"] = {"exception": {"type": "KeyError", "message": "no salary for 7"}}
    assert causes(summary(told, reason="KeyError: no salary for 7"))[0].message == "no salary for 7"
    assert causes(summary(told, reason="KeyError: no mail for 1"))[0].message == "no mail for 1"


def test_the_exception_that_told_the_category_is_shown():
    """What lies deeper is a library's own affair."""
    exception = {"type": "KeyError", "message": "3", "causes": [{"type": "ValueError", "message": "3 not in range"}]}
    told = issue("3", "data/schema", 1, exception=exception, rule="type KeyError, raised in pandas")
    [cause] = causes(summary(told, reason="KeyError: 3"))
    assert (cause.type, cause.message) == ("KeyError", "3")


def test_words_before_something_is_missing_are_the_cause():
    """They were logged at the same place, without an exception."""
    words = {
        **issue("the rates cannot be read", "unknown", 1),
        "first": {"module": "rules", "function": "f", "line": 3},
    }
    ending = issue("'NoneType' object is not subscriptable", "code", 2)
    failed = summary(words, ending, reason="TypeError: 'NoneType' object is not subscriptable")
    assert [cause.message for cause in causes(failed)] == ["the rates cannot be read", ending["message"]]
    assert causes(failed)[0].place == "rules:3 in f"


def test_an_error_about_a_failed_check_is_one_of_the_data():
    """The program says in its own words that the check did not pass."""
    told = issue("payroll out of range", "code", 1)
    failed = summary(
        told, reason="E: payroll out of range", checks=[{"name": "payroll", "outcome": "warn", "value": 3}]
    )
    assert causes(failed)[0].category == "data/quality"


def test_what_a_program_printed_is_told():
    """The last line with an error in it."""
    printed = "CalledProcessError: …\nit printed: Traceback …\nKeyError: 'bands'\nbye\n\nThe above exception was the …"
    told = issue("exit status 1", "external", 1, exception={"traceback": printed})
    assert causes(summary(told, reason="exit status 1"))[0].printed == "KeyError: 'bands'"


def test_what_came_after_it_did_not_lead_to_it():
    """An error of the clean-up is no cause."""
    ending, after = issue("bad key", "code", 1), issue("disk full", "resource/disk", 2)
    assert told(ending, after, reason="KeyError: bad key") == ["bad key", "disk full"]


def test_the_root_of_the_chain_is_told():
    """The root cause's type and message, and beside it what the program made of it."""
    exception = {"causes": [{"type": "A", "message": "a"}, {"type": "duckdb.IOException", "message": "locked"}]}
    [cause] = causes(
        summary(issue("hiring failed", "database/lock", 1, exception=exception), reason="E: hiring failed")
    )
    assert (cause.type, cause.message, cause.said) == ("duckdb.IOException", "locked", "hiring failed")
    assert (cause.fixed_by, cause.retry, cause.confidence) == ("operator", "yes", "certain")


def test_a_dead_run_is_told_by_the_reason_of_its_end():
    """The word of the reason gives the category; its errors stand under it."""
    found = causes(
        summary(issue("slow", "code", 1), status="crashed", reason="oom: the kernel …", status_confidence="likely")
    )
    assert [(cause.category, cause.confidence) for cause in found] == [
        ("interrupted/oom", "likely"),
        ("code", "likely"),
    ]
    for reason, category in (("segfault: x", "interrupted/crash"), ("SIGTERM ended it", "interrupted/scheduler")):
        assert causes(summary(status="crashed", reason=reason))[0].category == category
    assert causes(summary(status="interrupted"))[0].category == "interrupted/user"


def test_a_failing_check_is_a_cause():
    """Where no exception tells more, the check does, with its value and its bounds."""
    check = {"name": "headcount", "outcome": "fail", "value": 0, "min": 1, "year": 2026, "failures": 1, "unit": "heads"}
    [cause] = causes(summary(checks=[check, {"name": "ok", "outcome": "pass"}]))
    assert (cause.category, cause.message) == ("data/quality", "check headcount: 0 heads, valid: min 1")
    assert cause.context == {"year": 2026}


def test_a_program_that_gives_up_says_why():
    """What was given to `sys.exit`, and years that were left, are the cause where no error tells more."""
    [cause] = causes(summary(reason="SystemExit: the census is too old"))
    assert (cause.category, cause.message) == ("unknown", "SystemExit: the census is too old")
    assert causes(summary(status="partial", reason="years 2026, 2027 left"))[0].message == "years 2026, 2027 left"


def test_a_workers_traceback_is_no_cause():
    """What a pool hands over as text stands under the exception that it is about."""
    exception = {"causes": [{"type": "concurrent.futures.process._RemoteTraceback", "message": "Traceback …"}]}
    [cause] = causes(summary(issue("'bands'", "code", 1, exception=exception), reason="KeyError: 'bands'"))
    assert (cause.type, cause.message) == ("E", "'bands'")


def test_nothing_wrong_has_no_cause():
    """A success without errors has none, and neither has a summary that is none."""
    assert causes(summary(status="success")) == []
    assert causes({}) == []
