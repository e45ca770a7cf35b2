"""All peers, by the command that measures them; the first of a list is the one that ratios are taken to."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from benchmarks import timers
from benchmarks.peers import eliots, floor, logfires, logurus, navigator, opentelemetry, seeds, stdlib, structlogs

if TYPE_CHECKING:
    from benchmarks.peer import Peer

EVENT: list[type[Peer]] = [
    floor.Floor,
    floor.BufferedFloor,
    navigator.Navigator,
    navigator.NavigatorBuffered,
    navigator.NavigatorGroup,
    eliots.Eliot,
    structlogs.Recipe,
    structlogs.RecipeWithCaller,
    stdlib.Queued,
    opentelemetry.OpenTelemetry,
    stdlib.PythonJsonLogger,
    stdlib.Rotating,
    logurus.Loguru,
    logurus.LoguruEnqueued,
    structlogs.ThroughStdlib,
    logfires.Logfire,
]
OPERATION: list[type[Peer]] = [
    timers.PerfCounterPair,
    timers.NavigatorNever,
    timers.NavigatorNeverDecorated,
    timers.NavigatorLogged,
    timers.NavigatorEachContextNever,
    timers.NavigatorEachContext,
    timers.EliotAction,
    timers.OpenTelemetrySpan,
    timers.LogfireSpan,
    seeds.SeedMonitor,
]


def find(name: str) -> type[Peer]:
    """The peer of that name."""
    return next(peer for peer in [*EVENT, *OPERATION] if peer.name == name)


def matching(peers: list[type[Peer]], words: list[str]) -> list[type[Peer]]:
    """The first peer, to which all are compared, and those whose name contains one of the words; all without words."""
    return [peer for peer in peers if not words or peer is peers[0] or any(word in peer.name for word in words)]


def missing(peer: type[Peer]) -> list[str]:
    """The modules that it needs and that are not installed."""
    return [module for module in peer.modules if not _importable(module)]


def version_of(peer: type[Peer]) -> str:
    """The version of the library measured; empty for Python's own and for a checkout."""
    try:
        return version(peer.distribution) if peer.distribution else ""
    except PackageNotFoundError:
        return ""


def _importable(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
