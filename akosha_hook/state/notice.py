"""`notice.json`: one line the next session start shows, complete hook output as it is printed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.util import files, log

if TYPE_CHECKING:
    from akosha_hook.paths import Paths

logger = logging.getLogger(__name__)
SETUP = (
    "akosha-hook: memories are not backed up yet. Set a bucket: "
    "akosha-hook config set akosha_cloud_bucket NAME"
)


class Notice(msgspec.Struct, frozen=True):
    """Claude Code's hook output; `systemMessage` is shown to the user, not to the model."""

    systemMessage: str  # noqa: N815 - Claude Code's name


def leave(paths: Paths, message: str) -> None:
    """Have the next session start say `message`; does nothing where it says so already."""
    wanted = Notice(log.redacted(message))
    if files.read_json(paths.notice, Notice) == wanted:
        return
    try:
        # One line, whatever it holds: the hook prints the file as it is.
        files.write_atomic(paths.notice, msgspec.json.encode(wanted) + b"\n")
    except OSError:
        logger.debug("No notice could be left", exc_info=True)


def leave_failure(paths: Paths, error: str, hint: str) -> None:
    """Have it say what failed, and what to type."""
    leave(paths, f"akosha-hook: {error} {hint}".strip())


def clear(paths: Paths) -> None:
    paths.notice.unlink(missing_ok=True)
