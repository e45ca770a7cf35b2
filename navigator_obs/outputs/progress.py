"""How far a loop over simulated years has come, on a terminal, in the log, or not at all: what `obs.track` returns.

rich draws the line on a terminal, twice a second at most. Without rich, or without a terminal, it is an event after
each step; where the steps are many, at most every 30 seconds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence, Sized
from contextlib import nullcontext, suppress
from types import TracebackType
from typing import Any, Final, Generic, Protocol, Self, TypeVar

from ..clock import clock
from ..encoding import shown, text
from ..errors import UsageError
from ..events import scope
from ..events.emitting import emit
from ..events.glyphs import written
from ..fields import format_mb
from ..operations import metrics, resources, sampler
from ..operations.forecast import fit
from ..operations.operation import operation
from ..runs import current, outlook
from ..settings import INFO
from .ahead import time_left
from .columns import one_line

T = TypeVar("T")
LOG_SECONDS: Final = 30.0
FEW_STEPS: Final = 100
"""A loop of up to so many steps, as of years, has each of them in the log."""
REFRESH_PER_SECOND: Final = 2
_LOGGER: Final = "navigator_obs.progress"
_MOST_YEARS: Final = 10_000


class Progress:
    """How far it is: steps that are done, of how many, and what is known of those to come."""

    def __init__(self, key: str, total: int | None) -> None:
        self.key = key
        self.total = total
        self.item = ""
        """The item of the step that is under way, as text."""
        self.item_done = ""
        """That of the last step that is done."""
        self._durations: list[float] = []
        self._step_began = 0

    @property
    def done(self) -> int:
        """Steps that are done."""
        return len(self._durations)

    def start(self) -> None:
        """The first step begins."""
        self._step_began = clock.monotonic_ns()

    def step_begins(self, item: object) -> None:
        """Take the next item."""
        self.item = one_line(text(item)[:100])

    def step_ends(self) -> None:
        """Count the step; its time includes whatever lay between the steps."""
        now = clock.monotonic_ns()
        self._durations.append((now - self._step_began) / 1e9)
        self._step_began = now
        self.item_done = self.item

    def eta_seconds(self) -> float | None:
        """Return the time that is left, by the fit of the steps that are done; None before one is, or without total."""
        found = fit(self._durations)
        if found is None or self.total is None:
            return None
        elapsed = (clock.monotonic_ns() - self._step_began) / 1e9
        left = [found.at(step) for step in range(self.done, self.total)]
        return max(left[0] - elapsed, 0.0) + sum(left[1:]) if left else 0.0

    def memory_mb(self) -> float:
        """Return the resident memory of the process, with its children where a run is open."""
        return round((sampler.memory_bytes() or resources.rss_bytes()) / resources.MB, 3)

    def operation(self) -> str:
        """Return the path of the operation that opened last and is open, or an empty text."""
        opened = [node for node in metrics.open_nodes() if getattr(node, "start", None) is not None]
        return max(opened, key=lambda node: node.start).link.path if opened else ""

    def steps(self) -> str:
        """Return `3 of 10`, or `3` where nobody knows of how many."""
        return f"{self.done} of {self.total}" if self.total is not None else str(self.done)

    def line(self) -> str:
        """Return all of it but the item: `3 of 10 · 2m 05s left · 425 MB · simulate/hiring`."""
        eta = self.eta_seconds()
        left = "done" if self.done == self.total else time_left(eta).removeprefix("about ")
        return " · ".join(part for part in (self.steps(), left, format_mb(self.memory_mb()), self.operation()) if part)


class Display(Protocol):
    """Shows a `Progress`."""

    def step_begins(self) -> None:
        """Another item is at hand."""

    def step_ends(self) -> None:
        """A step is done."""

    def close(self) -> None:
        """Nothing more comes."""


class Silent:
    """Shows nothing."""

    def step_begins(self) -> None:
        """Say nothing."""

    def step_ends(self) -> None:
        """Say nothing."""

    def close(self) -> None:
        """Say nothing."""


class Lines:
    """Logs an event after each of a few steps; of many steps at most every `LOG_SECONDS`, and after the last one."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._told_ns: int | None = None
        self._is_told = True

    def step_begins(self) -> None:
        """Nothing is said of what is not done."""

    def step_ends(self) -> None:
        """Log the step, unless there are many and another was logged a moment ago."""
        now, told, total = clock.monotonic_ns(), self._told_ns, self._progress.total
        is_due = told is None or now - told >= LOG_SECONDS * 1e9 or self._progress.done == total
        self._is_told = is_due or (total is not None and total <= FEW_STEPS)
        if self._is_told:
            self._told_ns = now
            self._tell(self._progress.eta_seconds())

    def close(self) -> None:
        """Log the last step, if it was not. A loop that was left has no time left."""
        if not self._is_told:
            self._is_told = True
            self._tell(eta=None)

    def _tell(self, eta: float | None) -> None:
        progress = self._progress
        left = f", {told}" if (told := time_left(eta)) else ""
        fields: dict[str, Any] = {
            "steps_done": progress.done,
            "steps_total": progress.total,
            "eta_seconds": None if eta is None else round(eta, 3),
            "memory_mb": progress.memory_mb(),
        }
        done, memory = f"{progress.key} {progress.item_done} done".lstrip(), format_mb(progress.memory_mb())
        message = f"{done}, {progress.steps()}{left}, {memory}"
        emit(_LOGGER, INFO, message, {name: value for name, value in fields.items() if value is not None})


class Live:
    """A line on the terminal: item, bar, `3 of 10`, time left, memory, the operation that is open."""

    def __init__(self, progress: Progress) -> None:
        from rich import progress as rich_progress
        from rich.console import Console
        from rich.text import Text

        class Told(rich_progress.ProgressColumn):
            """The rest of the line, anew at each refresh."""

            def render(self, task: rich_progress.Task) -> Text:  # noqa: ARG002
                told = written(one_line(progress.line()), console.encoding)
                return Text(told, overflow="ellipsis", no_wrap=True)

        self._progress = progress
        console = Console(file=sys.stderr)
        self._bar = rich_progress.Progress(
            rich_progress.TextColumn("{task.description}", markup=False),
            rich_progress.BarColumn(bar_width=max(10, min(40, console.width // 4))),
            Told(),
            console=console,
            refresh_per_second=REFRESH_PER_SECOND,
        )
        self._task = self._bar.add_task(progress.key, total=progress.total)
        self._bar.start()

    @staticmethod
    def is_possible() -> bool:
        """Whether there are a terminal and rich."""
        stream = sys.stderr
        if stream is None or not stream.isatty():
            return False
        try:
            from rich.console import Console
        except ImportError:
            return False
        return not Console(file=stream).is_dumb_terminal

    def step_begins(self) -> None:
        """Show the item."""
        self._bar.update(self._task, description=f"{self._progress.key} {self._progress.item}".lstrip())

    def step_ends(self) -> None:
        """Move the bar on."""
        self._bar.update(self._task, completed=self._progress.done)

    def close(self) -> None:
        """Leave the line as it stands."""
        self._bar.stop()


def display_for(progress: Progress, how: str, console: str) -> Display:
    """Return the display for the settings `progress` (auto, log, off) and `console`."""
    if how == "off":
        return Silent()
    return Live(progress) if how == "auto" and console != "off" and Live.is_possible() else Lines(progress)


_shown: Final[list[Display]] = []
"""That of the loop that is shown; loops inside are a part of its step."""


class _Guarded:
    """A display that may break and does not break the loop."""

    def __init__(self, display: Display) -> None:
        self._display = display
        if not isinstance(display, Silent):
            _shown.append(self)

    def step_begins(self) -> None:
        with suppress(Exception):
            self._display.step_begins()

    def step_ends(self) -> None:
        with suppress(Exception):
            self._display.step_ends()

    def close(self) -> None:
        with suppress(Exception):
            self._display.close()
        if self in _shown:
            _shown.remove(self)


class Track(Generic[T]):
    """An iterator over the items of `track`; as a context manager it also hears how the loop was left."""

    def __init__(
        self,
        iterable: Iterable[T],
        operation_name: str | None,
        key: str | None,
        total: int | None,
        log: Any,
        show: Callable[[Progress], Display],
    ) -> None:
        self.progress = Progress(key or "", length_of(iterable, total))
        """How far it is, for a display of your own."""
        self._steps = _steps(_checked(iterable), self.progress, operation_name, log, show)

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        return next(self._steps)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self._steps.close()
            return
        try:
            # The operation of the step that failed ends as failed.
            self._steps.throw(error)
        except BaseException as raised:
            if raised is not error and not isinstance(raised, StopIteration):
                raise


def _steps(
    iterable: Iterable[T], progress: Progress, name: str | None, log: Any, show: Callable[[Progress], Display]
) -> Generator[T, None, None]:
    """The loop itself. It does not know its `Track`: what a loop that is left lets go of must end at once, and not when
    cycles are collected.
    """
    progress.start()
    display: Display = Silent()
    try:
        if not _shown:
            _tell_plan(progress.key, iterable)
            display = _Guarded(show(progress))
        for item in iterable:
            progress.step_begins(item)
            display.step_begins()
            with _bound(progress.key, item), nullcontext() if name is None else operation(name, log=log):
                yield item
            progress.step_ends()
            display.step_ends()
    finally:
        display.close()


def _tell_plan(key: str, iterable: object) -> None:
    """Let the run, if one is open, know which years it has before it."""
    listener = current.listener()
    if key != outlook.KEY or listener is None or not isinstance(iterable, Sequence) or len(iterable) > _MOST_YEARS:
        return
    if all(type(year) is int for year in iterable):
        listener.note_plan(iterable)


def _bound(key: str, item: object) -> Any:
    if not key:
        return nullcontext()
    return scope.context(**{key: item if isinstance(item, int | float | str) else text(item)[:100]})


def _checked(iterable: Iterable[T]) -> Iterable[T]:
    if not isinstance(iterable, Iterable):
        raise UsageError(f"track goes through something with items, such as range(2025, 2030); not {shown(iterable)}")
    return iterable


def length_of(iterable: object, total: object) -> int | None:
    """Return *total*, or how many items *iterable* has, if it knows; raises UsageError for a total that is none."""
    if total is None:
        return len(iterable) if isinstance(iterable, Sized) else None
    if isinstance(total, bool) or not isinstance(total, int) or total < 0:
        raise UsageError(f"total={shown(total)} must be a number of steps from 0 up")
    return total
