"""Which kind of failure an exception is, who can fix it, and whether trying again helps.

Rules over type names, errno, exit status, message and origin (`category_rules`) are asked from the root cause outwards.
Those that name a cause come before those that only know the kind of a mistake: a `KeyError` under a `ConfigError` is a
matter of configuration. Types are compared by name, so that no library is imported to recognise its exceptions.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain as all_of
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeVar

from ..errors import ConfigError, close_match
from .category_rules import CAUSES, COLLATERAL, MISTAKES, REFRAMED, REFRAMING, WORDS
from .rule import Rule, rule
from .symptoms import Symptoms, shape

UNKNOWN: Final = "unknown"
MAX_TYPES: Final = 1024
MAX_VERDICTS: Final = 512
MAX_LEAVES: Final = 16
K = TypeVar("K")
V = TypeVar("V")
_DIGITS: Final = re.compile("[0-9]+")
_REPEATS: Final = re.compile(r"\{[0-9]*,?[0-9]*\}")
_Asked = Callable[[Symptoms, Rule], str | None]
_Candidate = tuple[Rule, tuple[str, ...], tuple[_Asked, ...]]
"""A rule that may speak of a class, what of the class it asks for, and what it asks of an exception besides."""
_Candidates = tuple[tuple[_Candidate, ...], ...]
"""By tier, the rules that may speak of a class."""
_Judged = Sequence[tuple[Symptoms, _Candidates]]
_MESSAGE: Final = "message:"


class Kind(NamedTuple):
    """What holds for all failures of a category."""

    meaning: str
    fixed_by: str
    """Who can fix it: "operator", "developer", "data owner", "provider" (of a service), or "nobody"."""
    retry: str
    """Whether the same again may succeed: "yes", "no" (not before something was changed) or "maybe"."""


CATEGORIES: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "resource": Kind("the machine, or a limit set on it, does not suffice", "operator", "maybe"),
        "resource/memory": Kind("no memory left", "operator", "no"),
        "resource/disk": Kind("no disk space or quota left", "operator", "no"),
        "resource/descriptors": Kind("too many open files, threads or processes", "operator", "no"),
        "resource/time": Kind("something took longer than it was given", "operator", "maybe"),
        "interrupted": Kind("stopped from outside", "nobody", "yes"),
        "interrupted/user": Kind("somebody pressed Ctrl-C or cancelled it", "nobody", "yes"),
        "interrupted/scheduler": Kind("SIGTERM or SIGHUP, as schedulers and shutdowns send it", "operator", "yes"),
        "interrupted/killed": Kind("SIGKILL, of which the process hears nothing", "operator", "yes"),
        "interrupted/exit": Kind("the process ended itself without a word, as by os._exit", "developer", "maybe"),
        "interrupted/oom": Kind("the kernel killed it for its memory", "operator", "no"),
        "interrupted/reboot": Kind("the machine started anew", "operator", "yes"),
        "interrupted/crash": Kind("the interpreter or a library crashed: SIGSEGV, SIGABRT …", "developer", "maybe"),
        "stalled": Kind("it lives, and makes no progress", "developer", "maybe"),
        "database": Kind("the database refused or failed", "developer", "maybe"),
        "database/lock": Kind("somebody else holds the database or the row", "operator", "yes"),
        "database/connection": Kind("no connection, or a closed one", "operator", "yes"),
        "database/sql": Kind("a statement that the database does not understand", "developer", "no"),
        "database/corruption": Kind("the database file is damaged, or is none", "operator", "no"),
        "data": Kind("the data are not what they should be", "data owner", "no"),
        "data/missing": Kind("data that should be there are not", "data owner", "no"),
        "data/schema": Kind("other columns, fields or types than expected", "data owner", "no"),
        "data/format": Kind("text or bytes that can't be read as what they should be", "data owner", "no"),
        "data/integrity": Kind("duplicates, or references to nothing", "data owner", "no"),
        "data/quality": Kind("a check on the data did not pass", "data owner", "no"),
        "config": Kind("a setting is missing or wrong", "operator", "no"),
        "environment": Kind("the machine is not set up as the program wants it", "operator", "no"),
        "environment/dependency": Kind(
            "a package, library or program is missing, or another version", "operator", "no"
        ),
        "environment/permission": Kind("not allowed to read, write or execute", "operator", "no"),
        "environment/missing_file": Kind("a file or folder is not there", "operator", "no"),
        "numeric": Kind("arithmetic without a result", "developer", "no"),
        "numeric/nonfinite": Kind("NaN or infinity where a number is needed", "developer", "no"),
        "numeric/overflow": Kind("a number too large for its type", "developer", "no"),
        "numeric/no_convergence": Kind("an iteration that did not come to an end", "developer", "no"),
        "numeric/division": Kind("division by zero", "developer", "no"),
        "model": Kind("the simulation itself says that its state is impossible", "developer", "no"),
        "worker": Kind("a worker process died or failed", "operator", "maybe"),
        "external": Kind("something outside of this machine failed", "provider", "yes"),
        "external/network": Kind("no way to another machine", "operator", "yes"),
        "external/service": Kind("a service answered with an error", "provider", "yes"),
        "code": Kind("a mistake in the program", "developer", "no"),
        "observability": Kind("the recording itself", "developer", "no"),
        UNKNOWN: Kind("no rule speaks", "nobody", "maybe"),
    }
)
"""Every category, in two levels; a rule of the user's may make more below these."""


class Verdict(NamedTuple):
    """A category, and what told it: the rule in words."""

    category: str
    rule: str


def kind(category: str) -> Kind:
    """Return what holds for *category*; for one that is unknown, what holds for the level above it."""
    return CATEGORIES.get(category) or CATEGORIES.get(category.partition("/")[0], CATEGORIES[UNKNOWN])


def _users_rule(key: str, category: str) -> Rule:
    if category.partition("/")[0] not in CATEGORIES:
        valid = ", ".join(name for name in CATEGORIES if "/" not in name)
        raise ConfigError(
            f"category {category!r} of {key!r} must be one of {valid}, perhaps with a word of your own after a slash"
            f"{close_match(category, CATEGORIES)}"
        )
    if not key.startswith(_MESSAGE):
        return rule(category, types=key)
    try:
        return rule(category, message=f"(?i:{key.removeprefix(_MESSAGE).strip()})")
    except re.error as error:
        raise ConfigError(f"{key!r} is no regular expression: {error}") from None


_ANY_EXCEPTION: Final = ("Exception", "BaseException")
_NO_RULE: Final = Verdict(UNKNOWN, "no rule speaks")


class Classifier:
    """The rules that hold, and for each type those that may speak of it."""

    def __init__(self, own: Iterable[Rule] = ()) -> None:
        self._tiers = (tuple(own), CAUSES, MISTAKES, COLLATERAL, REFRAMING)
        self._candidates: dict[Any, _Candidates] = {}
        # The same error comes back a thousand times, with other numbers in its message.
        self._verdicts: dict[tuple[Any, ...], Verdict] = {}
        self._asks_for_numbers = any(map(_asks_for_numbers, all_of.from_iterable(self._tiers)))

    def shape(self, message: str) -> bytes:
        """Return what messages have in common that no rule tells apart: they differ in their digits alone."""
        # What it tells of another exception has that one's name, and maybe its errno.
        if self._asks_for_numbers or "Error" in message or "Exception" in message:
            return message.encode("utf-8", "surrogatepass")
        return shape(message)

    def classify(self, chain: Sequence[BaseException]) -> Verdict:
        """Return the verdict on an exception by its *chain* of causes, itself first and the root cause last."""
        links = [Symptoms.of(error) for error in reversed(chain)]
        key = tuple((link.kind, link.status, link.errno, link.origin, self.shape(link.raw)) for link in links)
        found = self._verdicts.get(key)
        if found is None:
            # What a message tells of another exception was its cause.
            judged = [(one, self._of_kind(one)) for link in links for one in (link.told(), link) if one is not None]
            found = bounded(self._verdicts, MAX_VERDICTS)[key] = self._judge(judged)
        return found

    def classify_words(self, message: str) -> Verdict:
        """Return the verdict on an error of which there is only a *message*."""
        said = Symptoms(_ANY_EXCEPTION, message)
        links = [one for one in (said.told(), said) if one is not None]
        found = self._judge([(link, self._of_kind(link)) for link in links])
        if found.category != UNKNOWN:
            return found
        spoken = next((one for one in WORDS if one.message and one.message.search(said.lowered)), None)
        return Verdict(spoken.category, str(_by_message(said, spoken))) if spoken else found

    def _judge(self, links: _Judged) -> Verdict:
        own, *tiers, reframing = range(len(self._tiers))
        users = _first(links, own)
        if users is not None:
            return users
        found = next(filter(None, (_first(links, tier) for tier in tiers)), _NO_RULE)
        return (_first(links, reframing) if found.category.startswith(REFRAMED) else None) or found

    def _of_kind(self, link: Symptoms) -> _Candidates:
        found = self._candidates.get(link.kind)
        if found is None:
            found = tuple(tuple(_candidates(tier, link)) for tier in self._tiers)
            bounded(self._candidates, MAX_TYPES)[link.kind] = found
        return found


def _asks_for_numbers(candidate: Rule) -> bool:
    # How often something may repeat is a number of the pattern's own.
    asked = "" if candidate.message is None else _REPEATS.sub("", candidate.message.pattern)
    return _DIGITS.search(asked) is not None


def _first(links: _Judged, tier: int) -> Verdict | None:
    for link, tiers in links:
        for candidate, words, asked in tiers[tier]:
            reasons = [*words]
            for holds in asked:
                reason = holds(link, candidate)
                if reason is None:
                    break
                reasons.append(reason)
            else:
                return Verdict(candidate.category, ", ".join(reasons))
    return None


def bounded(kept: dict[K, V], limit: int) -> dict[K, V]:
    """Return *kept*, emptied where it has reached its limit."""
    if len(kept) >= limit:
        kept.clear()
    return kept


def _candidates(tier: Iterable[Rule], link: Symptoms) -> Iterator[_Candidate]:
    """The rules of which a class fulfils what they ask of it, each with what that was, in words."""
    for candidate in tier:
        matched = next((known for known in link.names if known in candidate.types), None)
        if (candidate.types and matched is None) or (candidate.own and not link.own):
            continue
        if candidate.named and not candidate.named.search(link.names[0]):
            continue
        words = [f"type {matched}"] if matched else []
        words += ["a class of the application's own"] if candidate.own else []
        words += [f"named {link.names[0]}"] if candidate.named else []
        yield candidate, tuple(words), tuple(holds for is_asked, holds in _CONDITIONS if is_asked(candidate))


def _by_errno(link: Symptoms, candidate: Rule) -> str | None:
    number = link.errno
    return f"errno {errno.errorcode[number]}" if number in candidate.errnos else None


def _by_exit(link: Symptoms, candidate: Rule) -> str | None:
    return f"exit status {link.status}" if link.status in candidate.exits else None


def _by_origin(link: Symptoms, candidate: Rule) -> str | None:
    return f"raised in {link.origin}" if link.origin in candidate.origins else None


def _by_message(link: Symptoms, candidate: Rule) -> str | None:
    found = candidate.message.search(link.lowered) if candidate.message else None
    # Without its numbers, for the verdict is also that on other ones.
    return f"message has {_DIGITS.sub('#', found[0])[:80]!r}" if found else None


_CONDITIONS: Final[tuple[tuple[Callable[[Rule], Any], _Asked], ...]] = (
    (attrgetter("errnos"), _by_errno),
    (attrgetter("exits"), _by_exit),
    (attrgetter("origins"), _by_origin),
    (attrgetter("message"), _by_message),
)


_classifier = Classifier()


def install(rules: Mapping[str, str]) -> None:
    """Have the user's *rules*, the setting `categories`, asked before all others: a type's name, or ``message:`` and a
    regular expression, to a category.

    Raises ConfigError for a category whose first level does not exist, and for a wrong expression.
    """
    global _classifier
    _classifier = Classifier(_users_rule(key, category) for key, category in rules.items())


def present() -> Classifier:
    """Return the rules that hold now; another object once other ones are installed."""
    return _classifier


def classify_words(message: str) -> Verdict:
    """Return the verdict on an error of which there is only a *message*: what it tells of, or what programs say when
    they have caught such a thing.

    >>> classify_words("no rates: [Errno 111] Connection refused").category
    'external/network'
    """
    return _classifier.classify_words(message)


def classify(chain: Sequence[BaseException], chain_of: Callable[[BaseException], Sequence[BaseException]]) -> Verdict:
    """Return the verdict on an exception by its *chain* of causes, itself first; *chain_of* gives that of another one.

    A group is what its members are, but for those that were only cancelled because of the others.

    >>> classify([ValueError("bad"), KeyError("salary")], lambda error: [error]).category
    'code'
    """
    root = chain[-1]
    if not isinstance(root, BaseExceptionGroup):
        return _classifier.classify(chain)
    verdicts = [_classifier.classify([*chain, *chain_of(leaf)]) for leaf in _leaves(root)]
    told = [verdict for verdict in verdicts if not verdict.category.startswith("interrupted")]
    return next((verdict for verdict in told if verdict.category != UNKNOWN), verdicts[0] if verdicts else _NO_VERDICT)


_NO_VERDICT: Final = Verdict(UNKNOWN, "an empty group")


def _leaves(group: BaseExceptionGroup[BaseException], depth: int = 0) -> Iterator[BaseException]:
    for member in group.exceptions[:MAX_LEAVES]:
        if isinstance(member, BaseExceptionGroup) and depth < MAX_LEAVES:
            yield from _leaves(member, depth + 1)
        else:
            yield member
