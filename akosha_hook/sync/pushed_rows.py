"""Does the Akosha server still have what was pushed to it? Asked also where nothing has changed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from akosha_hook.errors import AkoshaHookError
from akosha_hook.sync.look import BACKOFF_SECONDS, LOOK_SECONDS, RETRIES
from akosha_hook.util.retry import Deadline, RetryPolicy

if TYPE_CHECKING:
    from akosha_hook.snapshot import Snapshot
    from akosha_hook.sync.under_way import Sync

BY_HAND = "manual"
logger = logging.getLogger(__name__)


def is_due(sync: Sync) -> bool:
    """Whether the server is asked: once a day, and when the user asks for a sync."""
    from akosha_hook import akosha

    if sync.chain[0] != "http" or sync.again:
        return False
    return BY_HAND in sync.request.triggered_by or akosha.is_due(sync.context)


def are_lost(sync: Sync, frozen: Snapshot) -> bool:
    """Whether rows of the snapshot, acknowledged earlier, are no longer there.

    False where the server cannot be asked: then nothing has changed, as far as is known.
    """
    from akosha_hook import akosha

    policy = RetryPolicy(RETRIES, BACKOFF_SECONDS, Deadline(LOOK_SECONDS))
    try:
        return akosha.has_lost(sync.context, frozen.databases, sync.identity.system_id, policy)
    except AkoshaHookError as error:
        logger.warning("Akosha could not be asked for what it has: %s", error.message)
        return False
