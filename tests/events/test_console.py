"""The readable line: coloured where that is wanted, harmless, and on the stderr of the moment."""

from __future__ import annotations

import io
import sys

import pytest

import navigator_obs as obs
from navigator_obs.events.console import ConsoleSink, format_event, harmless, wants_colour
from navigator_obs.events.glyphs import written

EVENT = {
    "timestamp": "2025-08-18T14:30:22.123456Z",
    "level": "INFO",
    "message": "year simulated",
    "run_id": "r",
    "logger": "sim",
    "year": 2025,
    "note": "two words",
    "nested": {"a": [1]},
    "empty": "",
}


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "coloured"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {}, False),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True),
        (None, {}, False),
    ],
)
def test_colour_is_used_where_it_is_wanted(stream, environ, coloured):
    """NO_COLOR and FORCE_COLOR are honoured; else a terminal decides."""
    assert wants_colour(stream, environ) is coloured


def test_a_closed_stream_is_not_coloured():
    """Asking a closed stream does not raise."""
    stream = io.StringIO()
    stream.close()
    assert wants_colour(stream, {}) is False


def test_a_line_shows_what_is_worth_a_look():
    """Level, message and own fields; what every line has is left to the file."""
    text = format_event(EVENT)
    assert text.endswith('INFO     year simulated year=2025 note="two words" nested={"a":[1]} empty=""')
    assert "sim" not in text.replace("simulated", "")
    assert "\x1b[" in format_event(EVENT, colour=True)


def test_a_check_is_told_by_its_message():
    """What the words of a violated check say is not repeated; a float is shown without the noise of its arithmetic."""
    message = "check share: 0.41 is above the maximum 0.35"
    fields = {"check": "share", "outcome": "warn", "severity": "warning", "value": 0.41, "max": 0.35, "dataset": "busy"}
    event = {"timestamp": EVENT["timestamp"], "level": "WARNING", "logger": "navigator_obs.checks", "message": message}
    assert format_event({**event, **fields}).endswith(f"{message} dataset=busy")
    assert format_event({**EVENT, "pay": 1234378199.0900002}).endswith("pay=1234378199.09")


def test_operations_are_shown_with_their_units():
    """An operation's numbers are formatted, and its long forms left out."""
    event = {**EVENT, "operation": "hire", "operation_path": "a/hire", "duration_seconds": 83.0, "self_seconds": 1.0}
    text = format_event(event)
    assert "took=1m 23s" in text
    assert "self_seconds" not in text
    assert "operation_path" not in text


def test_an_exception_stands_below():
    """Its traceback follows, with control characters shown."""
    event = {
        **EVENT,
        "exception": {"type": "ValueError", "message": "m", "traceback": "Traceback\n  File\x1b[2J\nValueError: m"},
    }
    assert format_event(event).splitlines()[1:] == ["  Traceback", "    File\\x1b[2J", "  ValueError: m"]


@pytest.mark.parametrize("character", [*map(chr, [0, 7, 8, 11, 12, 13, 27, 127, 0x9B]), "\u2028", "\u202e", "\u2066"])
def test_control_characters_are_harmless(character):
    """A terminal is never driven by what was logged, wherever it stands."""
    assert character not in harmless(f"a{character}b")
    event = {**EVENT, "message": character, character: character, "level": character, "timestamp": character}
    assert character not in format_event(event)


def test_stderr_is_looked_up_at_each_event(recorder, monkeypatch):
    """Whoever swaps sys.stderr (a progress bar) gets the events from then on."""
    recorder.configure(console="on")
    first, second = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", first)
    obs.get_logger("sim").info("one")
    monkeypatch.setattr(sys, "stderr", second)
    obs.get_logger("sim").info("two")
    monkeypatch.setattr(sys, "stderr", None)
    obs.get_logger("sim").info("three")
    assert ("one" in first.getvalue(), "two" in first.getvalue(), "two" in second.getvalue()) == (True, False, True)
    assert [event["message"] for event in recorder.events()] == ["one", "two", "three"]


def test_a_broken_stream_breaks_nothing(recorder, monkeypatch):
    """A closed or failing stderr costs the console's line, not the event."""
    recorder.configure(console="on")
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    obs.get_logger("sim").error("m")
    assert recorder.events("m")


def test_text_that_the_stream_cannot_encode_is_shown_escaped(monkeypatch):
    """A stream of another encoding gets the line with escapes rather than nothing."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    ConsoleSink(stream).write({**EVENT, "message": "ü\ud800"}, 20)
    assert b"\\xfc\\ud800" in raw.getvalue()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("✓ 3 of 5 · ██▌▏ → ≤ 7", "+ 3 of 5 - ###  -> <=7"),
        ("year_si…  12", "year_si~  12"),
        ("…/hiring … 3 more", ".../hiring ... 3 more"),
        ("─────", "-----"),
        ("é", "\\xe9"),
    ],
)
def test_marks_have_plain_ones_in_their_place(text, shown):
    """Where the stream has no such characters our marks stay readable and as wide; what is the user's is escaped."""
    assert written(text, "ascii") == shown
    assert written(text, "utf-8") == written(text, None) == text


def test_the_console_can_be_off(recorder, capsys):
    """Off is off; on is on."""
    obs.get_logger("sim").error("m")
    assert capsys.readouterr().err == ""
    recorder.configure(console="on")
    obs.get_logger("sim").error("m")
    assert "m" in capsys.readouterr().err
