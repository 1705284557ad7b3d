"""The Akosha server: whether it answers and has the tools that a push needs."""

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
    """The server's answer; its absence is a problem only if it is the only destination."""
    if context.loaded.unsafe:
        return
    try:
        chain = selection.destinations(context.loaded.settings)
    except SettingsError:
        return
    if "http" not in chain:
        return
    from akosha_hook.akosha import probe, url_is_set

    severity: State = "problem" if chain[0] == "http" else "warning"
    url = context.loaded.settings.akosha_http_url
    try:
        answer = bounded(
            lambda: probe(
                context.loaded.settings, context.environ, url_is_set=url_is_set(context.loaded)
            ),
            seconds=SECONDS,
            what=f"asking {url}",
        )
    except AkoshaHookError as error:
        yield Finding(AREA, "server", severity, error.message, error.hint, ExitCode.UNREACHABLE)
        return
    version = f" (version {answer.version})" if answer.version else ""
    if not answer.reachable or answer.tools_ok is False:
        detail = answer.message or f"{url} does not answer"
        if severity == "warning":
            detail += " The fallback will not work; uploads to the bucket do not need it."
        yield Finding(AREA, "server", severity, detail, answer.hint, ExitCode.UNREACHABLE)
    elif answer.message:
        yield Finding(AREA, "server", "warning", answer.message, answer.hint)
    else:
        yield Finding(AREA, "server", "ok", f"{answer.url} answers and accepts memories{version}")
