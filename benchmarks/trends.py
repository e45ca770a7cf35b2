"""How often the detector of trends is wrong: false alarms and detections on synthetic histories, fully seeded.

A false alarm is a confirmed rise anywhere in a history of 50 runs whose level never changes. A detection is a confirmed
rise at or after the change; its delay counts the runs at the new level, the first one as 1. Every run is judged from
the runs up to it alone, as it is at the end of a run.
"""

from __future__ import annotations

import json
import math
import os
import random
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from navigator_obs.history import detector

RUNS = 50
Series = list[float]
Judge = Callable[[Series], "list[int]"]


@dataclass(frozen=True)
class Case:
    """Histories of one kind: `noise` of relative size `sigma`, and a change, or none, with the run at index `at`."""

    title: str
    noise: str
    sigma: float
    at: int = 0
    step: float = 0.0
    drift: float = 0.0

    @property
    def changes(self) -> bool:
        """Whether there is anything to find."""
        return bool(self.step or self.drift)

    def history(self, seed: int) -> Series:
        """Return one history: the figures of `RUNS` runs."""
        source = random.Random(f"{self.title} {seed}")
        quiet = _NOISES[self.noise](source, self.sigma)
        return [math.exp(noise + self._shift(run)) for run, noise in enumerate(quiet)]

    def _shift(self, run: int) -> float:
        if not self.changes or run < self.at:
            return 0.0
        return math.log1p(self.step) + (run - self.at + 1) * math.log1p(self.drift)


def _normal(source: random.Random, sigma: float) -> Series:
    return [source.gauss(0, sigma) for _ in range(RUNS)]


def _outliers(source: random.Random, sigma: float, share: float = 0.05) -> Series:
    return [
        source.gauss(0, sigma) + (math.log(source.uniform(1.5, 3)) if source.random() < share else 0)
        for _ in range(RUNS)
    ]


def _autocorrelated(source: random.Random, sigma: float, memory: float = 0.5) -> Series:
    found = [source.gauss(0, sigma)]
    while len(found) < RUNS:
        found.append(memory * found[-1] + source.gauss(0, sigma * math.sqrt(1 - memory * memory)))
    return found


def _heavy(source: random.Random, sigma: float) -> Series:
    """Student's t with three degrees of freedom, scaled to the spread."""
    return [sigma * source.gauss(0, 1) / math.sqrt(source.gammavariate(1.5, 2) / 3) / math.sqrt(3) for _ in range(RUNS)]


def _skewed(source: random.Random, sigma: float) -> Series:
    return [sigma * (source.expovariate(1) - 1) for _ in range(RUNS)]


def _bimodal(source: random.Random, sigma: float) -> Series:
    """Three of ten runs find a cold cache, which costs 30 %."""
    return [source.gauss(0, sigma) + (math.log(1.3) if source.random() < 0.3 else 0) for _ in range(RUNS)]


_NOISES: dict[str, Callable[[random.Random, float], Series]] = {
    "normal": _normal,
    "outliers": _outliers,
    "many outliers": partial(_outliers, share=0.1),
    "autocorrelated": _autocorrelated,
    "heavy": _heavy,
    "skewed": _skewed,
    "bimodal": _bimodal,
}

QUIET = (
    Case("3 % noise", "normal", 0.03),
    Case("10 % noise", "normal", 0.10),
    Case("25 % noise", "normal", 0.25),
    Case("3 % noise, 5 % outliers", "outliers", 0.03),
    Case("10 % noise, 5 % outliers", "outliers", 0.10),
    Case("10 % noise, 10 % outliers", "many outliers", 0.10),
    Case("10 % noise, heavy tails", "heavy", 0.10),
    Case("10 % noise, skewed", "skewed", 0.10),
    Case("3 % noise, autocorrelated", "autocorrelated", 0.03),
    Case("10 % noise, autocorrelated", "autocorrelated", 0.10),
    Case("3 % noise, bimodal", "bimodal", 0.03),
)
CHANGED = (
    Case("+30 % at 10 % noise", "normal", 0.10, 25, step=0.3),
    Case("+30 % at 10 % noise, 5 % outliers", "outliers", 0.10, 25, step=0.3),
    Case("+30 % at 10 % noise, after 12 runs", "normal", 0.10, 12, step=0.3),
    Case("+30 % at 3 % noise, after 6 runs", "normal", 0.03, 6, step=0.3),
    Case("+10 % at 3 % noise", "normal", 0.03, 25, step=0.1),
    Case("+10 % at 3 % noise, after 12 runs", "normal", 0.03, 12, step=0.1),
    Case("+10 % at 10 % noise", "normal", 0.10, 25, step=0.1),
    Case("drift of 1 % a run at 3 % noise", "normal", 0.03, 25, drift=0.01),
    Case("drift of 1 % a run at 10 % noise", "normal", 0.10, 15, drift=0.01),
)


def ours(values: Series) -> list[int]:
    """The runs with which our detector confirmed a rise."""
    found = detector.read(values)
    return [change.seen for change in found.changes if change.is_rise] if found else []


def ours_suspected(values: Series) -> list[int]:
    """The runs at which ours confirmed a rise or suspected one."""
    read = {end: detector.read(values[: end + 1]) for end in range(len(values))}
    return sorted({end for end, found in read.items() if found and found.suspected} | set(ours(values)))


def newest_above_mean(values: Series) -> list[int]:
    """The runs more than 10 % above the mean of the ten before."""
    return [at for at in range(5, len(values)) if values[at] > 1.1 * statistics.fmean(values[max(0, at - 10) : at])]


def rank_scan(values: Series) -> list[int]:
    """Mann-Whitney's test, its normal approximation, of the newest 3 to 8 against up to 20 before: p < 0.002, 5 %."""
    return [at for at in range(7, len(values)) if any(_ranks_differ(values[: at + 1], size) for size in range(3, 9))]


def _ranks_differ(values: Sequence[float], size: int) -> bool:
    new, old = values[-size:], values[-size - 20 : -size]
    if len(old) < 5 or statistics.median(new) < 1.05 * statistics.median(old):
        return False
    above = sum(one > other for one in new for other in old)
    spread = math.sqrt(len(new) * len(old) * (len(new) + len(old) + 1) / 12)
    return (above - len(new) * len(old) / 2 - 0.5) / spread > 2.88


JUDGES: dict[str, Judge] = {
    "confirmed": ours,
    "unconfirmed": ours_suspected,
    "rank scan": rank_scan,
    "newest > mean + 10 %": newest_above_mean,
}


PROMISES = (
    *((case.title, "false_alarm_percent", 0.0, 5.0) for case in (QUIET[0], QUIET[1], QUIET[3], QUIET[4])),
    ("+30 % at 10 % noise", "detected_percent", 98.0, 100.0),
    ("+30 % at 10 % noise", "median_delay", 1, 3),
    ("+10 % at 3 % noise", "within_4_percent", 98.0, 100.0),
    ("drift of 1 % a run at 3 % noise", "within_12_percent", 98.0, 100.0),
)
"""What is promised of confirmed rises: case, figure, least, most."""


def main(histories: int, file: Path | None, first: int = 0) -> int:
    """Measure, print, write; 1 where a promise is not kept. *first* is the first of the seeds."""
    report = measure(histories, first)
    print(render(report))
    if file:
        file.write_text(json.dumps(report, indent=2), encoding="utf-8")
    missed = broken(report)
    print("\n".join(missed) or "every promise is kept")
    return 1 if missed else 0


def broken(report: dict[str, Any]) -> list[str]:
    """Return the promises that are not kept, each with what was measured."""
    ours_only = {result["title"]: result for result in report["results"] if result["judge"] == "confirmed"}
    return [
        f"missed: {title}: {figure} is {ours_only[title][figure]}, to be within {least} and {most}"
        for title, figure, least, most in PROMISES
        if not least <= ours_only[title][figure] <= most
    ]


def measure(histories: int, first: int = 0) -> dict[str, Any]:
    """Try every judge on every case, *histories* of each, with the seeds from *first* on."""
    # Only ours is quick; and of the unconfirmed each of the 50 runs has to be judged by itself.
    each = {"confirmed": histories, "unconfirmed": max(histories // 20, 20), "rank scan": max(histories // 5, 20)}
    jobs = [(judge, case, each.get(judge, histories), first) for judge in JUDGES for case in (*QUIET, *CHANGED)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(_measured, *zip(*jobs, strict=True)))
    return {"histories": histories, "first": first, "runs": RUNS, "milliseconds_a_series": _cost(), "results": results}


def _measured(judge: str, case: Case, histories: int, first: int) -> dict[str, Any]:
    seen = [JUDGES[judge](case.history(seed)) for seed in range(first, first + histories)]
    found: dict[str, Any] = {"judge": judge, "histories": histories, **asdict(case)}
    if not case.changes:
        return {**found, "false_alarm_percent": _percent(map(bool, seen), histories)}
    delays = [next((at - case.at + 1 for at in runs if at >= case.at), None) for runs in seen]
    known = sorted(delay for delay in delays if delay is not None)
    return {
        **found,
        "detected_percent": _percent((delay is not None for delay in delays), histories),
        "within_4_percent": _percent((delay is not None and delay <= 4 for delay in delays), histories),
        "within_12_percent": _percent((delay is not None and delay <= 12 for delay in delays), histories),
        "median_delay": known[len(known) // 2] if known else None,
    }


def _percent(hits: Any, count: int) -> float:
    return round(100 * sum(hits) / count, 1)


def interval(percent: float, count: int) -> tuple[float, float]:
    """Return between what, in percent, the truth lies with 95 % probability (Wilson's interval).

    >>> interval(2.0, 4000)
    (1.6, 2.5)
    """
    share, z = percent / 100, 1.96
    middle = share + z * z / (2 * count)
    reach = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return round(100 * (middle - reach) / scale, 1), round(100 * (middle + reach) / scale, 1)


def _cost() -> float:
    """CPU time for one series of `RUNS`, cheapest of some batches."""
    histories = [QUIET[1].history(seed) for seed in range(20)]
    batches = []
    for _ in range(5):
        start = time.process_time()
        for values in histories:
            detector.read(values)
        batches.append((time.process_time() - start) / len(histories))
    return round(1000 * min(batches), 2)


def render(report: dict[str, Any]) -> str:
    """Return the two tables, in Markdown."""
    by_judge = {(result["judge"], result["title"]): result for result in report["results"]}
    lines = [f"| false alarms, % of {report['runs']}-run histories | {' | '.join(JUDGES)} |", _rule(len(JUDGES))]
    for case in QUIET:
        cells = [f"{by_judge[judge, case.title]['false_alarm_percent']:.1f}" for judge in JUDGES]
        lines.append(f"| {case.title} | {' | '.join(cells)} |")
    lines += ["", f"| found, % (median delay; within 4, 12 runs) | {' | '.join(JUDGES)} |", _rule(len(JUDGES))]
    for case in CHANGED:
        lines.append(f"| {case.title} | {' | '.join(_found(by_judge[judge, case.title]) for judge in JUDGES)} |")
    lines += ["", "| confirmed, % | measured | 95 % interval | promised |", _rule(3)]
    lines += [
        _beside_promise(by_judge["confirmed", title], figure, least, most) for title, figure, least, most in PROMISES
    ]
    return "\n".join([*lines, "", f"{report['milliseconds_a_series']} ms a series of {report['runs']} runs"])


def _beside_promise(result: dict[str, Any], figure: str, least: float, most: float) -> str:
    measured = result[figure]
    name = figure.removesuffix("_percent").replace("_", " ")
    low, high = interval(measured, result["histories"]) if figure.endswith("percent") else (measured, measured)
    promised = f"{least:g} to {most:g}"
    return f"| {result['title']}: {name} | {measured} | {low} to {high} | {promised} |"


def _rule(columns: int) -> str:
    return f"|---{'|--:' * columns}|"


def _found(result: dict[str, Any]) -> str:
    within = f"{result['within_4_percent']:.1f}, {result['within_12_percent']:.1f}"
    return f"{result['detected_percent']:.1f} ({result['median_delay']}; {within})"
