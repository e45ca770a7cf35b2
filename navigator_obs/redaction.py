"""What is secret, by key and by value.

A key is secret when one of its words is (`db_password`, `X-Api-Key`, `awsSecretAccessKey`), unless another word makes
it a measure of secrets rather than one (`token_count`, `session_count`). A value is secret when it looks like a
credential, whatever its key: a URL with a password, a JWT, a cloud provider's key, a private-key block.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

MARK: Final = "[redacted]"
MAX_DEPTH: Final = 32
_LONG_TEXT: Final = 10_000
_PLAIN: Final = frozenset({int, float, bool, type(None)})
_COLLECTIONS: Final = frozenset({list, tuple, set, frozenset})

_SECRET_WORDS: Final = frozenset(
    "password passwd passphrase passcode pwd secret secrets token apikey authorization cookie cookies credential "
    "credentials privatekey accesskey secretkey sessionid dsn connectionstring bearer otp jwt".split()
)
_SECRET_PAIRS: Final = frozenset(
    tuple(pair.split("_"))
    for pair in "api_key private_key access_key secret_key signing_key encryption_key session_id connection_string "
    "set_cookie auth_key account_key pass_phrase".split()
)
# A number, a time or a kind of secret is none: token_count, password_age_days, secret_name.
_HARMLESS_WORDS: Final = frozenset(
    "count counts total number length len size bytes seconds days age expiry expires type kind policy name rate limit "
    "usage used max min file path budget per".split()
)
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_VALUES: Final = (
    re.compile(r"(?P<keep>[a-zA-Z][a-zA-Z0-9+.-]{1,30}://[^\s/:@]{0,100}:)[^\s/@]{1,300}(?=@)"),
    re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{0,}"),
    re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{20,})"),
    re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"(?P<keep>\b[Bb]earer\s+)[A-Za-z0-9._~+/-]{16,}=*"),
    re.compile(
        r"(?P<keep>\b(?:password|passwd|pwd|secret|token|api[_-]?key)\s?[=:]\s?['\"]?)[^\s'\",;&)]{3,}", re.IGNORECASE
    ),
)
# One of these stands in every text that a pattern above can match, in lower case: a cheap look before the costly one.
_TRIGGERS: Final = tuple("://  eyj akia asia gh glpat- xox -----begin bearer pass pwd secret token key".split())


class Redactor:
    """Replaces secrets by ``[redacted]``, in copies; what it is given is never changed.

    *keys* are more key names that are secret, *allow* names that are not, whatever they look like.

    >>> Redactor().clean({"user": "ada", "db": {"password": "hunter2"}, "session_count": 3})
    {'user': 'ada', 'db': {'password': '[redacted]'}, 'session_count': 3}
    >>> Redactor().text("connect to postgres://planwise:s3cret@db/sim")
    'connect to postgres://planwise:[redacted]@db/sim'
    """

    def __init__(self, keys: Iterable[str] = (), allow: Iterable[str] = ()) -> None:
        self._keys = frozenset(key.lower() for key in keys)
        self._allow = frozenset(key.lower() for key in allow)
        self.is_secret_key = lru_cache(maxsize=4096)(self._judge)
        self.text = lru_cache(maxsize=4096)(redact_text)

    def _judge(self, key: str) -> bool:
        """Return whether the value under *key* is secret."""
        lower = key.lower()
        if lower in self._allow:
            return False
        return lower in self._keys or _looks_secret(key)

    def clean(self, value: Any) -> Any:
        """Return *value* with secrets replaced, as a copy wherever something had to be; any depth, any type."""
        return self._clean(value, 0)

    def clean_mapping(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """The same for a mapping, always as a new dict."""
        return self._clean_items(value, 0)

    def _clean(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is str:
            return self.text(value) if len(value) < _LONG_TEXT else redact_text(value)
        if kind in _PLAIN or depth > MAX_DEPTH:
            return value
        if kind is dict or isinstance(value, Mapping):
            return self._clean_items(value, depth)
        if kind in _COLLECTIONS:
            return kind(self._clean(item, depth + 1) for item in value)
        return redact_text(str.__str__(value)) if isinstance(value, str) else value

    def _clean_items(self, value: Mapping[Any, Any], depth: int) -> dict[Any, Any]:
        return {
            key: MARK
            if isinstance(key, str) and self.is_secret_key(key) and not _harmless(item)
            else self._clean(item, depth + 1)
            for key, item in value.items()
        }


def _harmless(value: Any) -> bool:
    """Nothing, a flag and an empty text keep no secret, and say whether one was set."""
    return value is None or value is True or value is False or value == ""


def _looks_secret(key: str) -> bool:
    words = [word.lower() for word in _WORDS.findall(key)]
    if not words or words[-1] in _HARMLESS_WORDS:
        return False
    return not _SECRET_WORDS.isdisjoint(words) or any(pair in _SECRET_PAIRS for pair in pairwise(words))


def redact_text(value: str) -> str:
    """Return *value* with what looks like a credential replaced; the same object where nothing does."""
    lower = value.lower()
    if len(value) < 8 or not any(trigger in lower for trigger in _TRIGGERS):
        return value
    for pattern in _VALUES:
        value = pattern.sub(_mark, value)
    return value


def _mark(match: re.Match[str]) -> str:
    return (match.groupdict().get("keep") or "") + MARK
