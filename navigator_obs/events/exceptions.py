"""An exception becomes fields, fingerprint and category: pure functions of the exception alone."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from ..encoding import text
from ..redaction import redact_text
from . import categories, retelling
from .ownership import is_of_library
from .programs import failed_nodes, printed, why
from .remote import is_remote, remote_frames, remote_root, remote_text
from .tracebacks import MAX_FRAMES, stack_of

if TYPE_CHECKING:
    from types import CodeType

MAX_CAUSES: Final = 16
_WITHOUT_PLACE: Final = (KeyboardInterrupt, SystemExit)
_CAUSE_TEXT: Final = "The above exception was the direct cause of the following exception:"
_CONTEXT_TEXT: Final = "During handling of the above exception, another exception occurred:"


def describe(error: BaseException, say: Callable[[BaseException], str] = text) -> dict[str, Any]:
    """Return the exception as the plain fields of an event's `exception` key (see `fields.EXCEPTION_FIELDS`).

    Its frames are shared with other errors that came the same way: copy them before changing them. *say* gives an
    exception's message.

    >>> described = describe(ValueError("salary is negative"))
    >>> described["type"], described["message"], described["category"]
    ('ValueError', 'salary is negative', 'code')
    """
    chain = list(chain_of(error))
    verdict = _classify(chain)
    return {
        "type": type_name(error),
        "message": say(error),
        "traceback": _format_chain(chain, say),
        "frames": _frames(error),
        "causes": [
            {"type": type_name(cause), "message": say(cause), "link": link}
            for cause, link in (*chain[1:], *_members(chain[-1][0]))[:MAX_CAUSES]
            if not is_remote(cause)
        ],
        "notes": _notes(error),
        "fingerprint": _fingerprint(chain),
        "category": verdict.category,
        "category_rule": verdict.rule,
        **_said_by_program(chain),
    }


def _frames(error: BaseException) -> list[dict[str, Any]]:
    """Where it was raised; for one that came back from a worker, there."""
    frames, cause = stack_of(error.__traceback__).frames, error.__cause__
    if cause is None or not is_remote(cause):
        return frames
    return [*frames, *remote_frames(redact_text(remote_text(cause)))][-MAX_FRAMES:]


def _said_by_program(chain: list[tuple[BaseException, str]]) -> dict[str, str]:
    """Why the program failed whose failure this is, in its own words."""
    told = next(filter(None, (why(link, text(link)) for link, _ in reversed(chain))), "")
    return {"printed": told} if told else {}


def fingerprint(error: BaseException) -> str:
    """Return 12 hex digits that are the same for errors that are the same one.

    They come from the root cause's type and the innermost function of the application on the way to it, never from
    line numbers or messages, which change with the data and with each edit; where dbt failed, also from which models
    and tests did. A signal (Ctrl-C, SIGTERM) has no place: it
    strikes anywhere. A group is what its members are, in whatever order they came.
    """
    return _fingerprint(list(chain_of(error)))


def identity(error: BaseException) -> str:
    """Return what the fingerprint of an exception is made of that has no cause; empty for others."""
    if error.__cause__ is not None or error.__context__ is not None or isinstance(error, BaseExceptionGroup):
        return ""
    return _identity(error, error)


def _fingerprint(chain: list[tuple[BaseException, str]]) -> str:
    identities = {_identity(root, chain[0][0]) for root in _roots(_raised(chain))}
    return _digest("\n\n".join(sorted(identities)))


@lru_cache(maxsize=1024)
def _digest(identity: str) -> str:
    return sha256(identity.encode("utf-8", "replace")).hexdigest()[:12]


def _identity(root: BaseException, told: BaseException) -> str:
    """What makes *root* the same error as another one; *told* is the exception that it was the cause of."""
    if isinstance(root, _WITHOUT_PLACE):
        return type_name(root)
    if root.__cause__ is not None and is_remote(root.__cause__):
        return _worker_identity(root, root.__cause__)
    place = stack_of(root.__traceback__).place or stack_of(told.__traceback__).place
    return "\n".join([type_name(root), place, *failed_nodes(root, text(root))])


def _raised(chain: list[tuple[BaseException, str]]) -> BaseException:
    """The end of a chain that was raised as an exception, and is no worker's traceback."""
    return next((link for link, _ in reversed(chain) if not is_remote(link)), chain[-1][0])


def _worker_identity(root: BaseException, remote: BaseException) -> str:
    """What makes an error that came back from a worker the same as another one."""
    known = retelling.identity_of(root)
    if known:
        # As the worker's own operation told it.
        return known
    kind, frames = remote_root(remote_text(remote))
    own = [frame for frame in frames if not is_of_library(frame["file"])] or frames
    place = f"{own[-1]['module']}.{own[-1]['function']}" if own else ""
    return "\n".join([kind or type_name(root), place, *failed_nodes(root, text(root))])


def _roots(error: BaseException, depth: int = 0) -> Iterator[BaseException]:
    """The root causes of a group's members, as far as they are told; of any other exception, itself."""
    if not isinstance(error, BaseExceptionGroup) or depth >= MAX_CAUSES:
        yield error
        return
    for member in error.exceptions[:MAX_CAUSES]:
        yield from _roots(_raised(list(chain_of(member))), depth + 1)


def _members(error: BaseException, depth: int = 0) -> Iterator[tuple[BaseException, str]]:
    """The members of a group with their causes, the first member last: the chain ends at the root cause."""
    if not isinstance(error, BaseExceptionGroup) or depth >= MAX_CAUSES:
        return
    for member in reversed(error.exceptions[:MAX_CAUSES]):
        for cause, link in chain_of(member):
            yield cause, link or "member"
            yield from _members(cause, depth + 1)


def root_cause(error: BaseException) -> BaseException:
    """Return the exception at the far end of the chain of causes; of a group, the root of its first member."""
    return _leaf(list(chain_of(error))[-1][0])


def _leaf(root: BaseException) -> BaseException:
    return root_cause(root.exceptions[0]) if isinstance(root, BaseExceptionGroup) and root.exceptions else root


def category(error: BaseException) -> str:
    """Return which kind of failure *error* is, judged from the root cause outwards; ``unknown`` where no rule
    speaks.
    """
    return _classify(list(chain_of(error))).category


def _classify(chain: list[tuple[BaseException, str]]) -> categories.Verdict:
    return categories.classify([link for link, _ in chain], lambda leaf: [link for link, _ in chain_of(leaf)])


def judged(error: BaseException) -> object:
    """Return what of a description depends on the messages, besides these themselves."""
    return _classify(list(chain_of(error)))


def type_name(error: BaseException) -> str:
    """Return the class's name, with its module unless it is built in: ``duckdb.CatalogException``."""
    kind = type(error)
    if kind.__module__ in {"builtins", "__main__"}:
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}".replace("_duckdb.", "duckdb.")


def from_signal_handler(error: BaseException) -> bool:
    """Return whether a signal handler of the program raised *error*: it is the program's own, wherever it struck."""
    handlers = {_code_of(signal.getsignal(number)) for number in signal.valid_signals()} - {None}
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code in handlers:
            return True
        traceback = traceback.tb_next
    return False


def _code_of(handler: Any) -> CodeType | None:
    return getattr(getattr(handler, "__func__", handler), "__code__", None)


def chain_of(error: BaseException) -> Iterator[tuple[BaseException, str]]:
    """Yield the exception, then each cause with how the one before is linked to it; circular chains end."""
    seen: set[int] = set()
    link, current = "", error
    while id(current) not in seen and len(seen) < MAX_CAUSES:
        seen.add(id(current))
        yield current, link
        if current.__cause__ is not None:
            link, current = "cause", current.__cause__
        elif current.__context__ is not None and not current.__suppress_context__:
            link, current = "context", current.__context__
        else:
            return


def _notes(error: BaseException) -> list[str]:
    notes = getattr(error, "__notes__", ())
    told = [text(note) for note in notes] if isinstance(notes, (list, tuple)) else [text(notes)]
    return [*told, *printed(error)]


def _format_chain(chain: list[tuple[BaseException, str]], say: Callable[[BaseException], str]) -> str:
    parts: list[str] = []
    for position in range(len(chain) - 1, -1, -1):
        error, link = chain[position]
        parts.append(_format_one(error, say))
        if link:
            parts.append(f"\n{_CAUSE_TEXT if link == 'cause' else _CONTEXT_TEXT}\n")
    return "\n".join(parts)


def _format_one(error: BaseException, say: Callable[[BaseException], str]) -> str:
    if is_remote(error):
        return remote_text(error)
    stack = stack_of(error.__traceback__).text
    lines = [stack] if stack else []
    message = say(error)
    lines.append(f"{type_name(error)}: {message}" if message else type_name(error))
    lines += _notes(error)
    if isinstance(error, BaseExceptionGroup):
        lines += [
            f"  | {line}" for member in error.exceptions[:MAX_CAUSES] for line in _format_one(member, say).splitlines()
        ]
    return "\n".join(lines)
