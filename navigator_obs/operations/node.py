"""What an open operation knows, and what the program may say of it while it is open."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import Token
from typing import TYPE_CHECKING, Any, Final, Self

from ..encoding import text
from ..events.alone import alone
from ..events.scope import Scope
from .measures import finite_number

if TYPE_CHECKING:
    from .resources import Reading
    from .series import Link

END: Final = "end"
BOTH: Final = "both"
FAILURE: Final = "failure"
NEVER: Final = "never"
MAX_ROWS: Final = 2**63 - 1
MANY: Final[Any] = "many"
"""Stands for the children of an operation that has, or had lately, more than one at once."""
PLAIN: Final = 0
COUNTED: Final = 1
TOLD: Final = 2
ODD: Final = 3
"""How an operation ends: all that is known of it is how long it took; also rows, or what it lost to others; there is
more to tell; and it is out of the ordinary. Of its children `busy` tells.
"""


class _Seldom(Scope):
    """What few operations set, with what holds for the others: it costs nothing to have."""

    anchor = None
    gone = False
    made_by: Node | None = None
    claimed = False
    shared = False
    record: tuple[str, ...] = ()
    fields: dict[str, Any] | None = None
    reason: str | None = None
    inner: Scope | None = None
    sampled_bytes = paused_ns = paused_at = 0
    # The round in which it is counted among the active leaves of its path (see `root`).
    counted = 0
    inherited = False


class Node(_Seldom):
    """The figures and the place of an operation. What is read at each of a million ends stands in slots."""

    __slots__ = (
        "busy",
        "child",
        "due",
        "ends",
        "link",
        "log",
        "lost",
        "lost_before",
        "name",
        "others",
        "outer",
        "parent",
        "place",
        "reading",
        "recorded",
        "rows",
        "siblings",
        "since",
        "start",
        "token",
    )

    # Nothing to call when one is made: who makes it sets its attributes.
    __init__ = object.__init__

    name: str
    log: str | float
    place: tuple[str, str, int] | None
    recorded: Mapping[str, Any] | None
    token: Token[Scope | None] | None
    rows: int | None
    child: Any
    """The child operation that is open: None without one, `MANY` where there are several, whose number is `others`."""
    others: int
    busy: int
    """Time in which any child was open, up to `since`."""
    link: Link
    parent: Node
    """The operation around it. The outermost is the run itself, its own parent (see `root`)."""
    start: int
    since: int
    ends: int
    """One of `PLAIN`, `COUNTED`, `TOLD` and `ODD`. Of one that is told more is known:"""
    reading: Reading | None
    due: bool
    """Whether CPU time and memory are asked for however short it is."""
    lost: int | None
    """What the root's `lost` was when this last became a leaf; None once it has ended."""
    outer: Scope | None
    siblings: dict[str, Link]
    """Of a function's call: the scope that it came from, and the links of all that open there (see `calls`)."""
    lost_before: int
    """What it lost as a leaf until then: the part of its self time that belongs to others that were active leaves in
    the same instants."""

    @property
    def ended(self) -> bool:
        """Whether it was open and no longer is."""
        return self.lost is None

    @property
    def operation(self) -> Self:  # type: ignore[override]
        """The operation that is open in this scope: itself."""
        return self

    @property
    def path(self) -> str:
        """Names from the outermost operation to this one, joined with ``/``; empty before it is entered."""
        link = getattr(self, "link", None)
        return "" if link is None else link.path

    @alone
    def add_rows(self, rows: int) -> None:
        """Say that it worked on so many *rows* more; what is no number from 0 to 2**63 - 1 is ignored."""
        number = rows if type(rows) is int else finite_number(rows)
        if number is None or not 0 <= number <= MAX_ROWS:
            return
        whole = number if type(number) is int else int(number)
        # No call from here on, after which another thread could have added to what was read before.
        self.ends = self.ends or COUNTED
        total = (self.rows or 0) + whole
        self.rows = total if total < MAX_ROWS else MAX_ROWS

    @alone
    def set(self, **fields: Any) -> None:
        """Put own fields on the event at its end; one named like a figure of the operation is kept as
        ``field_<name>``.
        """
        self.ends = ODD
        self.fields = {**(self.fields or {}), **fields}

    def fail(self, reason: str = "") -> None:
        """Let it end as failed, for *reason*, though no exception passes through it."""
        self.ends = ODD
        self.reason = text(reason)

    def disown(self) -> None:
        """Report nothing at the end: the process was forked, and the operation is its parent's."""
        self.ends, self.inherited = ODD, True

    def is_under(self, other: Node) -> bool:
        """Whether *other* is this one, or is open around it."""
        node: Node = self
        while node is not other and node.parent is not node:
            node = node.parent
        return node is other
