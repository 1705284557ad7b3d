"""Which destinations a sync may use, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from akosha_hook.errors import SettingsError
from akosha_hook.settings.derived import cloud_configured
from akosha_hook.state.receipt import Target

if TYPE_CHECKING:
    from akosha_hook.settings.fields import Settings

Method = Literal["auto", "cloud", "http"]


def may_fall_back(settings: Settings, *, allow_fallback: bool = True) -> bool:
    """Fallback happens only if the setting and the call allow it."""
    return settings.akosha_enable_fallback and allow_fallback


def destinations(
    settings: Settings, method: Method = "auto", *, allow_fallback: bool = True
) -> tuple[Literal["cloud", "http"], ...]:
    """The destinations to try, the preferred one first; `cloud` and `http` never fall back.

    Raises SettingsError where nothing may be used.
    """
    chosen = settings.akosha_force_method if method == "auto" else method
    if chosen == "http":
        return ("http",)
    if cloud_configured(settings):
        falls_back = chosen == "auto" and may_fall_back(settings, allow_fallback=allow_fallback)
        return ("cloud", "http") if falls_back else ("cloud",)
    if chosen == "auto" and may_fall_back(settings, allow_fallback=allow_fallback):
        return ("http",)
    raise SettingsError(
        "No bucket is set, so nothing can be uploaded to the cloud.",
        hint="akosha-hook config set akosha_cloud_bucket NAME",
    )


def target_of(settings: Settings, method: Literal["cloud", "http"], system_id: str) -> Target:
    """What identifies the destination for dedup, backoff and history."""
    if method == "http":
        return Target(method="http", endpoint=settings.akosha_http_url, system_id=system_id)
    return Target(
        method="cloud",
        endpoint=settings.akosha_cloud_endpoint,
        bucket=settings.akosha_cloud_bucket,
        system_id=system_id,
    )
