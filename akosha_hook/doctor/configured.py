"""Settings: values that cannot be used, and whether a destination is set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.doctor.finding import Finding
from akosha_hook.errors import ExitCode, SettingsError
from akosha_hook.state import pinning
from akosha_hook.sync import select as selection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from akosha_hook.context import Context
    from akosha_hook.state.receipt import Method

AREA = "Settings"


def findings(context: Context) -> Iterator[Finding]:
    """Problems, warnings and notes about the settings, and where uploads would go."""
    loaded = context.loaded
    for each in loaded.problems:
        yield Finding(
            AREA,
            "value",
            "problem",
            each,
            "correct it, then run: akosha-hook config validate",
            ExitCode.SETTINGS,
        )
    for each in loaded.warnings:
        yield Finding(AREA, "value", "warning", each, "akosha-hook config show --origin")
    for each in loaded.notes:
        yield Finding(AREA, "note", "ok", each)
    if loaded.unsafe:
        detail = "unclear: nothing is sent anywhere until the settings are corrected"
        yield Finding(AREA, "destination", "problem", detail, "", ExitCode.SETTINGS)
        return
    try:
        chain = selection.destinations(loaded.settings)
    except SettingsError as error:
        yield Finding(AREA, "destination", "problem", error.message, error.hint, ExitCode.SETTINGS)
        return
    yield _pinned(context, chain)
    if chain[0] == "http" and loaded.settings.akosha_force_method != "http":
        yield Finding(
            AREA,
            "destination",
            "warning",
            "no bucket is set: memories only go to an Akosha server, which is not a backup",
            "akosha-hook config set akosha_cloud_bucket NAME",
        )
        return
    names = {"cloud": f"bucket {loaded.settings.akosha_cloud_bucket}", "http": "Akosha"}
    yield Finding(AREA, "destination", "ok", ", then ".join(names[each] for each in chain))


def _pinned(context: Context, chain: tuple[Method, ...]) -> Finding:
    """Whether the user has confirmed where the settings lead; nothing is confirmed by asking."""
    decision = pinning.look(context, pinning.parts_of(chain))
    if decision.action == "hold":
        error = decision.error()
        return Finding(AREA, "pin", "problem", error.message, error.hint, ExitCode.SETTINGS)
    return Finding(AREA, "pin", "ok", f"memories go to {decision.pin}")
