from __future__ import annotations

from benchmarks import compare


def document(command="event", **ratios):
    results = [{"peer": "floor", "ratios": {"info": {"cheapest_us": 1.0}}}]
    results += [{"peer": peer, "ratios": {"info": {"cheapest_us": ratio}}} for peer, ratio in ratios.items()]
    return {"command": command, "time": "2025-08-18T14:30:22+00:00", "base": "floor", "results": results}


def test_old_and_new_ratios_stand_side_by_side():
    """A row gives the old ratio, the new one and the change in percent."""
    assert list(compare.changes(document(swift=2.0), document(swift=2.1))) == [
        ("swift", "info", "cheapest", "2.00", "2.10", "+5 %", "")
    ]


def test_notable_changes_are_marked():
    """A change of a tenth or more is called dearer or cheaper."""
    rows = compare.changes(document(swift=2.0, slow=10.0), document(swift=2.5, slow=5.0))
    assert [row[-1] for row in rows] == ["dearer", "cheaper"]


def test_the_base_and_unknown_peers_are_left_out():
    """The base, whose ratio is 1 by definition, and peers of one document alone have no row."""
    assert list(compare.changes(document(old=2.0), document(new=2.0))) == []
    assert compare.render(document(old=2.0), document(new=2.0)) == "nothing to compare: no peer is in both"


def test_documents_of_different_commands_are_not_compared():
    """Events are not held against operations."""
    assert compare.render(document("operation"), document("event")).startswith("nothing to compare: the file is of")
