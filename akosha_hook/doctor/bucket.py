"""The bucket: the keys, the way there, then what the keys may do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from akosha_hook.doctor import permissions, way
from akosha_hook.doctor.finding import Finding, bounded
from akosha_hook.errors import (
    AkoshaHookError,
    CredentialsError,
    ExitCode,
)
from akosha_hook.settings.derived import cloud_configured

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from akosha_hook.context import Context

AREA = "Bucket"
STEP_SECONDS = 8.0
CONNECT_SECONDS = 4.0
CREDENTIAL_SECONDS = 15.0
# S3 refuses requests more than 15 minutes off.
CLOCK_LIMIT_SECONDS, CLOCK_WARNING_SECONDS = 900.0, 60.0
NETWORK_FIX = (
    "check the network, and akosha_cloud_endpoint: akosha-hook config get akosha_cloud_endpoint"
)
DENIED = frozenset({"AccessDenied", "HTTP403", "AllAccessDisabled", "MethodNotAllowed"})


def findings(context: Context) -> Iterator[Finding]:
    """Keys, then the way there, then what the keys may do; a step that fails ends it."""
    probes = yield from _opened(context)
    if probes is not None:
        yield from permissions.findings(probes)


def reachable(context: Context) -> Iterator[Finding]:
    """Whether the server answers, and these keys open the bucket."""
    probes = yield from _opened(context)
    if probes is not None:
        yield permissions.listing(probes)


def _opened(context: Context) -> Generator[Finding, None, permissions.Probes | None]:
    """The bucket once the way to it is known to be good, else None."""
    settings = context.loaded.settings
    unused = not cloud_configured(settings) or settings.akosha_force_method == "http"
    if unused or context.loaded.doubtful:
        return None
    from akosha_hook.stores.providers import provider_for

    try:
        provider = provider_for(settings)
        yield _keys(context)
    except CredentialsError as error:
        yield Finding(AREA, "keys", "problem", error.message, error.hint, ExitCode.CREDENTIALS)
        return None
    except AkoshaHookError as error:
        yield Finding(AREA, "keys", "problem", error.message, error.hint, error.exit_code)
        return None
    for finding in way.findings(context, provider):
        yield finding
        if finding.state == "problem":
            return None
    return permissions.open_probes(context)


def _keys(context: Context) -> Finding:
    """Which source the keys come from; raises CredentialsError."""
    from akosha_hook.stores import credentials

    environ = context.environ
    resolved = bounded(
        lambda: credentials.resolve(
            context.loaded.settings, environ, home=Path(environ.get("HOME") or Path.home())
        ),
        seconds=CREDENTIAL_SECONDS,
        what="looking for credentials",
    )
    detail = f"from {resolved.source}"
    if resolved.warnings:
        return Finding(
            AREA,
            "keys",
            "warning",
            f"{detail}: {'; '.join(each.message for each in resolved.warnings)}",
            "\n".join(each.fix for each in resolved.warnings),
        )
    return Finding(AREA, "keys", "ok", detail)
