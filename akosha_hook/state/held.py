"""`held.json`: the last time that nothing was sent, since somebody may have wanted memories elsewhere.

The settings led elsewhere, or another user of this machine listened in a server's place.

It outlives the upload that succeeds afterwards with other settings, so that `status` can tell of it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.util import files
from akosha_hook.util.clock import now_iso

if TYPE_CHECKING:
    from akosha_hook.paths import Paths

logger = logging.getLogger(__name__)


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """When (ISO 8601 UTC), and what was said about it."""

    at: str
    message: str


def remember(paths: Paths, message: str) -> None:
    try:
        files.private_directory(paths.state)
        files.write_json(paths.held, Held(at=now_iso(), message=message))
    except OSError:
        logger.debug("What was held could not be written down", exc_info=True)


def last(paths: Paths) -> Held | None:
    return files.peek_json(paths.held, Held)


def clear(paths: Paths) -> None:
    """The user has seen it."""
    paths.held.unlink(missing_ok=True)
