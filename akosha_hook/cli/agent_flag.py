"""What a coding agent may only do with a flag that names it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.errors import AkoshaHookError, ExitCode
from akosha_hook.util.agents import agent

if TYPE_CHECKING:
    from collections.abc import Mapping


def require_flag(environ: Mapping[str, str], flag: str, *, given: bool, what: str) -> None:
    """Raise where an agent runs us and the user did not allow `what` by `flag`.

    A person, cron and scripts need no flag.
    """
    variable = agent(environ)
    if given or variable is None:
        return
    raise AkoshaHookError(
        f"{what} is refused under a coding agent ({variable} is set).",
        hint=f"type the command in a terminal of your own, or add {flag}",
        exit_code=ExitCode.USAGE,
    )
