"""A terminal of its own for a program, and what the program sends there."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import termios
from collections.abc import Sequence
from pathlib import Path

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def plain(sent: str) -> str:
    """Without colours and movements of the cursor."""
    return _ANSI.sub("", sent)


def on_a_terminal(command: Sequence[str], folder: Path, *, columns: int = 100, **environment: str) -> str:
    """Run *command* in *folder* on a terminal of so many columns until it ends well; return all that it sent.

    It sees none of the toolkit's variables but those of *environment*.
    """
    around = {key: value for key, value in os.environ.items() if not key.startswith("NAVIGATOR_OBS_")}
    screen, inner = pty.openpty()
    termios.tcsetwinsize(inner, (40, columns))
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdin=inner,
        stdout=inner,
        stderr=inner,
        env={**around, "TERM": "xterm-256color", **environment},
    )
    os.close(inner)
    sent = b""
    try:
        while chunk := os.read(screen, 65_536):
            sent += chunk
    except OSError:  # the other side has closed
        pass
    finally:
        os.close(screen)
    assert process.wait(300) == 0, sent.decode()
    return sent.decode()
