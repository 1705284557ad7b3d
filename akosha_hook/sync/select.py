"""Which destinations a sync may use, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from akosha_hook.errors import AkoshaHookError, ExitCode, Kind, SettingsError
from akosha_hook.settings.derived import cloud_configured
from akosha_hook.state import identity
from akosha_hook.state.receipt import Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from akosha_hook.context import Context
    from akosha_hook.settings import Settings
    from akosha_hook.state.receipt import Method

RequestedMethod = Literal["auto", "cloud", "http"]


def destinations(
    settings: Settings,
    method: RequestedMethod = "auto",
    *,
    allow_fallback: bool = True,
    typed: bool = False,
    dropped: Sequence[str] = (),
) -> tuple[Method, ...]:
    """The destinations to try, the preferred one first; `cloud` and `http` never fall back.

    `method` chooses among what the settings allow, unless the user `typed` it at a terminal. Where
    variables of a project were `dropped`, nothing falls back: keys or a bucket may be among them.
    Raises SettingsError where nothing may be used.
    """
    if not typed:
        _refuse_to_widen(settings, method)
    wanted = settings.akosha_force_method if method == "auto" else method
    if wanted == "http":
        return ("http",)
    falls_back = wanted == "auto" and settings.akosha_enable_fallback and allow_fallback
    if cloud_configured(settings):
        return ("cloud", "http") if falls_back and not dropped else ("cloud",)
    if falls_back and dropped:
        raise _DroppedError(dropped[0])
    if falls_back:
        return ("http",)
    raise SettingsError(
        "No bucket is set, so nothing can be uploaded to the cloud.",
        hint="akosha-hook config set akosha_cloud_bucket NAME",
    )


class _DroppedError(AkoshaHookError):
    """No bucket is left of what a project's variables were taken out of."""

    kind = Kind.DENIED
    exit_code = ExitCode.SETTINGS

    def __init__(self, dropped: str) -> None:
        super().__init__(
            f"No bucket is set, and nothing is pushed to Akosha instead: {dropped}.",
            hint="Set the bucket in your own settings, or, if Akosha is where memories are to go: "
            "akosha-hook config set akosha_force_method http",
        )


def _refuse_to_widen(settings: Settings, method: RequestedMethod) -> None:
    forced = settings.akosha_force_method
    if method in {"auto", forced}:
        return
    if forced != "auto":
        rule = f"akosha_force_method is {forced}"
    elif method == "http" and not settings.akosha_enable_fallback:
        rule = "akosha_enable_fallback is false"
    else:
        return
    instead = "pushed to an Akosha server" if method == "http" else "uploaded to the cloud"
    raise SettingsError(
        f"{rule}, so nothing is {instead}.",
        hint=f"Leave the method out, or type akosha-hook sync --method {method} at a terminal.",
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
