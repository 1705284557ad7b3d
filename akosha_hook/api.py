"""The two coroutines of the user guide.

Both run the command line in a process of its own. A POSIX lock vanishes when the process that
holds it opens and closes the same file, so a database must never be read in the process of a
caller that has it open, as Session-Buddy does.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any, Literal

from akosha_hook.errors import AkoshaHookError


async def sync_to_akosha(
    method: Literal["auto", "cloud", "http"] = "auto", enable_fallback: bool = True
) -> dict[str, Any]:
    """Upload now and return a summary; a failure has `success: False` and an `error`.

    The arguments choose among what the settings allow: another method is a failure, and
    `enable_fallback=True` allows no fallback that the settings do not.
    """
    if method not in {"auto", "cloud", "http"}:
        raise ValueError(f"method is {method!r}; allowed are 'auto', 'cloud' and 'http'")
    fallback = () if enable_fallback else ("--no-fallback",)
    return await _command("sync", "--json", f"--method={method}", *fallback)


async def akosha_sync_status() -> dict[str, Any]:
    """The configuration, the last sync and waiting events; contacts no server."""
    return await _command("status", "--json")


async def _command(*arguments: str) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "akosha_hook",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    try:
        document = json.loads(output)
    except ValueError:
        raise AkoshaHookError(
            errors.decode(errors="replace").strip()
            or f"akosha-hook {arguments[0]} printed nothing."
        ) from None
    if not isinstance(document, dict):
        raise AkoshaHookError(f"akosha-hook {arguments[0]} printed something unexpected.")
    return document
