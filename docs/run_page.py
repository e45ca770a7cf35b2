"""Run the code blocks of a page in their order, in one namespace and one temporary directory.

    python docs/run_page.py docs/tutorial.md …

A ```python block is executed, a ```sh block is given to bash. An HTML comment right before a block says otherwise:

    <!-- file: simulation.py -->     the block is written into this file instead
    <!-- output -->                  the block is what the one before it printed; numbers may differ, a line … stands
                                     for any lines; with `: any order`, each of its lines was printed somewhere
    <!-- exit: 1 -->                 the shell block ends with this exit code
    <!-- until stopped -->           the shell block goes on until somebody stops it; it must print something
    <!-- not run: why -->            the block is not run, for this reason
    <!-- command: name -->           the README's two commands, which .ci/run runs
"""

from __future__ import annotations

import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
RUNNABLE: Final = frozenset({"python", "sh"})
LANGUAGES: Final = RUNNABLE | {"pycon", "console", "text", "json", "toml", "ini"}
MARKS: Final = frozenset({"file", "output", "exit", "until stopped", "not run", "command"})
_FENCE: Final = re.compile(r"(?P<indent> *)(?P<ticks>`{3,})(?P<language>\w*) *$")
_MARK: Final = re.compile(r" *<!-- (?P<word>[a-z ]+?)(?:: (?P<argument>.+?))? -->$")


class PageError(Exception):
    """A block that does not do what the page says."""


@dataclass(frozen=True)
class Block:
    """A fenced block, with the marks before it."""

    page: str
    line: int
    language: str
    text: str
    marks: dict[str, str]

    @property
    def place(self) -> str:
        """Where the block begins, as editors understand it."""
        return f"{self.page}:{self.line}"

    @property
    def runs(self) -> bool:
        """Whether the block is executed."""
        return self.language in RUNNABLE and not {"file", "output", "not run", "command"} & self.marks.keys()


def blocks(path: Path) -> list[Block]:
    """Return the fenced blocks of a page; raises PageError for a mark or a language that means nothing."""
    found = list(_blocks(str(path), path.read_text(encoding="utf-8").splitlines()))
    for block in found:
        unknown = block.marks.keys() - MARKS
        if unknown or block.language not in LANGUAGES:
            raise PageError(f"{block.place}: unknown {', '.join(unknown) or f'language {block.language!r}'}")
        if "not run" in block.marks and not block.marks["not run"]:
            raise PageError(f"{block.place}: says no reason why it is not run")
    return found


def _blocks(page: str, lines: list[str]) -> Iterator[Block]:
    marks: dict[str, str] = {}
    numbered = iter(enumerate(lines, start=1))
    for number, line in numbered:
        fence, mark = _FENCE.match(line), _MARK.match(line)
        if fence:
            inside = []
            for _, inner in numbered:
                if inner.strip() == fence["ticks"]:
                    break
                inside.append(inner)
            yield Block(page, number, fence["language"], textwrap.dedent("\n".join(inside)), marks)
        if mark and mark["word"] in MARKS:
            marks[mark["word"]] = mark["argument"] or ""
        elif line.strip():
            marks = {}


class Session:
    """One page's directory and namespace, and what its latest block printed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.namespace: dict[str, Any] = {"__name__": "__main__"}
        self.printed = ""
        self.environment = _environment(folder)

    def take(self, block: Block) -> None:
        """Do with the block what it says; raises PageError when that fails."""
        if "file" in block.marks:
            path = self.folder / "page" / block.marks["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text + "\n", encoding="utf-8")
        elif "output" in block.marks:
            missing = first_missing(block.text, self.printed, anywhere=block.marks["output"] == "any order")
            if missing is not None:
                raise PageError(f"{block.place}: nothing printed is like {missing!r}; printed was:\n{self.printed}")
        elif block.runs:
            self._run(block)

    def _run(self, block: Block) -> None:
        if "until stopped" in block.marks:
            self.printed = self._run_for_a_while(block)
        elif block.language == "sh":
            self.printed = self._run_shell(block)
        else:
            self.printed = self._run_python(block)

    def _run_shell(self, block: Block) -> str:
        command = ["bash", "-euo", "pipefail", "-c", block.text]
        _settle()
        done = subprocess.run(
            command, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False, timeout=600,
        )  # fmt: skip
        if done.returncode != int(block.marks.get("exit", 0)):
            raise PageError(f"{block.place}: exit code {done.returncode}\n{done.stdout}")
        return done.stdout

    def _run_for_a_while(self, block: Block) -> str:
        # On a terminal, because that is where it is read, and because jq saves up what goes into a pipe.
        ours, theirs = pty.openpty()
        command = ["bash", "-c", block.text]
        running = subprocess.Popen(command, env=self.environment, stdout=theirs, stderr=theirs, start_new_session=True)
        try:
            return os.read(ours, 65536).decode()
        finally:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
            os.close(theirs)
            os.close(ours)

    def _run_python(self, block: Block) -> str:
        # Pushed down to where it stands on the page, so that a traceback names the page's line.
        code = compile("\n" * block.line + block.text, block.page, "exec")
        with tempfile.TemporaryFile() as file:
            saved = _redirect(file.fileno())
            try:
                exec(code, self.namespace)
            except BaseException as error:
                raise PageError(f"{block.place}: {type(error).__name__}: {error}") from error
            finally:
                _restore(saved)
                file.seek(0)
                printed = file.read().decode()
        return printed


def _settle() -> None:
    """Have what the page's Python has logged in the file, as it is by the time that a person types the next command."""
    sinks = sys.modules.get("navigator_obs.events.sinks")
    if sinks is not None:
        sinks.flush()


def _end_recording() -> None:
    """Close what the page configured: its directory is about to go, and a live sink would make its folders anew."""
    assembly = sys.modules.get("navigator_obs.assembly")
    if assembly is not None:
        assembly.shutdown()


def first_missing(shown: str, printed: str, *, anywhere: bool = False) -> str | None:
    """Return the first line of *shown* that *printed* does not have at its place; numbers, ids and blanks may differ.

    The shown lines follow each other, but for what a line ``…`` leaves out; with *anywhere* they may be in any order.
    """
    have = [_blurred(line) for line in printed.splitlines() if line.strip()]
    position, leap = 0, True
    for line in filter(str.strip, shown.splitlines()):
        wanted = _blurred(line)
        if wanted == "…":
            leap = True
            continue
        end = len(have) if leap or anywhere else min(position + 1, len(have))
        found = next((place for place in range(0 if anywhere else position, end) if have[place] == wanted), None)
        if found is None:
            return line
        position, leap = found + 1, False
    return None


def _blurred(line: str) -> str:
    line = re.sub(r"\s+", " ", line).strip()
    line = re.sub(r"\d{8}_\d{6}-[0-9a-f]{8}", "<run id>", line)
    line = re.sub(r"\b[0-9a-f]{12,64}\b", "<hex>", line)
    line = re.sub(r"-?\d[\d.,:]*(?:[eE][+-]?\d+)?(?: ?(?:µs|ms|s|m|h|kB|MB|GB)\b)?", "0", line)
    line = re.sub(r"(?:0 )+0", "0", line)
    return re.sub(r"[─━█▉▊▋▌▍▎▏░]+|-{2,}", "--", line)


def _redirect(descriptor: int) -> tuple[int, int]:
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    return saved


def _restore(saved: tuple[int, int]) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    for descriptor, copy in enumerate(saved, start=1):
        os.dup2(copy, descriptor)
        os.close(copy)


def _environment(folder: Path) -> dict[str, str]:
    """The environment of a page: this Python, this checkout, no settings, no colours."""
    tools = folder / "bin"
    tools.mkdir()
    python = shlex.quote(sys.executable)
    for name, command in {"python": python, "navigator-obs": f"{python} -m navigator_obs"}.items():
        (tools / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
        (tools / name).chmod(0o755)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("NAVIGATOR_OBS_")}
    path = f"{tools}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**kept, "PATH": path, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "100"}


def run_page(path: Path) -> int:
    """Run a page in a directory of its own and return how many blocks ran; raises PageError at the first that fails."""
    found = blocks(path)
    home = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        session = Session(Path(name))
        (session.folder / "page").mkdir()
        os.chdir(session.folder / "page")
        os.environ.clear()
        os.environ.update(session.environment)
        try:
            for block in found:
                session.take(block)
        finally:
            _end_recording()
            os.chdir(home)
    return sum(block.runs for block in found)


def main(arguments: list[str]) -> int:
    """Run the pages that are named."""
    sys.path.insert(0, str(ROOT))
    for argument in arguments:
        try:
            print(f"{argument}: {run_page(Path(argument))} blocks ran")
        except PageError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
