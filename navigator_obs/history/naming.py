"""How a run is named on a command line: by its path as well, and where else there are runs."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Final

from ..config import resolve
from ..errors import ObsError

_UPWARDS: Final = 4


def elsewhere(runs_dir: Path) -> str:
    """Return where else to look for runs: in the same folder of a directory above, if there are some there."""
    above = (folder / runs_dir for folder in Path.cwd().parents[:_UPWARDS]) if not runs_dir.is_absolute() else ()
    found = next((folder for folder in above if any(folder.glob("*/summary.json"))), None)
    return f"; there are some in {found}: --runs-dir" if found else "; another folder: --runs-dir"


def is_path(ref: str) -> bool:
    """Return whether *ref* names a run by where it lies, as ``.`` and ``../20250818_143022-1a2b3c4d`` do."""
    return ref in {".", ".."} or os.sep in ref or (os.altsep or os.sep) in ref


def typed(directory: Path) -> str:
    """Return what names the run in *directory* on a command line here: its id, or its path where the settings lead
    elsewhere. Never raises.
    """
    try:
        here, directory = Path.cwd(), directory.absolute()
        if directory.parent == resolve(warn=False).runs_dir.absolute():
            return directory.name
    except (OSError, ValueError, ObsError):
        return shlex.quote(str(directory))
    if here not in (directory, *directory.parents):
        return shlex.quote(str(directory))
    # A name alone would be taken for an id.
    below = directory.relative_to(here)
    return shlex.quote(str(below) if len(below.parts) > 1 else f"./{below}")
