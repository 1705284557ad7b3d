"""The Akosha server: reachable, and with the tools a push needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.doctor.finding import Finding, State, bounded
from akosha_hook.errors import AkoshaHookError, ExitCode, SettingsError
from akosha_hook.sync import select as selection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from akosha_hook.context import Context

AREA = "Akosha"
SECONDS = 12.0


def findings(context: Context) -> Iterator[Finding]:
    """What the server says; a silent one is a problem only where it is the one destination."""
    if context.loaded.unsafe:
        return
    try:
        chain = selection.destinations(context.loaded.settings)
    except SettingsError:
        return
    if "http" not in chain:
        return
    from akosha_hook.akosha import probe

    missing: State = "problem" if chain[0] == "http" else "warning"
    url = context.loaded.settings.akosha_http_url
    try:
        found = bounded(
            lambda: probe(context.loaded.settings, context.environ),
            seconds=SECONDS,
            what=f"asking {url}",
        )
    except AkoshaHookError as error:
        yield Finding(AREA, "server", missing, error.message, error.hint, ExitCode.UNREACHABLE)
        return
    version = f" (version {found.version})" if found.version else ""
    if not found.reachable or found.tools_ok is False:
        detail = found.message or f"{url} does not answer"
        if missing == "warning":
            detail += " The fallback would not work; uploads to the bucket do not need it."
        yield Finding(AREA, "server", missing, detail, found.hint, ExitCode.UNREACHABLE)
    elif found.message:
        yield Finding(AREA, "server", "warning", found.message, found.hint)
    else:
        yield Finding(AREA, "server", "ok", f"{found.url} answers and takes memories{version}")
