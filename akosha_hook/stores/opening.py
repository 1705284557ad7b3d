"""Opening the store that the settings name: the only place that chooses between kinds of stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.stores.base import SYNC_FAILED

if TYPE_CHECKING:
    from collections.abc import Callable

    from akosha_hook.context import Context
    from akosha_hook.stores.base import ObjectStore
    from akosha_hook.util.retry import RetryPolicy


def open_store(
    context: Context,
    retry: RetryPolicy,
    *,
    on_sent: Callable[[int], None] | None = None,
    connections: int = 0,
    subject: str = SYNC_FAILED,
) -> ObjectStore:
    """The store of the settings, not asked anything yet.

    `on_sent` is told of the bytes of every body that leaves; `connections` is how many requests
    may run at once, beside the parts of an upload; messages begin with `subject`. Raises
    SettingsError, CredentialsError.
    """
    from akosha_hook.stores.s3.connect import open_s3

    return open_s3(context, retry, on_sent=on_sent, connections=connections, subject=subject)
