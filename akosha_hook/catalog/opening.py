"""The configured store, opened for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.errors import SettingsError
from akosha_hook.settings.derived import cloud_configured
from akosha_hook.stores.base import READ_FAILED
from akosha_hook.stores.opening import open_store
from akosha_hook.util import log
from akosha_hook.util.retry import Deadline, RetryPolicy

if TYPE_CHECKING:
    from akosha_hook.context import Context
    from akosha_hook.errors import DeliveryError
    from akosha_hook.stores.base import ObjectStore

READERS = 8
# Reading back takes what it takes: a stalled connection is noticed by its own timeouts.
READ_SECONDS = 7 * 86_400.0


def open_to_read(context: Context, *, seconds: float = READ_SECONDS) -> ObjectStore:
    """The configured store for listing and reading.

    Everything that is asked of it has to be done within `seconds`, which begin now. Raises
    SettingsError, CredentialsError.
    """
    if not cloud_configured(context.settings):
        raise SettingsError(
            "No bucket is set, so there is nothing to read.",
            hint="akosha-hook config set akosha_cloud_bucket NAME",
        )

    def on_retry(error: DeliveryError, attempt: int, delay: float) -> None:
        context.progress.retry(log.redacted(error.message), attempt, delay)

    policy = RetryPolicy(
        max_retries=context.settings.akosha_max_retries,
        backoff_seconds=context.settings.akosha_retry_backoff_seconds,
        deadline=Deadline(seconds),
        on_retry=on_retry,
    )
    return open_store(context, policy, connections=READERS, subject=READ_FAILED)
