"""What `restore` and `verify` share: download, put together, read from end to end."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from akosha_hook.restore.assemble import assemble
from akosha_hook.restore.check import Check, check

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from akosha_hook.context import Context
    from akosha_hook.restore.plan import Plan
    from akosha_hook.restore.sets import SetResult
    from akosha_hook.restore.staging import Staging
    from akosha_hook.stores.base import ObjectStore


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored, or only proved restorable.

    `checks` is by database or set. `kept` is the directory with the files that were replaced, `sets`
    say what became of the files of each set. `replayed` are the databases whose write-ahead log was
    replayed.
    """

    plan: Plan
    checks: Mapping[str, Check]
    downloaded_bytes: int
    duration_seconds: float
    kept: Path | None = None
    notes: tuple[str, ...] = field(default_factory=tuple)
    sets: tuple[SetResult, ...] = ()
    replayed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assembled:
    """The files of a plan, whole in the staging directory and read from end to end."""

    plan: Plan
    checks: Mapping[str, Check]
    downloaded_bytes: int

    def restored(
        self,
        started: float,
        notes: list[str],
        *,
        kept: Path | None = None,
        sets: Sequence[SetResult] = (),
        replayed: tuple[str, ...] = (),
    ) -> Restored:
        """The end of a run that began at `started` (monotonic seconds)."""
        return Restored(
            plan=self.plan,
            checks=self.checks,
            downloaded_bytes=self.downloaded_bytes,
            duration_seconds=time.monotonic() - started,
            kept=kept,
            notes=(*notes, *(note for each in sets for note in each.notes)),
            sets=tuple(sets),
            replayed=replayed,
        )


def assemble_all(store: ObjectStore, plan: Plan, staging: Staging, context: Context) -> Assembled:
    """Every file of the plan in the staging directory. Raises DamagedError."""
    context.progress.phase("download")
    downloaded = sum(
        assemble(store, each, staging, plan.objects, context.progress) for each in plan.files
    )
    return Assembled(plan, check(staging, plan.files, context.progress), downloaded)
