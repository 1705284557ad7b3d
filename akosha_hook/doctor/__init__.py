"""Looking closer than `status` does: at hooks, files, servers and permissions, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.doctor.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from akosha_hook.context import Context

__all__ = ["Finding", "examine", "servers"]


def examine(context: Context, directory: Path) -> Iterator[Finding]:
    """Everything, in the order a person would mend it; takes a while where servers are silent.

    `directory` is where the user stands, for the hooks and files of that repository.

    Modes of state files that are too wide are tightened, and probes are stored in the bucket and
    deleted again; nothing else changes.
    """
    from akosha_hook.doctor import (
        bucket,
        configured,
        databases,
        hooks,
        practices,
        server,
        state,
        versions,
    )

    yield from configured.findings(context)
    yield from hooks.findings(context, directory)
    yield from state.findings(context)
    yield from databases.findings(context)
    yield from bucket.findings(context)
    yield from server.findings(context)
    yield from practices.findings(context, directory)
    yield from versions.findings(context)


def servers(context: Context) -> Iterator[Finding]:
    """What `status --check` asks: whether the servers answer, and these keys open the bucket."""
    from akosha_hook.doctor import bucket, server

    yield from bucket.reachable(context)
    yield from server.findings(context)
