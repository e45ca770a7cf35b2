"""The series of an operation path, and what hangs open operations into them.

Between an open operation and its series stands a `Link`, which keeps what need not be worked out again for the next
operation of the same name and breakdown under the same one: path, breakdown, series, and the scope as it was rendered
for the last context.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from ..encoding import text
from ..events.alone import FREE_THREADED, alone
from ..redaction import MARK, Redactor
from .measures import OVERFLOW
from .outcomes import ANY_SCENE, Outcomes, note
from .stats import Measured, OperationStats, Plain

if TYPE_CHECKING:
    from .accumulator import Accumulator
    from .root import Root

T = TypeVar("T")

BATCH: Final = 512
MAX_PATH: Final = 1_000
"""A path longer than this many characters grows no more: a recursion so deep adds up as one."""
WORTH_MEASURING_NS: Final = 5_000_000
"""To look at CPU time and memory of each takes 20 µs between other work: less than half a percent from here on."""
LONGEST_NAME: Final = 200
"""Of an operation or a metric, in characters; the rest is cut."""
LONGEST_VALUE: Final = 100
_INT64: Final = range(-(2**63), 2**63)
_EXACT: Final = frozenset({str, int, type(None)})

Breakdown = tuple[tuple[str, str, bool], ...]
Held = tuple[Mapping[str, Any] | None, Any, str | None]
"""A context, its fragment as the first event in it has it rendered, and its scene; None for what is not known yet."""


class OpenNode(Protocol):
    """What the accumulator asks of an operation that is open."""

    link: Link
    start: int
    lost: int | None
    sampled_bytes: int

    def disown(self) -> None:
        """Report nothing at the end: the process was forked, and the operation is its parent's."""


class Series:
    """The operations of one path and breakdown since the metrics were last taken."""

    __slots__ = (
        "_folding",
        "breakdown",
        "cell",
        "ended",
        "heard",
        "leaves",
        "measure",
        "nested",
        "outcomes",
        "path",
        "pending",
        "root",
        "told",
    )

    def __init__(self, path: str, breakdown: Breakdown, root: Root, *, heard: bool) -> None:
        self.path = path
        self.root = root
        self.breakdown = breakdown
        # Operations in here may lie inside each other, so that only their self times can be added up.
        self.nested = path == OVERFLOW or len(path) > MAX_PATH
        self.cell = OperationStats()
        # Of operations with no other of the year around them.
        self.outcomes: Outcomes | None = {} if any(outermost for *_, outermost in breakdown) else None
        self.heard = heard
        # Whether the next operation is to ask for CPU time and memory: each that lasts, few of those that don't.
        self.measure = heard
        # The durations of plain operations without children and rows, which most are, and when the last one ended.
        self.leaves: list[int] = []
        self.ended = 0
        # The other plain ones: (end on the monotonic clock, duration, self time, weighted self time, rows).
        self.pending: list[Plain] = []
        # Those of which an event told, with what was measured of them; appended to under the accumulator's lock.
        self.told: list[Measured] = []
        self._folding = False

    def fold(self, epoch_ns: int) -> None:
        """Add what is queued; *epoch_ns* is the monotonic clock's zero as wall time. The caller holds the lock."""
        if self._folding:
            # A signal handler's operation, in the middle of it: what is queued waits for the next time.
            return
        self._folding = True
        try:
            leaves, pending, told = _drained(self.leaves), _drained(self.pending), _drained(self.told)
            if self.heard:
                self._add(leaves, pending, told, epoch_ns)
        finally:
            self._folding = False

    def _add(self, leaves: list[int], pending: list[Plain], told: list[Measured], epoch_ns: int) -> None:
        if leaves:
            self.cell.add_leaves(leaves, self.ended + epoch_ns)
        if pending:
            self.cell.add_plain(pending, epoch_ns, nested=self.nested)
        if told:
            self.cell.add_measured(told, nested=self.nested)
        if leaves or pending or told:
            self.measure = True
        if self.outcomes is not None and (leaves or pending):
            note(self.outcomes, ANY_SCENE, self.cell.last.end_ns)

    def clear(self) -> None:
        """Forget all, as a forked child does.

        The queues are new ones: without a global lock each has its own, which a thread that is gone may have held.
        """
        self.leaves, self.pending, self.told = [], [], []
        self.cell = OperationStats()
        self.outcomes = None if self.outcomes is None else {}
        self._folding = False

    def take(self) -> OperationStats | None:
        """Return the sums with the shares of their breakdown, and begin anew; None where there are none."""
        cell = self.cell
        if not cell.count:
            return None
        self.cell = OperationStats()
        outcomes, self.outcomes = self.outcomes or {}, None if self.outcomes is None else {}
        for key, value, outermost in self.breakdown:
            cell.allot(key, value, outcomes, outermost=outermost)
        return cell


def _drained(queue: list[T]) -> list[T]:
    """Take what is in the queue now; whoever adds to it meanwhile does so behind that."""
    count = len(queue)
    found = queue[:count]
    del queue[:count]
    return found


class Repeats:
    """How a path repeats, whatever it is broken down by: *count* is how often it was logged, and *together* the time by
    which the operations of it that were active leaves at once exceed one.

    *active* of them are such leaves in this *round* of the root's, *together* being counted up to *since*.
    """

    __slots__ = ("_said", "active", "count", "round", "since", "together")

    def __init__(self) -> None:
        self.count = self.together = self.active = self.round = self.since = 0
        self._said = False

    @alone
    def is_news(self) -> bool:
        """Return whether it was not said before that the path was logged often enough; from now on it was."""
        said, self._said = self._said, True
        return not said

    @alone
    def take(self) -> int:
        """Return the time together since it was last taken, in nanoseconds."""
        taken, self.together = self.together, 0
        return taken


class Link:
    """What the operations of one name and breakdown under one parent have in common."""

    __slots__ = (
        "accumulator",
        "breakdown",
        "completed",
        "held",
        "kinds",
        "links",
        "name",
        "outermost",
        "path",
        "repeats",
        "series",
        "site",
        "told",
    )

    series: Series
    repeats: Repeats
    held: Held
    """Of the last context that was met. One tuple, so that no thread sees the context of one with the rest of another.
    """
    site: Any
    """Where in the code the last one was: (code, instruction, `Place`)."""
    told: tuple[bytes, int] | None
    """What the journal's records of them begin with, rendered by the first."""

    def __init__(
        self,
        accumulator: Accumulator,
        name: str,
        path: str,
        breakdown: dict[str, Any],
        outermost: dict[str, bool],
        context: Mapping[str, Any] | None = None,
    ) -> None:
        self.accumulator = accumulator
        self.name = name
        self.path = path
        self.breakdown = breakdown
        self.outermost = outermost
        self.held = (context, None, None)
        # The last one of each name, and the last one of each name and breakdown: years may take turns.
        self.links: dict[str, Link] = {}
        self.kinds: dict[tuple[Any, ...], Link] = {}
        self.completed = f"{name} completed"
        self.site = self.told = None

    def follow(self, name: str, context: Mapping[str, Any]) -> Link:
        """Return the link to an operation *name* that opens under this one in *context*."""
        kind = (name, *map(context.get, self.accumulator.breakdown))
        # Others may be equal and yet told differently, as True is from 1, or have no hash.
        plain = _EXACT.issuperset(map(type, kind))
        link = self.kinds.get(kind) if plain else None
        if link is None:
            link = self._new(name, context)
            if plain:
                if len(self.kinds) >= self.accumulator.max_series:
                    self.kinds.clear()
                    self.links.clear()
                self.kinds[kind] = link
        elif link.held[0] is not context:
            link.held = (context, None, None)
            self.accumulator.contexts += 1
        self.links[name] = link
        return link

    def forget(self) -> None:
        """Have the next operation under this one look for its series anew."""
        if FREE_THREADED:
            # See `Series.clear`; no call keeps the old ones.
            self.links, self.kinds = {}, {}
        else:
            self.links.clear()
            self.kinds.clear()

    def scene(self, context: Mapping[str, Any]) -> str:
        """Return what stands for the scene of an operation in *context* that no other of its year is around; empty for
        others.
        """
        if self.series.outcomes is None:
            return ""
        known, fragment, scene = self.held
        if known is not context or scene is None:
            scene = self.accumulator.scenes.of(context, self.breakdown)
            self.held = (context, fragment if known is context else None, scene)
        return scene

    def _new(self, name: str, context: Mapping[str, Any]) -> Link:
        breakdown = breakdown_of(self.accumulator.breakdown, context, self.accumulator.redactor)
        outermost = {key: key not in self.breakdown for key in breakdown}
        # Before the slashes go, by which a URL with a password is known.
        clean = self.accumulator.redactor.text(name)[:LONGEST_NAME].replace("/", ":")
        path = self.path if len(self.path) > MAX_PATH else f"{self.path}/{clean}" if self.path else clean
        link = Link(self.accumulator, clean, path, breakdown, outermost, context)
        link.series, link.repeats = self.accumulator.series(path, breakdown, outermost)
        return link


def breakdown_of(keys: tuple[str, ...], context: Mapping[str, Any], redactor: Redactor) -> dict[str, Any]:
    """Return the context's values under *keys*, as whole numbers or bounded text without secrets; what is None or
    missing is left out.
    """
    found = {key: context[key] for key in keys if context.get(key) is not None}
    return {key: MARK if redactor.hides(key, value) else _plain(value, redactor) for key, value in found.items()}


def _plain(value: Any, redactor: Redactor) -> int | str:
    try:
        number = operator.index(value)
    except Exception:
        return short(value, redactor)
    return number if number in _INT64 else short(number, redactor)


def short(value: Any, redactor: Redactor) -> str:
    """Return the text of any value, without secrets and bounded in length; never raises."""
    # Redacted before it is cut: half a URL is not known for one with a password.
    return redactor.text(value if type(value) is str else text(value))[:LONGEST_VALUE]
