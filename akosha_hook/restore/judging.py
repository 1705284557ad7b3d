"""What is put in place only where the user insists: what may harm whoever opens it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.errors import AkoshaHookError, DamagedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from akosha_hook.restore.check import Check

GO_AHEAD = "Take an earlier upload (akosha-hook ls), or go ahead with --force."


def judged(checks: Mapping[str, Check], *, force: bool) -> list[str]:
    """Notes on what reading the databases found.

    Where nothing is forced, raises DamagedError for damage, and AkoshaHookError for a database that
    could not be checked or that carries what would run in Session-Buddy.
    """
    notes = []
    for name, each in checks.items():
        if each.needs_force and not force:
            raise _refusal(name, each)
        if each.needs_force:
            notes.append(f"{name}: {each}")
    return notes


def _refusal(name: str, check: Check) -> AkoshaHookError:
    if check.is_damaged:
        return DamagedError(
            f"{name} is what was uploaded, but {check.engine} finds it damaged: {check.problem}",
            hint=GO_AHEAD,
        )
    if not check.checked:
        return AkoshaHookError(
            f"{name} is what was uploaded, but it was not checked: {check.problem}",
            hint=_what_may_help(check),
        )
    return AkoshaHookError(
        f"{name} carries {', '.join(check.carries)}, which would run in Session-Buddy. Its own "
        "databases carry no such thing.",
        hint=GO_AHEAD,
    )


def _what_may_help(check: Check) -> str:
    if check.engine == "DuckDB":
        return "pip install -U duckdb may help; or go ahead with --force."
    return f"{check.hint} Go ahead with --force.".strip()
