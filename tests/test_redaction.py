"""Secrets go, by key and by value; innocent keys and the originals stay."""

from __future__ import annotations

import collections
import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navigator_obs.redaction import MARK, Redactor, may_hold_secret, redact_text

SECRET_KEYS = """password PASSWORD db_password dbPassword DB-PASSWORD PGPASSWORD passwd pwd passphrase secret
clientSecret client_secret clientsecret token access_token accessToken authtoken api_key apikey apiKey APIKey
X-Api-Key x-auth-token
Authorization authorization Proxy-Authorization cookie Cookie Set-Cookie private_key privateKey aws_secret_access_key
AWS_SECRET_ACCESS_KEY connection_string dsn session_id sessionId credentials encryption_key bearer jwt
api_keys apiKeys access_keys passwords tokens access_tokens refreshTokens creds pass db_pass userpass pgpass PGPASS auth
basic_auth signature x_signature auth_header""".split()

INNOCENT_KEYS = """session_count author authors token_count tokens_used tokenizer prompt_tokens session sessions
monkey keyboard passenger_count compass key keys primary_key key_count secretary_name password_age_days
secret_name cookie_policy
author_id authorized hotkey passed password_set_at token_type rate_limit employee_id dsn_count otp_length
max_tokens completion_tokens pass_rate primary_keys auth_url auth_method bypass
year""".split()

SECRET_TEXTS = {
    "url": ("connect to postgres://planwise:{}@db/sim failed", "hunter2hunter2"),
    "url without user": ("redis://:{}@cache:6379/0", "s3cr3tvalue"),
    "url with @ in the password": ("mysql://root:{}@db/sim", "p@ssw0rd@1"),
    "jwt": ("got {} back", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVPmB92K27uhbUJU1p1r"),
    "aws": ("key {} refused", "AKIAIOSFODNN7EXAMPLE"),
    "github": ("clone with {}", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"),
    "fine github": ("clone with {}", "github_pat_11ABCDEFG0abcdefghij_klmnopqrst"),
    "gitlab": ("clone with {}", "glpat-abcdefghij0123456789"),
    "slack": ("post as {}", "xoxb-1234567890-abcdefghij"),
    "slack hook": ("post to https://hooks.slack.com/services/{}", "T00000000/B00000000/XXXXXXXXXXXX"),
    "stripe": ("charge with {}", "sk_live_4eC39HqLyjWDarjtT1zdp7dc"),
    "model key": ("ask with {}", "sk-proj-abcdefghij0123456789ABCD"),
    "google": ("map with {}", "AIzaSyA1234567890abcdefghijklmnopqrstuv"),
    "private key": ("{}", "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAK\n-----END RSA PRIVATE KEY-----"),
    "unfinished private key": ("{}", "-----BEGIN PRIVATE KEY-----\nMIIEpAIBAAK"),
    "bearer": ("Authorization: Bearer {}", "abcdef0123456789.abcdef"),
    "basic": ("'Authorization': 'Basic {}'", "dXNlcjpwYXNzd29yZA=="),
    "assignment": ("password={} refused", "hunter2"),
    "prefixed assignment": ("db_password={}", "hunter2"),
    "camel assignment": ("dbPassword: {}", "hunter2"),
    "repr of a dict": ("KeyError: {{'password': '{}'}}", "correct horse battery"),
    "json": ('{{"api_key": "{}", "year": 2025}}', "0123456789"),
    "json in json": (r"{{\"token\":\"{}\"}}", "0123456789"),
    "command line": ("sim.py --db-password {} --seed 42", "hunter2"),
    "command line with =": ("sim.py --token={}", "hunter2"),
    "cookie": ("Cookie: {}", "sid=abcdef; other=123456"),
    "session in a repr": ("KeyError: {{'session_id': '{}'}}", "abcdef12"),
    "cookie in a repr": ("bad {{'cookie': '{}', 'a': 1}}", "sid=abcdef"),
    "short in a repr": ("bad {{'db_pass': '{}'}}", "qz"),
    "auth in json": ('{{"auth": "{}"}}', "hunter2"),
    "wide assignment": ("password  =  {}", "hunter2"),
    "arrow": ("password => {}", "hunter2"),
    "quote in quotes": (r"password='it\'s {}' refused", "hunter2"),
    "xml": ("<db><password>{}</password></db>", "hunter2"),
    "signed url": ("GET https://x.blob/a?sv=1&sig={}&se=2", "abc%2Bdef"),
    "pair": ("headers [('password', '{}')]", "hunter2"),
    "query": ("GET /x?token={}&year=2025", "abc123def"),
}

INNOCENT_TEXTS = """hello world
year 2025 simulated in 3.2 s
token count: 5
12 tokens used
author: ada
the key is under the mat
https://example.com:8080/path
ratio 3:4 at 12:30:45
second pass: merging (a, b) <c>
{'year': 2025, 'tokens': 12, 'author': 'ada'}
('token_count', 5)
<tokenizer>bpe</tokenizer>
compass: north; auth: failed
design (assigned) = 3
password required
secret: None
session_count=12
sk-learn model fitted
/data/passwords.txt is missing
e = mc^2; basic functionality works""".splitlines()


@pytest.mark.parametrize("key", SECRET_KEYS)
def test_values_of_secret_keys_go(key):
    """A value under a secret-looking key is replaced, however the key is spelled and nested."""
    assert Redactor().clean({"a": [{key: "hunter2"}]}) == {"a": [{key: MARK}]}


@pytest.mark.parametrize("key", INNOCENT_KEYS)
def test_values_of_innocent_keys_stay(key):
    """A key that only sounds like a secret keeps its value."""
    assert Redactor().clean({key: "value 7"}) == {key: "value 7"}


@pytest.mark.parametrize("name", SECRET_TEXTS)
def test_secret_looking_values_go(name):
    """A secret inside a text goes wherever it stands, and leaves nothing of it behind."""
    template, secret = SECRET_TEXTS[name]
    text = template.format(secret)
    cleaned = Redactor().clean({"deep": [(text,)]})["deep"][0][0]
    assert MARK in cleaned
    for part in secret.replace("-----BEGIN", "").split():
        assert part not in cleaned
    assert Redactor().text(cleaned) == cleaned


@pytest.mark.parametrize("text", INNOCENT_TEXTS)
def test_innocent_texts_stay(text):
    """Ordinary text comes back as it was."""
    assert Redactor().text(text) == text


def test_what_keeps_no_secret_says_so():
    """None, a flag and an empty text under a secret key stay: they say whether one was set."""
    value = {"password": None, "token": "", "api_key": True, "secret": False}
    assert Redactor().clean(value) == value
    assert Redactor().clean({"password": 12345}) == {"password": MARK}


def test_more_keys_and_allowed_keys():
    """Keys can be added and excused, whatever their case."""
    redactor = Redactor(keys=["Salary"], allow=["TOKEN"])
    assert redactor.clean({"salary": 5, "token": "abc"}) == {"salary": MARK, "token": "abc"}
    assert redactor.is_secret_key("SALARY")
    assert not redactor.is_secret_key("Token")


def test_headers_as_pairs():
    """A mapping spelled as a list of pairs is redacted like one."""
    headers = [("Accept", "text/html"), ("Authorization", "Basic abc"), ("Cookie", "x=1")]
    assert Redactor().clean(headers) == [("Accept", "text/html"), ("Authorization", MARK), ("Cookie", MARK)]
    assert Redactor().clean(["secret", "public"]) == ["secret", "public"]


def test_secrets_inside_keys_go():
    """A secret that is itself a key goes as well."""
    assert Redactor().clean({"postgres://a:hunter2@db": 1}) == {f"postgres://a:{MARK}@db": 1}


def test_every_collection_is_looked_into():
    """Lists, tuples, sets, deques and their children are searched, and keep their kind."""
    secret, clean = "password=hunter2", f"password={MARK}"
    for kind in (list, tuple, set, frozenset, collections.deque):
        assert Redactor().clean(kind([secret])) == kind([clean])
    assert Redactor().clean(collections.namedtuple("Pair", "a b")(secret, 1)) == [clean, 1]
    assert Redactor().clean(collections.OrderedDict(a=secret)) == {"a": clean}


def test_circular_and_deep_structures_end_in_a_note():
    """A structure without end neither hangs nor hides a secret behind its depth."""
    circular = {"password": "hunter2"}
    circular["self"] = [circular, circular]
    assert Redactor().clean(circular) == {"password": MARK, "self": ["<dict: circular>"] * 2}
    deep = {"password": "hunter2"}
    for _ in range(500):
        deep = {"in": deep}
    assert "hunter2" not in repr(Redactor().clean(deep))


PLAIN = st.recursive(
    st.none() | st.integers() | st.text() | st.sampled_from([t.format(s) for t, s in SECRET_TEXTS.values()]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(SECRET_KEYS), inner) | st.tuples(inner),
    max_leaves=15,
)


@given(PLAIN)
def test_originals_never_change(value):
    """What is cleaned is a copy: the program's own objects stay as they were."""
    before = copy.deepcopy(value)
    Redactor().clean(value)
    assert value == before


@given(st.lists(st.sampled_from(list(SECRET_TEXTS)), min_size=1, max_size=3), st.text())
def test_planted_secrets_never_come_through(names, filler):
    """Several secrets in one text, with anything between them, all go."""
    text = f" {filler} ".join(SECRET_TEXTS[name][0].format(SECRET_TEXTS[name][1]) for name in names)
    cleaned = Redactor().text(text)
    assert all(SECRET_TEXTS[name][1] not in cleaned for name in names)


@given(st.text())
def test_any_text_is_taken(text):
    """Cleaning never raises, and cleaning what is clean changes nothing."""
    cleaned = redact_text(text)
    assert redact_text(cleaned) == cleaned


def test_long_texts_are_not_remembered():
    """Memory stays bounded: only short texts are kept for a second look."""
    redactor = Redactor()
    redactor.clean({"x" * 100_000: "x" * 100_000})
    assert (len(redactor._names), len(redactor._texts)) == (0, 0)
    for number in range(10_000):
        redactor.clean({f"key {number}": f"text {number}"})
    assert 0 < len(redactor._names) <= 4_096
    assert 0 < len(redactor._texts) <= 4_096


def test_what_is_remembered_of_a_text_says_nothing_of_a_key():
    """A word that was harmless as a value is secret as a key; a secret key's value is told where it stands alone."""
    redactor = Redactor()
    for _ in range(2):
        assert redactor.clean({"column": "password", "kind": "hunter2"}) == {"column": "password", "kind": "hunter2"}
        assert redactor.clean({"password": "hunter2"}) == {"password": "[redacted]"}
        assert redactor.clean({"column": 1, "password": "password"}) == {"column": 1, "password": "[redacted]"}


@pytest.mark.parametrize(
    "unit",
    [
        "password ",
        "http://a:",
        "eyJaaaaaaaaaa.",
        "-----BEGIN PRIVATE KEY-----",
        "--a-",
        "a.b",
        "'pass':'",
        "('pass',",
        "<pass",
        'pass=\\"',
        "?sig",
        "password   ",
        "'a.b-",
    ],
)
def test_no_text_takes_for_ever(unit):
    """The patterns end in a time in proportion to the text; one that tries all ways would never end on these."""
    text = unit * (200_000 // len(unit)) + "key"
    assert redact_text(text)


def test_a_number_of_tokens_stays():
    """A number under `tokens` or `pass` is a count, unless the key was given as secret; texts and lists go."""
    value = {"tokens": 512, "pass": 2, "deep": {"tokens": ["abc"]}, "access_tokens": "abc"}
    expected = {"tokens": 512, "pass": 2, "deep": {"tokens": MARK}, "access_tokens": MARK}
    assert Redactor().clean(value) == expected
    assert Redactor(keys=["tokens"]).clean({"tokens": 512}) == {"tokens": MARK}


def test_one_pair_is_a_key_and_its_value():
    """A tuple of a secret key and its value loses the value; two names in a list stay."""
    assert Redactor().clean({"item": ("password", "x")}) == {"item": ("password", MARK)}
    assert Redactor().clean(["password", "x"]) == ["password", "x"]


PIECES = st.sampled_from(
    [*SECRET_KEYS, *"'\"\\=:,<>(){}?&-/ ", "=>", "://", "</", "sig", "bearer ", "[redacted]", "x1y2z3", "None", "eyJ"]
)


@given(st.lists(PIECES, max_size=14).map("".join))
def test_the_cheap_look_misses_nothing(text):
    """What a pattern would change passes the cheap look."""
    from navigator_obs import redaction

    changed = text
    for pattern in redaction._VALUES:
        changed = pattern.sub(redaction._mark, changed)
    changed = redaction._KEYED.sub(redaction._mark_keyed, changed)
    assert changed == text or may_hold_secret(text)


def test_what_can_not_be_read_ends_in_a_note():
    """An object that does not even say what it is raises nothing."""

    class Faceless:
        @property
        def __class__(self):
            raise RuntimeError("no class")

    assert Redactor().clean({"a": Faceless()}) == {"a": "<Faceless: cannot be read>"}
