"""Asking a server to which nothing new is to be sent whether it still has what it was sent."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from akosha_hook.akosha import acknowledged
from akosha_hook.akosha.client import probing
from akosha_hook.akosha.presence import ASK_SECONDS
from akosha_hook.akosha.push import Pusher

if TYPE_CHECKING:
    from collections.abc import Sequence

    from akosha_hook.context import Context
    from akosha_hook.snapshot import Database
    from akosha_hook.util.retry import RetryPolicy


def is_due(context: Context) -> bool:
    """Whether the server was not asked for a day, or did not get all that it lost.

    A moment ahead of now is no proof: the clock was set back. Without a list of what it
    acknowledged there is nothing to ask for.
    """
    url = context.settings.akosha_http_url
    if not acknowledged.path_of(context.paths, url).exists():
        return False
    with acknowledged.opened(context.paths, url) as known:
        return known.is_owed or not 0 <= time.time() - known.asked_at < ASK_SECONDS


def has_lost(
    context: Context, databases: Sequence[Database], system_id: str, retry: RetryPolicy
) -> bool:
    """Whether the server of the settings no longer has rows that it acknowledged.

    Then they are forgotten, and the next push sends every row. False where it cannot be asked.
    """
    transport = probing.connect(
        context.settings,
        context.environ,
        retry.deadline,
        url_is_set=probing.url_is_set(context.loaded),
    )
    with acknowledged.opened(context.paths, transport.base) as known:
        pusher = Pusher(transport, retry, known, context.progress, system_id)
        return known.is_owed or pusher.has_lost(databases)
