"""What killed processes had acknowledged and not yet written: verbs that read the log put it there first."""

from __future__ import annotations

from ..config import Config
from ..events.places import is_ours, staging_folders


def recover_staged(config: Config) -> None:
    """Put into the log what killed processes had acknowledged and not yet written."""
    if any(map(is_ours, staging_folders(config.log_path, config.staging_dir))):
        from ..events.salvage import recover_log

        recover_log(config.log_path, config)
