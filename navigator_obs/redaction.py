"""What is secret, by key and by value.

A key is secret when one of its words is (`db_password`, `X-Api-Key`, `awsSecretAccessKey`), unless another word makes
it a measure of secrets rather than one (`token_count`, `session_count`). A value is secret when it looks like a
credential, whatever its key: a URL with a password, a JWT, a cloud provider's key, a private-key block.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

MARK: Final = "[redacted]"
MAX_DEPTH: Final = 32
_LONG_TEXT: Final = 1_000
_MOST_REMEMBERED: Final = 4_096
_PLAIN: Final = frozenset({int, float, bool, type(None)})
_NUMBERS: Final = frozenset({int, float})
_COLLECTIONS: Final = (list, tuple, set, frozenset, deque)

_SECRET_WORDS: Final = frozenset(
    "password passwd passphrase passcode pwd secret secrets token apikey authorization cookie cookies credential "
    "credentials creds pgpass userpass dbpass privatekey accesskey secretkey sessionid dsn connectionstring bearer otp "
    "jwt".split()
)
# These only at the end: `db_pass` and `auth` are secret, `pass_rate` and `auth_url` are not.
_SECRET_LAST: Final = frozenset("pass auth signature creds".split())
# Also the end of a word that is written together: PGPASSWORD, clientsecret, authtoken.
_SECRET_ENDINGS: Final = ("password", "passwd", "passphrase", "secret", "token", "apikey")
_SECRET_PAIRS: Final = frozenset(
    tuple(pair.split("_"))
    for pair in "api_key private_key access_key secret_key signing_key encryption_key session_id connection_string "
    "set_cookie auth_key account_key pass_phrase conn_str auth_header".split()
)
# A number, a time or a kind of secret is none: token_count, password_age_days, secret_name.
_HARMLESS_WORDS: Final = frozenset(
    "count counts total number length len size bytes seconds days age expiry expires type kind policy name rate limit "
    "usage used max min file path budget per date time at status method".split()
)
_TOKENS_OF: Final = frozenset("access refresh auth api bearer session id csrf secret".split())
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_NAMES: Final = (
    r"(?:passwords?|passwd|passphrase|pwd|secret|token|(?:api|access|private|secret|signing|account)[_-]?keys?"
    r"|authorization|session[_-]?id|(?:_|user|pg|db)pass|creds)"
)
# In quotes that are escaped themselves (JSON in JSON), in quotes, or as a word.
_GIVEN: Final = (
    r"""(?!(?:none|null|true|false)\b)(?:(?<=\\["'])(?:[^"'\\]|\\(?!["']))+|(?<=")(?:[^"\\]|\\.)+"""
    r"""|(?<=')(?:[^'\\]|\\.)+|[^\s'",;&)]{3,})"""
)
_CASELESS: Final = re.IGNORECASE | re.ASCII | re.DOTALL
_VALUES: Final = (
    # A URL's password, up to the last @ before the path; one that holds an unescaped @ is redacted whole.
    re.compile(r"(?P<keep>(?<![a-zA-Z0-9+.-])[a-zA-Z][a-zA-Z0-9+.-]{1,30}://[^\s/:@]{0,100}:)[^\s/]{1,300}(?=@)"),
    re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{0,}"),
    re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{20,})"),
    re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}|(?P<keep>hooks\.slack\.com/services/)[A-Za-z0-9/]{10,}"),
    re.compile(r"\b(?:sk-[A-Za-z0-9_-]{20,}|[sr]k_(?:live|test)_[A-Za-z0-9]{10,}|AIza[0-9A-Za-z_-]{35})"),
    re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"(?P<keep>\b[Bb]earer\s+)[A-Za-z0-9._~+/-]{16,}=*"),
    re.compile(
        rf"(?P<keep>{_NAMES}\\?['\"]?(?:[ \t]{{0,8}}|\s)(?:=>|:=|[=:])(?:[ \t]{{0,8}}|\s)\\?['\"]?"
        rf"(?:(?:basic|bearer|digest|token)\s+)?){_GIVEN}",
        _CASELESS,
    ),
    re.compile(rf"(?P<keep>--(?:[a-z0-9]+-)*{_NAMES}\s+)(?!-)\S+", _CASELESS),
    re.compile(rf"(?P<keep><[\w.:-]{{0,60}}{_NAMES}(?:\s[^<>]{{0,100}})?>)[^<]+(?=</)", _CASELESS),
    re.compile(r"(?P<keep>[?&](?:[\w-]{0,40}-)?(?:sig|signature|auth|pass)=)[^\s&#'\"<>]+", _CASELESS),
    re.compile(r"(?P<keep>\bcookie:\s?)[^\r\n]+", re.IGNORECASE),
)
# A key in quotes with its value, as a mapping's or a pair's repr has them: judged as a key is.
_KEYED: Final = re.compile(
    r"""(?P<keep>(?P<pair>\()?(?P<quote>\\?['"])(?P<key>[A-Za-z][\w .-]{0,60})(?P=quote)\s{0,4}"""
    r"""(?:=>|[:=]|(?(pair),|(?!)))\s{0,4})"""
    r"""(?P<given>\\"(?:[^"\\]|\\(?!["']))+\\"|"(?:[^"\\]|\\.)+"|'(?:[^'\\]|\\.)+'|[\w.+-]+)""",
    re.DOTALL,
)
_NOTHING: Final = frozenset("None True False null true false".split())
# A cheap look before the costly one. The shortest secret that tells itself is a Slack token; all others are given
# after one of these marks, together with one of the words.
_SHORTEST: Final = 15
_UNDERSCORED: Final = "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ k_live_ k_test_".split()


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
        # Keys that are not secret, and texts that hold no secret: neither stands for the other.
        self._names: set[str] = set()
        self._texts: set[str] = set()

    def _judge(self, key: str) -> bool:
        """Return whether the value under *key* is secret."""
        lower = key.lower()
        if lower in self._allow:
            return False
        return lower in self._keys or _looks_secret(key)

    def hides(self, key: str, value: Any) -> bool:
        """Return whether *value* is to be replaced because of the *key* it is under."""
        if _harmless(value) or not self.is_secret_key(key):
            return False
        return not (type(value) in _NUMBERS and _may_count(key)) or key.lower() in self._keys

    def text(self, value: str) -> str:
        """Return *value* with what looks like a secret in it replaced."""
        if value in self._texts:
            return value
        cleaned = redact_text(value)
        if cleaned == value:
            _remember(value, self._texts)
        return cleaned

    def clean(self, value: Any) -> Any:
        """Return a copy of *value* in which secrets are replaced, at any depth of its mappings and collections.

        Other objects stay as they are: make them plain first (`encoding.simplify`) where they may hold secrets. What
        is circular or nested too deep ends in a note.
        """
        return self._clean(value, ())

    def clean_mapping(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """The same for a mapping, always as a new dict."""
        return self._clean_items(value, ())

    def _clean(self, value: Any, above: tuple[int, ...]) -> Any:
        kind = type(value)
        if kind is str:
            return self.text(value)
        if kind in _PLAIN:
            return value
        try:
            if isinstance(value, (Mapping, *_COLLECTIONS)):
                return self._clean_inside(value, above)
            return self.text(str.__str__(value)) if isinstance(value, str) else value
        except Exception:
            # It answers nothing, not even what it is (a dead proxy), or was changed meanwhile by another thread.
            return _note(value, "cannot be read")

    def _clean_inside(self, value: Any, above: tuple[int, ...]) -> Any:
        if id(value) in above or len(above) > MAX_DEPTH:
            return _note(value, "circular" if id(value) in above else "nested too deep")
        if isinstance(value, Mapping):
            return self._clean_items(value, above)
        above = (*above, id(value))
        if type(value) is tuple and len(value) == 2 and type(value[0]) is str:
            return self._clean_pair(value, above)
        if _are_pairs(value):
            cleaned = [self._clean_pair(pair, above) for pair in value]
        else:
            cleaned = [self._clean(item, above) for item in value]
        kind = type(value)
        return kind(cleaned) if kind in _COLLECTIONS else cleaned

    def _clean_items(self, value: Mapping[Any, Any], above: tuple[int, ...]) -> dict[Any, Any]:
        if type(value) is dict and self._is_ordinary(value):
            return value.copy()
        inside, names, out = (*above, id(value)), self._names, dict[Any, Any]()
        for key, item in value.items():
            if not isinstance(key, str) or key in names:
                out[key] = self._clean(item, inside)
            else:
                out[self._name(key)] = MARK if self.hides(key, item) else self._clean(item, inside)
        return out

    def _is_ordinary(self, value: dict[Any, Any]) -> bool:
        """Whether it holds numbers and texts alone, each of which, and each name, was seen before and is no secret."""
        if not self._names.issuperset(value):
            return False
        texts = self._texts
        for item in value.values():
            kind = type(item)
            if kind not in _PLAIN and (kind is not str or item not in texts):
                return False
        return True

    def _name(self, key: str) -> str:
        """The key without secrets; an ordinary one is remembered."""
        name = self.text(str.__str__(key))
        if name == key and not self.is_secret_key(key):
            _remember(name, self._names)
        return name

    def _clean_pair(self, pair: Any, above: tuple[int, ...]) -> Any:
        key, item = pair
        secret = isinstance(key, str) and self.hides(key, item)
        return type(pair)((self._clean(key, above), MARK if secret else self._clean(item, above)))


def _remember(text: str, seen: set[str]) -> None:
    # Only short ones: a few thousand long ones would be a program's whole memory.
    if len(text) < _LONG_TEXT:
        if len(seen) >= _MOST_REMEMBERED:
            seen.clear()
        seen.add(text)


def _note(value: object, what: str) -> str:
    return f"<{type.__dict__['__name__'].__get__(type(value))}: {what}>"


def _are_pairs(value: Any) -> bool:
    """Whether this is a mapping spelled as a list, as HTTP headers are: ``[("Authorization", "…"), …]``."""
    return bool(value) and all(type(item) in {tuple, list} and len(item) == 2 for item in value)


def _harmless(value: Any) -> bool:
    """Nothing, a flag and an empty text keep no secret, and say whether one was set."""
    return value is None or value is True or value is False or (type(value) is str and not value)


def _looks_secret(key: str) -> bool:
    words = [word.lower() for word in _WORDS.findall(key)]
    if not words or words[-1] in _HARMLESS_WORDS:
        return False
    if words[-1] == "tokens":
        # A language model's are a number of words; these are secrets.
        return len(words) == 1 or words[-2] in _TOKENS_OF or _have_secret(words[:-1])
    return words[-1] in _SECRET_LAST or _have_secret(words)


def _have_secret(words: list[str]) -> bool:
    # Several are as secret as one: api_keys, passwords.
    single = [word if word == "tokens" else word.removesuffix("s") or word for word in words]
    return (
        not _SECRET_WORDS.isdisjoint(words)
        or any(word.endswith(_SECRET_ENDINGS) for word in single)
        or not _SECRET_PAIRS.isdisjoint((*pairwise(words), *zip(words, single[1:], strict=False)))
    )


def _may_count(key: str) -> bool:
    """Whether a number under this key, though it may be secret, is rather one of tokens or of a pass over data."""
    return key.lower().endswith("tokens") or key.lower() == "pass"


def redact_text(value: str) -> str:
    """Return *value* with what looks like a credential replaced; the same object where nothing does."""
    if not may_hold_secret(value):
        return value
    for pattern in _VALUES:
        value = pattern.sub(_mark, value)
    return _KEYED.sub(_mark_keyed, value)


def may_hold_secret(value: str) -> bool:
    """Return whether *value* is worth a closer look: False for most texts, at a fraction of `redact_text`'s cost."""
    if len(value) >= _SHORTEST and _may_tell_itself(value):
        return True
    if ":" in value or "=" in value or "--" in value or "<" in value or "(" in value:
        return _names_a_secret(value.lower())
    return False


def _may_tell_itself(value: str) -> bool:
    # One after the other: an expression that looks for all of them at once takes ten times as long.
    return (
        "eyJ" in value
        or "KIA" in value
        or "SIA" in value
        or "glpat-" in value
        or "xox" in value
        or "slack" in value
        or "sk-" in value
        or "AIza" in value
        or "earer" in value
        or ("_" in value and any(mark in value for mark in _UNDERSCORED))
    )


def _names_a_secret(lower: str) -> bool:
    return (
        "key" in lower
        or "pass" in lower
        or "token" in lower
        or "secret" in lower
        or "auth" in lower
        or "://" in lower
        or "session" in lower
        or "pwd" in lower
        or "cred" in lower
        or "cookie" in lower
        or "sig" in lower
        or "begin" in lower
    )


def _mark(match: re.Match[str]) -> str:
    return (match.groupdict().get("keep") or "") + MARK


def _mark_keyed(match: re.Match[str]) -> str:
    key, given = match["key"], match["given"]
    lower = key.lower()
    if not _looks_secret(key) or not _names_a_secret(lower):
        return match[0]
    if given[0] in "\\\"'":
        quote = given[: 2 if given[0] == "\\" else 1]
        return f"{match['keep']}{quote}{MARK}{quote}"
    harmless = given in _NOTHING or (_may_count(key) and given.replace(".", "").isdigit())
    return match[0] if harmless else match["keep"] + MARK
