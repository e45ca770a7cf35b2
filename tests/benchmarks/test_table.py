# ruff: noqa: RUF001 - a dash stands for nothing

from __future__ import annotations

from benchmarks import report, table

FLOOR = {"cheapest_us": 4.0, "median_us": 4.5, "mean_us": 5.0, "process_us": 4.0}
PEER = {"cheapest_us": 2.0, "median_us": 9.0, "mean_us": 9.0, "process_us": 6.0}
KEPT = {"told": 10, "kept": True, "text": "all", "examples": []}


def document(*more):
    results = [
        {"peer": "floor", "version": "", "figures": {"info": dict(FLOOR)}, "verdict": dict(KEPT), "caller": False},
        {"peer": "swift", "version": "1.2", "figures": {"info": dict(PEER)}, "verdict": dict(KEPT), "caller": True},
        *more,
    ]
    return report.build("event", {"rounds": 1, "events": 20_000}, results)


def test_ratios_are_taken_to_the_first_result():
    """A peer's ratios are its figures over those of the first result."""
    assert document()["results"][1]["ratios"]["info"] == {
        "cheapest_us": 0.5,
        "median_us": 2.0,
        "mean_us": 1.8,
        "process_us": 1.5,
    }


def test_a_row_shows_name_version_figure_ratios_caller_and_verdict():
    """One line per peer: name with version, µs, the ratios, a dash for a case it lacks, caller, what was kept."""
    line = next(line for line in table.render(document()).splitlines() if line.startswith("swift"))
    assert line.split() == ["swift", "1.2", "2.00", "0.50", "2.00", "1.50", *["–"] * 5, "yes", "all"]


def test_columns_stand_under_their_titles():
    """Each figure ends in the column where its title ends."""
    lines = table.aligned([["", "INFO µs", "kept"], ["floor", "4.00", "all"], ["a longer name", "12.5", "all"]])
    assert lines == ["               INFO µs  kept", "floor             4.00  all", "a longer name     12.5  all"]


def test_a_skipped_peer_has_a_line_that_says_why():
    """A peer that is not installed is named below the table together with what it lacks."""
    text = table.render(document({"peer": "slow", "skipped": "not installed: slow"}))
    assert "skipped: slow (not installed: slow)" in text.splitlines()


def test_a_failed_peer_has_a_line_that_says_how():
    """A peer whose process died is named below the table with the last thing it said."""
    text = table.render(document({"peer": "frail", "version": "1", "failure": "OSError: broken"}))
    assert "failed: frail (OSError: broken)" in text.splitlines()


def test_examples_of_loss_are_shown():
    """What was wrong with a peer's files is told by example."""
    lossy = {"told": 10, "kept": False, "text": "lost 2 of 10", "examples": ["event 3: wrong or missing salary"]}
    text = table.render(document({"peer": "lossy", "version": "1", "figures": {"info": PEER}, "verdict": lossy}))
    assert "lost 2 of 10" in text
    assert text.splitlines()[-1] == "lossy: event 3: wrong or missing salary"


def test_figures_keep_about_three_digits():
    """Small figures keep three decimals, large ones none; nothing is a dash."""
    shown = [table.figure(value) for value in (None, 0.0234, 0.5, 1.274, 14.52, 812.3, 12_345.6)]
    assert shown == ["–", "0.023", "0.50", "1.27", "14.5", "812", "12,346"]
