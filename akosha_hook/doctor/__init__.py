"""A closer look than `status` takes: hooks, files, servers and permissions, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.doctor.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from akosha_hook.context import Context

__all__ = ["Finding", "examine", "servers"]


def examine(context: Context, directory: Path) -> Iterator[Finding]:
    """Check everything, in the order in which a person would fix it.

    Findings come as they are made; servers that do not answer take a few seconds each. The hooks
    and files of the repository that contains `directory` are included. State files that others can
    read are made private, and test objects are stored in the bucket and deleted again; nothing else
    changes.
    """
    from akosha_hook.doctor import (
        bucket,
        configured,
        databases,
        hooks,
        practices,
        server,
        session_buddy,
        sets,
        state,
        uncovered,
        versions,
    )

    yield from configured.findings(context)
    yield from hooks.findings(context, directory)
    yield from state.findings(context)
    yield from databases.findings(context)
    yield from uncovered.findings(context, directory)
    yield from sets.findings(context)
    yield from bucket.findings(context)
    yield from server.findings(context)
    yield from session_buddy.findings(context)
    yield from practices.findings(context, directory)
    yield from versions.findings(context)


def servers(context: Context) -> Iterator[Finding]:
    """What `status --check` asks: do the servers answer, and does the bucket have the last upload?

    Nothing changes but what is remembered of that look.
    """
    from akosha_hook.doctor import bucket, server

    yield from bucket.reachable(context)
    yield from server.findings(context)
