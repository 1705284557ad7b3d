"""Looking closer than `status` does: at hooks, files, servers and permissions, one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook.doctor.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from akosha_hook.paths import Paths
    from akosha_hook.settings import Loaded

__all__ = ["Finding", "Patient", "examine", "servers"]


@dataclass(frozen=True, slots=True)
class Patient:
    """What is looked at; `directory` is where the user stands, for that repository's hooks."""

    loaded: Loaded
    paths: Paths
    environ: Mapping[str, str]
    directory: Path


def examine(patient: Patient) -> Iterator[Finding]:
    """Everything, in the order a person would mend it; takes a while where servers are silent.

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

    yield from configured.findings(patient)
    yield from hooks.findings(patient)
    yield from state.findings(patient)
    yield from databases.findings(patient)
    yield from bucket.findings(patient)
    yield from server.findings(patient)
    yield from practices.findings(patient)
    yield from versions.findings(patient)


def servers(patient: Patient) -> Iterator[Finding]:
    """What `status --check` asks: whether the servers answer, and these keys open the bucket."""
    from akosha_hook.doctor import bucket, server

    yield from bucket.reachable(patient)
    yield from server.findings(patient)
