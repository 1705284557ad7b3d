"""Our own files: private, readable, and with enough room for a snapshot."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from akosha_hook.doctor.finding import Finding
from akosha_hook.settings.derived import data_directory
from akosha_hook.snapshot import SPARE_BYTES, find, live_sets, size_of
from akosha_hook.state.receipts import Receipts
from akosha_hook.util import files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from akosha_hook.context import Context
    from akosha_hook.paths import Paths
    from akosha_hook.snapshot import Item

AREA = "State"


def findings(context: Context) -> Iterator[Finding]:
    """Modes, owner, files set aside, and disk space."""
    state = context.paths.state
    if state.is_dir():
        yield from _private(context.paths)
        yield from _directories(context.paths)
        # Reading a corrupt receipt sets it aside.
        Receipts(context.paths).newest_first()
        aside = [*state.glob("*.corrupt"), *context.paths.receipts.glob("*.corrupt")]
        for each in sorted(aside):
            detail = f"{each} could not be read and was set aside"
            yield Finding(
                AREA, "corrupt file", "warning", detail, f"rm '{each}', after you have looked at it"
            )
    else:
        yield Finding(
            AREA, "directory", "ok", f"{state} will be created by the first upload or install"
        )
    yield _space(context)


def modes(loose: Iterable[files.LooseMode]) -> Iterator[Finding]:
    """A warning for each file that others could use until `files.tighten` came by."""
    for path, mode in loose:
        detail = f"{path} was {mode:04o}; now only you can read it"
        yield Finding(AREA, "modes", "warning", detail)


def _private(paths: Paths) -> Iterator[Finding]:
    foreign = [
        each for each in files.everything(paths.state) if _owner(each) not in {os.getuid(), None}
    ]
    if foreign:
        detail = f"{foreign[0]} belongs to another user"
        if len(foreign) > 1:
            detail += f", and {len(foreign) - 1} more"
        fix = f"sudo chown -R \"$(id -u)\" '{paths.state}'"
        yield Finding(AREA, "owner", "problem", detail, fix)
    loose = files.tighten(paths.state)
    yield from modes(loose)
    if not loose and not foreign:
        yield Finding(AREA, "modes", "ok", f"{paths.state} is readable by you alone")


def _directories(paths: Paths) -> Iterator[Finding]:
    """Hooks cannot leave events if a directory is a file, or cannot be written to."""
    for path in (paths.state, paths.outbox, paths.receipts, paths.snapshots):
        if path.exists() and not path.is_dir():
            detail = f"{path} has to be a directory: nothing can be stored there"
            yield Finding(AREA, "directory", "problem", detail, f"mv '{path}' '{path}.old'")
        elif path.exists() and not os.access(path, os.W_OK | os.X_OK):
            detail = f"{path} cannot be written to"
            yield Finding(AREA, "directory", "problem", detail, f"chmod u+rwx '{path}'")


def _owner(path: Path) -> int | None:
    try:
        return path.lstat().st_uid
    except OSError:
        return None


def _space(context: Context) -> Finding:
    """A snapshot is a copy of every database that changed."""
    source = data_directory(context.loaded.settings, context.paths)
    settings = context.loaded.settings
    found = find(source, settings.akosha_databases, context.outside_databases)
    sets = live_sets(settings, context.paths)
    items: tuple[Item, ...] = (*found.databases, *sets)
    needed = SPARE_BYTES + sum(map(size_of, items))
    existing = context.paths.state
    while not existing.exists():
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    detail = f"{free / 1e9:.1f} GB free for snapshots ({existing}), {needed / 1e9:.1f} GB needed"
    if free < needed:
        return Finding(AREA, "disk space", "problem", detail, "free up space there")
    if free < 2 * needed:
        return Finding(AREA, "disk space", "warning", detail, "free up space there")
    return Finding(AREA, "disk space", "ok", detail)
