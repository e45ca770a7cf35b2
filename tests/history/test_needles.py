"""What raw lines must hold, looked for in blocks."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from navigator_obs.history.needles import holds, how_often, lines_that_hold

NEEDLES = ((b"ab",), (b"ab", b"cc"), re.compile(rb"a[bc]"), re.compile(rb"b(?!a)"))
texts = st.lists(st.text("abc \\u/", max_size=8).map(str.encode), min_size=1, max_size=12)


@given(texts, st.sampled_from(NEEDLES), st.binary(max_size=3).filter(lambda rest: b"\n" not in rest))
def test_a_block_is_judged_line_by_line(lines: list[bytes], needle, rest: bytes):
    """The lines found in a block are those that hold the needle or an escape, in their order; what is torn is left."""
    whole = b"".join(line + b"\n" for line in lines)
    found = list(lines_that_hold(whole + rest, len(whole), needle))
    assert [line for line in lines if holds(line, [needle])] == [line for line in found if holds(line, [needle])]
    escaped = b"\\u" in whole + rest or b"\\/" in whole + rest
    assert escaped or all(holds(line, [needle]) for line in found)


def test_what_is_escaped_may_be_anything():
    """A line with an escaped letter or slash is never thrown away unread."""
    assert holds(rb'{"level":"\u0045RROR"}', [(b"ERROR",)])
    assert holds(rb'{"path":"a\/b"}', [(b"a/b",)])
    assert not holds(rb'{"level":"INFO\n"}', [(b"ERROR",)])


def test_occurrences_are_counted():
    """Texts count together; a pattern counts where it matches."""
    assert how_often(b"ab cc ab", (b"ab", b"cc")) == 3
    assert how_often(b"ab ac ad", re.compile(rb"a[bc]")) == 2
