"""Operations by year, as the report tells them."""

from __future__ import annotations

import copy
import re

from navigator_obs.outputs.text import render, sections
from tests.outputs.summaries import SUMMARY, YEARS


def test_operations_stand_by_year():
    """Each operation has a row, indented below the one it ran in, each year a column, a failure its mark."""
    (table,) = [section for section in sections(SUMMARY) if section.title == "Years"]
    assert [column.title for column in table.columns] == ["", *YEARS, "total"]
    assert [row[0].text for row in table.rows] == ["year_simulation", "  hiring", "rows"]
    assert [row[3].text for row in table.rows] == ["2.40 s", "1.60 s ✗", "9,000"]
    assert table.rows[1][3].tone == "bad"
    assert [row[-1].text for row in table.rows] == ["12.00 s", "8.00 s", "45,000"]


def test_many_years_turn_the_table():
    """Where the years don't fit side by side, each has a row of its own."""
    summary = copy.deepcopy(SUMMARY)
    entry = summary["breakdown"]["by"]["year"]["2025"]
    summary["breakdown"]["by"]["year"] = {str(year): entry for year in range(2025, 2075)}
    (table,) = [section for section in sections(summary) if section.title == "Years"]
    assert [column.title for column in table.columns][:2] == ["year", "time"]
    assert [cell.text for cell in table.rows[0]] == ["2025", "2.40 s", "9,000", "3,750", "hiring 1.60 s"]
    assert "more" in table.note
    assert len(table.rows) == 40


def test_a_small_part_of_a_year_is_not_most_of_it():
    """A row of a year names the operations that took a tenth of its time, and none where it took the time itself."""
    years = {
        str(year): {"duration_seconds": 2.0, "operations": {"simulate": 2.0, "simulate/serve": serve}}
        for year, serve in zip(range(2000, 2040), [0.02, 1.5] * 20, strict=True)
    }
    shown = render({"breakdown": {"by": {"year": years}}})
    assert re.search(r"2000 +2.00 s\n", shown)
    assert re.search(r"2001 +2.00 s +serve 1.50 s\n", shown)


def test_a_year_that_is_still_open_has_no_time_yet():
    """Rows without a time belong to an operation that has not ended: the table says so instead of 0 µs."""
    summary = copy.deepcopy(SUMMARY)
    entry = summary["breakdown"]["by"]["year"]["2025"]
    by_year = {str(year): entry for year in range(2025, 2055)}
    by_year["2054"] = {"duration_seconds": 0.0, "rows": 70, "operations": {"year_simulation/hiring": 0.5}}
    summary["breakdown"]["by"]["year"] = by_year
    (table,) = [section for section in sections(summary) if section.title == "Years"]
    assert [cell.text for cell in table.rows[-1]][:3] == ["2054", "open", "70"]
