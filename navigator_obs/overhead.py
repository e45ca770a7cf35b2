"""What observing costs a program: run it with and without observation, in turn, and compare.

Both ways the same command runs in a process of its own, without observation under ``NAVIGATOR_OBS_DISABLED=1``. Runs
are paired, and every other pair begins with the other way, so that a machine that grows slower or faster meanwhile does
not count for one side.

Other work on the machine makes the CPU time of a run differ by several percent from the next one's. Where both runs of
a pair share one core at the same time, it weighs on both alike.
"""

from __future__ import annotations

import os
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import IO, Any, Final

from .disabled import VARIABLE
from .errors import UsageError
from .fields import format_seconds

_Environ = Mapping[str, str]
PAIRS: Final = 7
KEEP_MEMORY: Final = {"MALLOC_TRIM_THRESHOLD_": str(2**30), "MALLOC_MMAP_THRESHOLD_": str(2**30)}
"""Environment by which the GNU C library keeps the memory that a program lets go of, whatever lies beside it."""
_EMPTY_RUN: Final = """
import navigator_obs as obs
obs.configure(console="off", run_report=False)
with obs.start_run("empty"):
    pass
"""
_IDLE_SECONDS: Final = 2.0
_IDLE_RUN: Final = f"""
import time
import navigator_obs as obs
obs.configure(console="off", run_report=False)
with obs.start_run("idle"):
    before = time.process_time()
    time.sleep({_IDLE_SECONDS})
    print(time.process_time() - before)
"""
_STARTUP_MATTERS: Final = 0.003
_FAULT_SECONDS: Final = 2e-6
_FAULTS_MATTER: Final = 0.005
_TAIL_BYTES: Final = 10_000


@dataclass(frozen=True)
class Usage:
    """What one run of the command took. CPU time is that of the process and of its children that it waited for; None
    where the system does not tell, as are page faults.
    """

    wall_seconds: float
    cpu_seconds: float | None
    page_faults: int | None = None
    """How often it was given a page of memory that it had not, or had no more."""


@dataclass(frozen=True)
class Pair:
    """One run with and one without observation."""

    observed: Usage
    bare: Usage


@dataclass(frozen=True)
class Ratio:
    """Observed to bare: the median of the pairs, and the quartiles around it."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True)
class Overhead:
    """What all pairs say.

    >>> pairs = [Pair(Usage(2.0, 1.02), Usage(2.0, 1.0)), Pair(Usage(2.2, 1.01), Usage(2.0, 1.0))]
    >>> str(Overhead(pairs).cpu)
    '1.015 (1.012 to 1.018)'
    >>> print(Overhead(pairs))
    CPU   1.015 (1.012 to 1.018)   1.02 s observed, 1.00 s bare
    wall  1.050 (1.025 to 1.075)   2.10 s observed, 2.00 s bare
    observing costs 1.5 %
    """

    pairs: Sequence[Pair]
    empty: Sequence[Pair] = ()
    """The same of a program that imports the toolkit and opens a run, and does nothing else."""
    idle: Sequence[float] = ()
    """CPU seconds per second of a program that opens a run and sleeps, where both runs of a pair shared one core."""

    def __str__(self) -> str:
        cpu = [(pair.observed.cpu_seconds, pair.bare.cpu_seconds) for pair in self.pairs]
        wall = [(pair.observed.wall_seconds, pair.bare.wall_seconds) for pair in self.pairs]
        lines = [_line("CPU", self.cpu, cpu), _line("wall", self.wall, wall), _verdict(self.cpu or self.wall)]
        if self._startup_matters():
            startup = format_seconds(self.startup_seconds)
            lines.append(f"of that, {startup} are what an empty run takes, too: they do not grow with the program")
        if self.clock_percent and self.cpu is not None and self.cpu.low > 1:
            alone = max(100 * (self.cpu.median - 1) - self.clock_percent, 0)
            went = f"of that, {self.clock_percent:.1f} % went by the clock while the run waited for its core"
            lines.append(f"{went}: on a core of its own it is {alone:.1f} %")
        return "\n".join([*filter(None, lines), *([] if self.is_fair else [_unfair(self.fault_percent)])])

    @property
    def cpu(self) -> Ratio | None:
        """The ratio of CPU time; None where the system does not tell it, or there was none."""
        return _ratio((pair.observed.cpu_seconds, pair.bare.cpu_seconds) for pair in self.pairs)

    @property
    def wall(self) -> Ratio | None:
        """The ratio of wall time; None where both ran at once, and waited for each other."""
        pairs = () if self.idle else self.pairs
        return _ratio((pair.observed.wall_seconds, pair.bare.wall_seconds) for pair in pairs)

    @property
    def startup_seconds(self) -> float:
        """What importing the toolkit, opening a run and ending it takes, whatever the program does; CPU time where that
        is told.
        """
        took = [_used(pair.observed) - _used(pair.bare) for pair in self.empty]
        return max(round(statistics.median(took), 6), 0.0) if took else 0.0

    @property
    def clock_percent(self) -> float:
        """What samples and ticks took while observed runs waited for their core, about; 0 where runs had their turn."""
        if not self.idle:
            return 0.0
        waited = [(pair.observed.wall_seconds - _used(pair.observed)) / _used(pair.bare) for pair in self.pairs]
        return round(100 * statistics.median(waited) * statistics.median(self.idle), 2)

    def _startup_matters(self) -> bool:
        bare = statistics.median(_used(pair.bare) for pair in self.pairs)
        ratio = self.cpu or self.wall
        return ratio is not None and ratio.low > 1 and self.startup_seconds > _STARTUP_MATTERS * bare

    @property
    def fault_percent(self) -> float:
        """How much of the bare CPU time the two ways differ by page faults alone, about, those of an empty run left
        out; 0 where nobody knows.

        Whether freed memory goes back to the system depends on what lies beside it, so that any change of a program may
        make it faster or slower by that much. `KEEP_MEMORY` in the environment leaves it out of the comparison.
        """
        own = [_more_faults(pair) for pair in self.empty]
        spared = statistics.median(own) if own else 0
        known = [pair for pair in self.pairs if pair.observed.page_faults and pair.bare.page_faults]
        more = [(_more_faults(pair) - spared) * _FAULT_SECONDS / pair.bare.cpu_seconds
                for pair in known if pair.bare.cpu_seconds]  # fmt: skip
        return round(100 * statistics.median(more), 2) if more else 0.0

    @property
    def is_fair(self) -> bool:
        """Whether both ways were given memory about equally often."""
        return abs(self.fault_percent) < 100 * _FAULTS_MATTER

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "pairs": [{"observed": vars(pair.observed), "bare": vars(pair.bare)} for pair in self.pairs],
            "cpu_ratio": None if self.cpu is None else vars(self.cpu),
            "wall_ratio": None if self.wall is None else vars(self.wall),
            "startup_seconds": self.startup_seconds,
            "clock_percent": self.clock_percent,
            "fault_percent": self.fault_percent,
        }


def measure(
    command: str | Sequence[str],
    pairs: int = PAIRS,
    *,
    environ: _Environ | None = None,
    say: Callable[[str], None] | None = None,
    at_once: bool = False,
) -> Overhead:
    """Run *command* *pairs* times with and *pairs* times without observation; return what came out.

    A text is split as a shell would. Its output is kept back. *environ* is that of this process when None; *say* is
    told of each pair. *at_once*: both runs of a pair at the same time on one core, for a machine that has other work;
    they must not write to the same files. Beside each pair an empty run is made both ways, in a folder that is gone
    afterwards. Raises `UsageError` for less than one pair, for *at_once* on a system that can't bind a process to a
    core, and where the command can't be started or fails, for then there is nothing to compare.

    >>> import sys
    >>> measure([sys.executable, "-c", "pass"], pairs=1).wall.median > 0
    True
    """
    words = shlex.split(command) if isinstance(command, str) else [os.fspath(word) for word in command]
    if pairs < 1 or not words:
        raise UsageError(f"a command and at least one pair are needed, not {words!r} and {pairs!r}")
    if at_once and not hasattr(os, "sched_setaffinity"):
        raise UsageError(f"at_once needs a system that binds processes to a core, such as Linux, not {sys.platform!r}")
    given = os.environ if environ is None else environ
    default = {key: value for key, value in given.items() if not key.startswith("NAVIGATOR_OBS_")}
    found, empty, idle = [], [], []
    for number in range(pairs):
        ways = (False, True) if number % 2 else (True, False)
        pair = _pair(words, given, ways, at_once)
        found.append(pair)
        empty.append(_empty_pair(default, ways, at_once))
        if at_once:
            idle.append(_idle_share(default))
        if say is not None:
            say(f"pair {number + 1} of {pairs}: {pair.observed.wall_seconds:.2f} s observed, "
                f"{pair.bare.wall_seconds:.2f} s bare")  # fmt: skip
    return Overhead(found, empty, idle)


def _empty_pair(environ: _Environ, ways: Sequence[bool], at_once: bool) -> Pair:
    """Run an empty run both ways, which leaves nothing among the user's."""
    with tempfile.TemporaryDirectory() as folder:
        return _pair([sys.executable, "-c", _EMPTY_RUN], environ, ways, at_once, folder)


def _idle_share(environ: _Environ) -> float:
    """CPU seconds per second of a run that sleeps."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-c", _IDLE_RUN]
        said = subprocess.check_output(words, cwd=folder, env=environ, stdin=subprocess.DEVNULL)  # noqa: S603
    return float(said) / _IDLE_SECONDS


def _pair(words: list[str], environ: _Environ, ways: Sequence[bool], at_once: bool, folder: str | None = None) -> Pair:
    used: dict[bool, Usage] = {}
    for together in [ways] if at_once else [[way] for way in ways]:
        with ExitStack() as stack:
            with _one_core() if at_once else nullcontext():
                waits = {way: stack.enter_context(_running(words, environ, way, folder)) for way in together}
            used |= {way: wait() for way, wait in waits.items()}
    return Pair(used[True], used[False])


@contextmanager
def _one_core() -> Iterator[None]:
    """What the calling thread starts meanwhile keeps to one and the same core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def _running(words: list[str], environ: _Environ, observed: bool, folder: str | None) -> Iterator[Callable[[], Usage]]:
    """Start the command; yields what waits for its end and tells what it took. Nothing runs on afterwards."""
    told = {key: value for key, value in environ.items() if key != VARIABLE} | ({} if observed else {VARIABLE: "1"})
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        try:
            process = subprocess.Popen(  # noqa: S603
                words, env=told, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        except OSError as error:
            raise UsageError(f"{words[0]!r} can't be started: {error.strerror}") from None

        def usage() -> Usage:
            code, cpu, faults = _wait(process)
            if code:
                raise UsageError(_failure(words, code, observed, output))
            return Usage(round(time.perf_counter() - began, 6), cpu, faults)

        try:
            yield usage
        finally:
            process.kill()
            process.wait()


def _more_faults(pair: Pair) -> int:
    return (pair.observed.page_faults or 0) - (pair.bare.page_faults or 0)


def _used(usage: Usage) -> float:
    return usage.wall_seconds if usage.cpu_seconds is None else usage.cpu_seconds


def _wait(process: subprocess.Popen[bytes]) -> tuple[int, float | None, int | None]:
    if not hasattr(os, "wait4"):
        return process.wait(), None, None
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, round(usage.ru_utime + usage.ru_stime, 6), usage.ru_minflt


def _failure(words: list[str], code: int, observed: bool, output: IO[bytes]) -> str:
    output.seek(max(0, output.seek(0, os.SEEK_END) - _TAIL_BYTES))
    lines = output.read().decode(errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    how = "observed" if observed else f"under {VARIABLE}=1"
    return f"{shlex.join(words)} ended with {_ended(code)} {how}{f': {last}' if last else ''}"


def _ended(code: int) -> str:
    try:
        return str(code) if code > 0 else signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _ratio(used: Iterator[tuple[float | None, float | None]]) -> Ratio | None:
    ratios = [observed / bare for observed, bare in used if observed is not None and bare]
    if not ratios:
        return None
    if len(ratios) == 1:
        return Ratio(ratios[0], ratios[0], ratios[0])
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return Ratio(round(middle, 6), round(low, 6), round(high, 6))


def _line(what: str, ratio: Ratio | None, used: Sequence[tuple[float | None, float | None]]) -> str:
    known = [(observed, bare) for observed, bare in used if observed is not None and bare is not None]
    if ratio is None or not known:
        return ""
    observed, bare = (format_seconds(statistics.median(side)) for side in zip(*known, strict=True))
    return f"{what:5} {ratio}   {observed} observed, {bare} bare"


def _verdict(ratio: Ratio | None) -> str:
    if ratio is None:
        return "nothing could be measured"
    if ratio.low <= 1 <= ratio.high:
        return "what observing costs is too little to be told from the noise"
    percent = 100 * (ratio.median - 1)
    return f"observing costs {percent:.1f} %" if percent > 0 else f"observed runs took {-percent:.1f} % less: noise"


def _unfair(percent: float) -> str:
    way = "observed" if percent > 0 else "bare"
    kept = " ".join(f"{name}={value}" for name, value in KEEP_MEMORY.items())
    return (
        f"but the {way} runs took memory from the system so much more often that this alone makes them about "
        f"{abs(percent):.1f} % slower; how often is the C library's whim: compare again under {kept}"
    )
