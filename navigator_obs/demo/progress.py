"""How the demo shows that it gets on: a row for each year and, on a terminal, a bar below them."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Final, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from .steps import STEPS, Step
from .workforce import Ahead, Plan, YearResult

_HEADINGS: Final = ("year", *(step.name.replace("_", " ") for step in STEPS), "events", "headcount", "payroll")
_WIDTHS: Final = (6, *(len(step.name) + 2 for step in STEPS), 9, 11, 11)


class AheadColumn(ProgressColumn):
    """What lies ahead, asked anew each time that the bar is drawn."""

    ahead: Ahead | None = None

    def render(self, task: Task) -> Text:  # noqa: ARG002
        """Return the line, as far as there is one."""
        return Text("" if self.ahead is None else self.ahead.line(), no_wrap=True, overflow="ellipsis")


class Display:
    """A `Listener` that writes to *stream*; use it as a context manager. *quiet* leaves it silent."""

    def __init__(self, plan: Plan, stream: TextIO, *, quiet: bool = False) -> None:
        # The width of a file is the width of its lines.
        width = None if stream.isatty() else sum(_WIDTHS)
        self._console = Console(file=stream, quiet=quiet, width=width, highlight=False, soft_wrap=True)
        self._batches: list[int] = []
        self.events = 0
        """Simulation events so far."""
        self._plan = plan
        self._closed = False
        self._ahead = AheadColumn()
        self._bar = Progress(
            TextColumn(" "),
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description:<20}"),
            BarColumn(bar_width=max(10, min(self._console.width, sum(_WIDTHS)) - 90)),
            TextColumn("{task.fields[events]:>7,} events"),
            TimeElapsedColumn(),
            self._ahead,
            console=self._console,
            refresh_per_second=2,
            # FORCE_COLOR makes rich take a file for a terminal, but a bar in a file is litter.
            disable=quiet or not stream.isatty() or self._console.is_dumb_terminal,
        )
        self._task = self._bar.add_task("census", total=len(plan.years) * len(STEPS), events=0)

    def __enter__(self) -> Self:
        self._console.print(f"A workforce of {self._plan.employees:,}, seed {self._plan.seed}", style="bold")
        self._console.print(self._row(_HEADINGS), style="dim")
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take the bar away, so that others may write; the rows stay."""
        if not self._closed:
            self._closed = True
            self._bar.stop()
            self._console.print()

    def loop_begins(self, ahead: Ahead | None) -> None:
        """Show what lies ahead, beside the bar; without a recording nothing is known of it."""
        self._ahead.ahead = ahead

    def batch_done(self, year: int, step: Step, events: int) -> None:
        """Move the bar on."""
        self._batches.append(events)
        self.events += events
        self._bar.update(self._task, advance=1, description=f"{year} {step.name.replace('_', ' ')}", events=self.events)

    def year_done(self, result: YearResult) -> None:
        """Add the year's row."""
        counts = (f"{count:,}" for count in (*self._batches, result.events, result.headcount))
        self._batches.clear()
        self._console.print(self._row((str(result.year), *counts, f"${result.payroll / 1e6:,.1f} M")))

    def _row(self, cells: Iterable[str]) -> str:
        """Join a row's cells; without those of the steps where they have no room."""
        padded = [f"{cell:>{width}}" for cell, width in zip(cells, _WIDTHS, strict=True)]
        narrow = self._console.width < sum(_WIDTHS)
        return "".join([padded[0], *padded[1 + len(STEPS) :]] if narrow else padded)
