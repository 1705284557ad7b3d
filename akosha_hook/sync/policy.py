"""How patiently an upload is tried, by the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.util.retry import Deadline, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

    from akosha_hook.errors import DeliveryError
    from akosha_hook.settings import Settings


def upload_policy(
    settings: Settings, on_retry: Callable[[DeliveryError, int, float], None] | None = None
) -> RetryPolicy:
    """Retries and a deadline, which begins now."""
    return RetryPolicy(
        max_retries=settings.akosha_max_retries,
        backoff_seconds=settings.akosha_retry_backoff_seconds,
        deadline=Deadline(settings.akosha_upload_timeout_seconds),
        on_retry=on_retry,
    )
