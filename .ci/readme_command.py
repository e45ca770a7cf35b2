"""Prints one of the README's two commands: `run` or `test`. What the README promises is what is checked."""

import pathlib
import re
import sys

README = pathlib.Path(__file__).resolve().parent.parent / "README.md"


def command(name: str) -> str:
    """Return the first line of the shell block after the comment that names it."""
    found = re.search(rf"<!-- command: {name} -->\n```sh\n(.+)\n```", README.read_text(encoding="utf-8"))
    if found is None:
        raise SystemExit(f"README.md has no shell block marked '<!-- command: {name} -->'")
    return found.group(1)


if __name__ == "__main__":
    print(command(sys.argv[1]))
