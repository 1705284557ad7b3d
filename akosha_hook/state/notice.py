"""`notice.json`: one line the next session start shows, complete hook output as it is printed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.state import collapsed
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
    """Have the next session start say `message`; does nothing where it says so already.

    Databases that lost most of what was in them are told with it, until a session start has done so.
    """
    before = files.read_json(paths.notice, Notice)
    if before is not None and _was_shown(paths):
        _mark_seen(paths, before)
    news = " ".join(f"{each}." for each in collapsed.unseen(paths))
    if not message and not news:
        paths.notice.unlink(missing_ok=True)
        return
    wanted = Notice(log.redacted(" ".join(filter(None, (message or "akosha-hook:", news)))))
    if before == wanted:
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
    """Have it say nothing, or only what it has not said yet."""
    leave(paths, "")


def _mark_seen(paths: Paths, shown: Notice) -> None:
    try:
        collapsed.mark_seen(paths, lambda told: log.redacted(told) in shown.systemMessage)
    except OSError:
        logger.debug("What was shown could not be noted", exc_info=True)


def _was_shown(paths: Paths) -> bool:
    """Whether a session start has shown the notice since it was left."""
    try:
        return paths.notice_shown.stat().st_mtime_ns >= paths.notice.stat().st_mtime_ns
    except OSError:
        return False
