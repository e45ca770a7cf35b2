"""What killed processes had acknowledged and not yet written: verbs that read the log put it there first."""

from __future__ import annotations

import os

from ..config import Config


def recover_staged(config: Config) -> None:
    """Put into the log what killed processes had acknowledged and not yet written.

    Only in one's own folder: files that another user's program has to write must not become ours.
    """
    folder = config.log_dir / ".staging"
    try:
        if not folder.is_dir() or folder.stat().st_uid != os.geteuid():
            return
    except (OSError, AttributeError):
        return
    from ..events.rotation import LogFile
    from ..events.staging import recover

    log = LogFile(
        config.log_path,
        max_bytes=config.log_max_bytes,
        backups=config.log_backups,
        file_mode=config.file_mode,
        dir_mode=config.dir_mode,
    )
    try:
        recover(log)
    except OSError:
        return
    finally:
        log.close()
