"""The bucket: the keys, the connection, then what the keys may do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from akosha_hook.doctor import connection, last_upload, permissions
from akosha_hook.doctor.finding import Finding, bounded
from akosha_hook.errors import (
    AkoshaHookError,
    CredentialsError,
    ExitCode,
)
from akosha_hook.settings.derived import cloud_configured

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from akosha_hook.context import Context

AREA = "Bucket"
CREDENTIAL_SECONDS = 15.0


def findings(context: Context) -> Iterator[Finding]:
    """Keys, the connection, what the keys may do, and the last upload; the first problem ends it."""
    probes = yield from _opened(context)
    if probes is not None:
        yield from _then_last_upload(permissions.findings(probes), context)


def reachable(context: Context) -> Iterator[Finding]:
    """Whether the server answers, the bucket is open to these keys, and has the last upload."""
    probes = yield from _opened(context)
    if probes is not None:
        yield from _then_last_upload([permissions.listing(probes)], context)


def _then_last_upload(findings: Iterable[Finding], context: Context) -> Iterator[Finding]:
    states = []
    for each in findings:
        states.append(each.state)
        yield each
    if "problem" not in states:
        yield from last_upload.findings(context)


def _opened(context: Context) -> Generator[Finding, None, permissions.Probes | None]:
    """The probes if keys and connection are good, else None."""
    settings = context.loaded.settings
    unused = not cloud_configured(settings) or settings.akosha_force_method == "http"
    if unused or context.loaded.unsafe:
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
    for finding in connection.findings(context, provider):
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
