"""Events with what was logged around them."""

from __future__ import annotations

import gzip
import json
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navigator_obs.errors import UsageError
from navigator_obs.history.around import read_around
from navigator_obs.history.reader import Filter


def line(number: int, level: str = "INFO", run_id: str = "a") -> str:
    event = {
        "timestamp": f"2025-08-18T14:30:{number % 60:02d}.000000Z",
        "level": level,
        "message": str(number),
        "run_id": run_id,
    }
    return json.dumps(event, separators=(",", ":"))


def write(path: Path, levels: str, run_id: str = "a") -> Path:
    """One event for each character: E for an error, anything else for INFO."""
    path.write_text("".join(line(at, "ERROR" if c == "E" else "INFO", run_id) + "\n" for at, c in enumerate(levels)))
    return path


def around(path: Path, count: int, run_id: str | None = None, **more) -> str:
    """The numbers of the events, a bar for each gap."""
    wanted = Filter.build(run_id=run_id, level="ERROR", where=[])
    found = read_around(path, wanted, count, **more)
    return " ".join("|" if hit is None else hit[0]["message"] for hit in found)


@pytest.mark.parametrize(
    ("levels", "count", "expected"),
    [
        ("..E...", 1, "1 2 3"),
        ("E.....E", 2, "0 1 2 | 4 5 6"),
        ("..E..E..", 1, "1 2 3 4 5 6"),
        (".E..E.", 1, "0 1 2 3 4 5"),
        (".E...E.", 1, "0 1 2 | 4 5 6"),
        ("......", 2, ""),
        ("EE", 3, "0 1"),
    ],
)
def test_each_event_stands_among_its_neighbours(tmp_path: Path, levels: str, count: int, expected: str):
    """As with `grep -C`: none is shown twice, and a gap is told where something was left out."""
    assert around(write(tmp_path / "navigator.log", levels), count) == expected


def test_a_limit_keeps_the_newest_with_their_neighbours(tmp_path: Path):
    """The limit counts what was asked for, not what stands around it."""
    path = write(tmp_path / "navigator.log", "E....E....E..")
    assert around(path, 1, limit=2).endswith("| 9 10 11")
    assert around(path, 1, limit=1).split()[-3:] == ["9", "10", "11"]
    with pytest.raises(UsageError, match="limit=0"):
        around(path, 1, limit=0)


def test_neighbours_are_of_the_same_run(tmp_path: Path):
    """Where one run was asked for, the events of another in between do not count."""
    path = tmp_path / "navigator.log"
    told = [line(0, run_id="a"), line(1, run_id="b"), line(2, "ERROR", "a"), line(3, run_id="b"), line(4, run_id="a")]
    path.write_text("\n".join(told) + "\n")
    assert around(path, 1, run_id="a") == "0 2 4"
    assert around(path, 1) == "1 2 3"


def test_it_goes_through_rotated_and_compressed_files(tmp_path: Path):
    """What came before an error may stand in a file that has been rotated and compressed since."""
    with gzip.open(tmp_path / "navigator.log.2.gz", "wt") as file:
        file.write(f"{line(0)}\n")
    (tmp_path / "navigator.log.1").write_text(f"{line(1)}\n")
    (tmp_path / "navigator.log").write_text(f"{line(2, 'ERROR')}\n")
    assert around(tmp_path / "navigator.log", 5) == "0 1 2"


def test_it_goes_on_with_what_is_appended(tmp_path: Path):
    """Followed, the events around an error come as they are written."""
    path = write(tmp_path / "navigator.log", "..")
    more = threading.Event()

    def idle() -> bool:
        if more.is_set():
            return True
        with path.open("a") as file:
            file.write(f"{line(2, 'ERROR')}\n{line(3)}\n{line(4)}\n")
        more.set()
        return False

    assert around(path, 1, follow=True, idle=idle) == "1 2 3"


@given(st.text("E.", max_size=40), st.integers(1, 4))
def test_it_is_what_grep_would_show(tmp_path_factory: pytest.TempPathFactory, levels: str, count: int):
    """An event is shown if and only if an error is at most so many events away."""
    path = write(tmp_path_factory.mktemp("log") / "navigator.log", levels)
    near = [at for at in range(len(levels)) if "E" in levels[max(0, at - count) : at + count + 1]]
    assert [int(word) for word in around(path, count).split() if word != "|"] == near
