"""Which destinations a sync may use, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from akosha_hook.errors import SettingsError
from akosha_hook.settings.derived import cloud_configured
from akosha_hook.state import identity
from akosha_hook.state.receipt import Target

if TYPE_CHECKING:
    from akosha_hook.context import Context
    from akosha_hook.settings import Settings
    from akosha_hook.state.receipt import Method

RequestedMethod = Literal["auto", "cloud", "http"]


def destinations(
    settings: Settings, method: RequestedMethod = "auto", *, allow_fallback: bool = True
) -> tuple[Method, ...]:
    """The destinations to try, the preferred one first; `cloud` and `http` never fall back.

    Raises SettingsError where nothing may be used.
    """
    wanted = settings.akosha_force_method if method == "auto" else method
    if wanted == "http":
        return ("http",)
    falls_back = wanted == "auto" and settings.akosha_enable_fallback and allow_fallback
    if cloud_configured(settings):
        return ("cloud", "http") if falls_back else ("cloud",)
    if falls_back:
        return ("http",)
    raise SettingsError(
        "No bucket is set, so nothing can be uploaded to the cloud.",
        hint="akosha-hook config set akosha_cloud_bucket NAME",
    )


def target_of(settings: Settings, method: Method, system_id: str) -> Target:
    """What identifies the destination for dedup, backoff and history."""
    if method == "http":
        return Target(method="http", endpoint=settings.akosha_http_url, system_id=system_id)
    return Target(
        method="cloud",
        endpoint=settings.akosha_cloud_endpoint,
        bucket=settings.akosha_cloud_bucket,
        system_id=system_id,
    )


def preferred(context: Context) -> Target | None:
    """Where the settings want memories to go; None where they name no destination."""
    try:
        method = destinations(context.settings)[0]
    except SettingsError:
        return None
    return target_of(context.settings, method, identity.peek(context.paths, context.settings))
