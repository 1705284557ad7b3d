"""Freezing what has not changed after all, since the destination no longer has it."""

from __future__ import annotations

import glob
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from akosha_hook import snapshot
from akosha_hook.settings.derived import data_directory
from akosha_hook.snapshot.sets import set_of

if TYPE_CHECKING:
    from akosha_hook.snapshot import Snapshot
    from akosha_hook.upload.job import UploadJob

logger = logging.getLogger(__name__)


def with_again(job: UploadJob, gone: set[str]) -> Snapshot:
    """The snapshot, with the unchanged databases that the destination lost added to it."""
    frozen = job.snapshot
    if not gone:
        return frozen
    logger.info("Sent again, since they are no longer there: %s", ", ".join(sorted(gone)))
    settings, paths = job.context.settings, job.context.paths
    more = snapshot.take(
        data_directory(settings, paths),
        [glob.escape(name) for name in sorted(gone) if set_of(name) is None],
        frozen.directory,
        outside=[each for each in job.context.outside_databases if each.name in gone],
        more=[each for each in snapshot.live_sets(settings, paths) if each.name in gone],
    )
    unchanged = tuple(name for name in frozen.unchanged if name not in gone)
    found = {each.name for each in more.databases} | {each.name for each in more.skipped}
    vanished = [
        snapshot.Skipped(name, "missing", f"{name} is no longer there")
        for name in sorted(gone - found)
    ]
    more = replace(more, skipped=(*more.skipped, *vanished))
    return snapshot.merged(replace(frozen, unchanged=unchanged), more)
