"""What earlier runs left: uploads nobody continues, snapshots, temporary files."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from akosha_hook.errors import AkoshaHookError
from akosha_hook.settings.derived import data_directory
from akosha_hook.sync.policy import upload_policy
from akosha_hook.util import files

if TYPE_CHECKING:
    from akosha_hook.context import Context
    from akosha_hook.state.receipt import Target
    from akosha_hook.state.receipts import Receipts

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
    for directory in (context.paths.state, context.paths.receipts):
        files.remove_abandoned(directory)
    remove_snapshots(context, receipts)
    if context.paths.check.exists():
        from akosha_hook.restore.read_all import remove_abandoned

        remove_abandoned(context.paths)
    data = data_directory(context.settings, context.paths)
    if any(data.glob(".akosha-restore-*")):
        from akosha_hook.restore.staging import remove_stale

        remove_stale(data)


def remove_snapshots(context: Context, receipts: Receipts) -> None:
    """Remove the snapshots that no unfinished upload needs."""
    snapshots = context.paths.snapshots
    directories = list(snapshots.iterdir()) if snapshots.is_dir() else []
    if not directories:
        return
    unfinished = (each for each in receipts.newest_first() if each.state == "uploading")
    needed = {receipts.journal(each).snapshot for each in unfinished}
    for directory in directories:
        if directory.name not in needed:
            files.remove_tree(directory)
