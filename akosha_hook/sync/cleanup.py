"""What earlier runs left: uploads nobody continues, snapshots, temporary files."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from akosha_hook.errors import AkoshaHookError
from akosha_hook.paths import DOCTOR_SCRATCH
from akosha_hook.settings.derived import data_directory
from akosha_hook.sync.policy import upload_policy
from akosha_hook.util import files, temporary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from akosha_hook.context import Context
    from akosha_hook.paths import Paths
    from akosha_hook.state.receipt import Target
    from akosha_hook.state.receipts import Receipts

# Where `restore` and `verify` put files together.
RESTORING = ".akosha-restore-*"
logger = logging.getLogger(__name__)


def abort_abandoned(context: Context, receipts: Receipts, target: Target) -> tuple[str, ...]:
    """Abort what uploads that nobody continues left in the bucket; notes of what was denied.

    Asks nothing of the server where nothing was left. Errors of the store are logged, not raised:
    the next sync tries again.
    """
    abandoned = receipts.abandoned(target)
    if target.method != "cloud" or not abandoned:
        return ()
    from akosha_hook.stores.opening import open_store

    notes: list[str] = []
    try:
        store = open_store(context, upload_policy(context.settings))
        for receipt in abandoned:
            journal = receipts.journal(receipt)
            for key, partial in list(journal.partial.items()):
                if note := store.abort(partial):
                    notes.append(note)
                del journal.partial[key]
            receipts.aborted(receipt, journal)
    except AkoshaHookError as error:
        logger.warning("Unfinished uploads are left for the next time: %s", error.message)
    return tuple(notes)


def tidy(context: Context, receipts: Receipts) -> None:
    """Remove old receipts, and what killed runs left."""
    receipts.trim()
    remove_snapshots(context, receipts)
    if context.paths.check.exists():
        from akosha_hook.restore.read_all import remove_abandoned

        remove_abandoned(context.paths)
    data = [data_directory(context.settings, context.paths)]
    data += [each.parent for each in context.outside_databases]
    _remove_temporary_files(context.paths, data)
    for each in data:
        if any(each.glob(RESTORING)):
            from akosha_hook.restore.staging import remove_stale

            remove_stale(each)


def _remove_temporary_files(paths: Paths, data: Sequence[Path]) -> None:
    """What killed writers left, wherever we write. The outbox is looked after by `hook.outbox`."""
    ours = (paths.state, paths.receipts, paths.bin, paths.state / "akosha-rows", paths.snapshots)
    restoring = [each for directory in data for each in _directories(directory, RESTORING)]
    for directory in (*ours, *_directories(paths.snapshots, "*"), *restoring):
        temporary.remove_abandoned(directory)
    # A symbolic link is followed where we write: what was written lies beside its target.
    theirs = {Path(os.path.realpath(each)) for each in (paths.claude_settings, paths.user_toml)}
    if paths.install.exists():
        from akosha_hook.install.record import written_files

        theirs.update(written_files(paths))
    for path in theirs:
        temporary.remove_abandoned(path.parent, path.name)


def _remove_copies(paths: Paths) -> None:
    """Copies of databases that a killed `verify` or `doctor` left in the state directory."""
    for directory in _directories(paths.state, RESTORING):
        # Whoever verifies holds the sync lock, which is ours now.
        files.remove_tree(directory)
    for directory in _directories(paths.state, f"{DOCTOR_SCRATCH}*"):
        if temporary.is_abandoned(directory):
            files.remove_tree(directory)


def _directories(parent: Path, pattern: str) -> list[Path]:
    return [path for path in parent.glob(pattern) if path.is_dir() and not path.is_symlink()]


def remove_snapshots(context: Context, receipts: Receipts) -> None:
    """Remove the snapshots that no unfinished upload needs, and other copies nobody works on."""
    _remove_copies(context.paths)
    snapshots = context.paths.snapshots
    directories = list(snapshots.iterdir()) if snapshots.is_dir() else []
    if not directories:
        return
    unfinished = (each for each in receipts.newest_first() if each.state == "uploading")
    needed = {receipts.journal(each).snapshot for each in unfinished}
    for directory in directories:
        if directory.name not in needed:
            files.remove_tree(directory)
