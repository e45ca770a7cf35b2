"""No secret leaves a program, wherever it was planted; what is written is the user's alone, and stays in its place."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys

import pytest

PASSWORD = "hunter2hunter2"
PLANTED = {
    "url": f"postgres://ada:{PASSWORD}@db:5432/plan",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5NXgL0n3I9PlFUP0THsR8U",
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "github": f"ghp_{'a1B2' * 9}",
    "fine grained": f"github_pat_{'A1b2C3' * 8}",
    "slack": "xoxb-123456789012-abcdefABCDEF",
    "webhook": "https://hooks.slack.com/services/T000/B000/XXXXsecretXXXX",
    "key block": f"-----BEGIN RSA PRIVATE KEY-----\\nMIIEpAIBAAKCAQEAx\\n{PASSWORD}\\n-----END RSA PRIVATE KEY-----",
    "bearer": f"Bearer {PASSWORD}{PASSWORD}",
    "connection string": f"Server=db;User Id=sa;Password={PASSWORD};",
    "assignment": f"token={PASSWORD}",
    "header": f"Authorization: Basic {PASSWORD}",
}
TELLTALES = [
    PASSWORD,
    "dozjgNryP4",
    "AKIAIOSF",
    "a1B2a1B2",
    "A1b2C3A1",
    "123456789012-abc",
    "XXXXsecretXXXX",
    "MIIEpAIB",
]

PROGRAM = """
import json, logging, sys, threading, warnings
import navigator_obs as obs

planted, password = json.loads(sys.stdin.read())
obs.configure(console="on", processors=())
log = obs.get_logger("sim")
headers = {"Authorization": f"Basic {password}", "Set-Cookie": password, "X-Api-Key": password, "Cookie": password}
run = obs.start_run(
    f"baseline {planted['url']}",
    params={"db": planted["url"], "nested": {"password": password, "headers": headers}, "all": list(planted.values())},
)

class Failure(Exception):
    pass

def fail(text):
    raise Failure(f"in a thread: {text}")

for name, text in planted.items():
    log.info("a field", field=text, nested=[{"in": (text,)}])
    log.info(f"in the message: {text}")
    log.info("as an argument: %s", text)
    log.bind(bound=text).info("bound")
    logging.getLogger("library").warning("from logging: %s", text)
    warnings.warn(f"from warnings: {text}")
    with obs.context(context=text), obs.operation(f"step {text}") as operation:
        operation.set(note=text)
        obs.count("hires", 1, dsn=text)
        obs.gauge(f"gauge {text}", 1)
    obs.check(f"check {text}", 1, max=0)
    try:
        try:
            raise ValueError(f"the cause: {text}")
        except ValueError as error:
            error.add_note(f"a note: {text}")
            raise RuntimeError(text) from error
    except RuntimeError:
        log.exception("failed")
    thread = threading.Thread(target=fail, args=(text,), name=f"thread {text}")
    thread.start()
    thread.join()
log.info("by key", password=password, api_key=password, apiKey=password, private_key=password, client_secret=password,
         headers=headers, pairs=list(headers.items()), connection_string=password, dsn=password, session_id=password)
log.info("no secrets", session_count=3, author="Ada", token_count=7, sort_key="year")
run.add_artifact("out.csv", note=planted["url"])
run.fail(f"because of {planted['url']}")
run.finish()
obs.shutdown()
raise SystemExit(0)
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A program that has secrets everywhere, its command line included; what it has written."""
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "program.py").write_text(PROGRAM)
    clean = {key: value for key, value in os.environ.items() if not key.startswith("NAVIGATOR_OBS")}
    done = subprocess.run(
        [sys.executable, "program.py", "--password", PASSWORD, "--db", PLANTED["url"], f"--token={PASSWORD}"],
        cwd=folder, env={**clean, "PGPASSWORD": PASSWORD}, input=json.dumps([PLANTED, PASSWORD]), text=True,
        capture_output=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    # Python prints what nobody caught in a thread by itself, whatever stands in it.
    ours = [line for line in done.stderr.splitlines() if not line.startswith(("Failure: ", "Exception in thread"))]
    (folder / "console.txt").write_text("\n".join(ours))
    (folder / "program.py").unlink()
    return folder


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("telltale", TELLTALES)
def test_no_secret_is_written_anywhere(written, telltale):
    """Not into the log, the record of the run, its summary or the console: by key or by value, nested or in a text."""
    assert len(files(written)) >= 5
    assert [path.name for path in files(written) if telltale.encode() in path.read_bytes()] == []


def test_what_only_sounds_like_a_secret_is_kept(written):
    """A count of sessions, an author, and the text around a secret."""
    log = (written / "logs" / "navigator.log").read_text()
    assert '"session_count":3,"author":"Ada","token_count":7,"sort_key":"year"' in log
    assert "postgres://ada:[redacted]@db:5432/plan" in log
    assert "Server=db;User Id=sa;Password=[redacted];" in log


def test_what_is_written_is_the_users_alone(written):
    """Files 0600 and folders 0700, all of them."""
    made = [path for path in written.rglob("*") if path.name not in {"console.txt", "program.py"}]
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made}
    assert {name: mode for name, mode in modes.items() if mode not in {0o600, 0o700}} == {}
    assert all(modes[path.name] == (0o700 if path.is_dir() else 0o600) for path in made)


@pytest.mark.parametrize("given", ["../../outside", "a/b", "..", "", "a\0b", "a" * 200, "a\nb", "C:\\x", "-rf", "~"])
def test_a_run_id_cannot_leave_its_folder(tmp_path, given):
    """One that could lead elsewhere is refused, or is a plain name, whether it comes by argument or by environment."""
    code = (
        "import sys, navigator_obs as obs; obs.configure(console='off', run_report=False)\n"
        "try: run = obs.start_run('x', run_id=sys.stdin.read())\n"
        "except obs.ObsError as error: print('refused', error)\n"
        "else: print(run.directory.resolve()); run.finish()"
    )
    inside = tmp_path / "in" / "side"
    inside.mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=inside, input=given, text=True, capture_output=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    if not done.stdout.startswith("refused"):
        assert done.stdout.strip().startswith(f"{inside}/artifacts/runs/")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]
    assert {path.name for path in inside.iterdir()} <= {"artifacts", "logs"}


@pytest.mark.parametrize("planted", ["logs/navigator.log", "logs/.navigator.log.lock", "logs/.staging"])
def test_a_planted_link_is_not_followed(tmp_path, planted):
    """In the place of the log, its lock or its staging folder: what it leads to stays as it was."""
    target = tmp_path / "precious"
    link = tmp_path / planted
    link.parent.mkdir()
    if planted.endswith("staging"):
        target.mkdir()
    else:
        target.write_text("precious")
    link.symlink_to(target)
    code = "import navigator_obs as obs; obs.configure(console='off'); obs.get_logger('sim').error('told')"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False, capture_output=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, b"")
    assert list(target.iterdir()) == [] if target.is_dir() else target.read_text() == "precious"
