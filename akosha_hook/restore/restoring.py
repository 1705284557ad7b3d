"""The restore itself, from what is wished for to what was done."""

from __future__ import annotations

import contextlib
import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from akosha_hook import catalog
from akosha_hook.errors import AkoshaHookError, DamagedError, ExitCode
from akosha_hook.restore import place as placing
from akosha_hook.restore.choice import choose
from akosha_hook.restore.staging import assemble, check, continued, stored_objects
from akosha_hook.settings.derived import data_directory
from akosha_hook.state import identity
from akosha_hook.util import files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from akosha_hook.catalog import Upload
    from akosha_hook.context import Context
    from akosha_hook.format.manifest import StoredFile
    from akosha_hook.restore.choice import Wish
    from akosha_hook.restore.staging import Staging
    from akosha_hook.stores.s3.bucket import Bucket, Head

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be restored, where to, and the files there that it would replace.

    `objects` are those in the bucket that it takes, by key.
    """

    upload: Upload
    files: tuple[StoredFile, ...]
    directory: Path
    replaces: tuple[str, ...]
    objects: Mapping[str, Head]
    notes: tuple[str, ...] = ()

    @property
    def databases(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.files if each.name == each.database)

    @property
    def download_bytes(self) -> int:
        return sum(each.size for each in self.objects.values())


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored, or only proved restorable.

    `checks` is by database: "" for a full scan without a finding, else what was found. `kept` is
    where the files that were there are.
    """

    plan: Plan
    checks: Mapping[str, str]
    downloaded_bytes: int
    duration_seconds: float
    kept: Path | None = None
    notes: tuple[str, ...] = field(default_factory=tuple)


def plan(bucket: Bucket, wish: Wish, context: Context) -> Plan:
    """Choose the upload and make sure that the bucket has all of it. Changes nothing.

    Raises AkoshaHookError, DamagedError.
    """
    chosen = choose(bucket, wish, context)
    document = chosen.upload.manifest
    assert document is not None
    wanted = _wanted(document.metadata.files, wish)
    directory = wish.to or data_directory(context.settings, context.paths)
    databases = [each.name for each in wanted if each.name == each.database]
    replaces = tuple(
        path.name
        for name in databases
        for path in (directory / name, *placing.sidecars(directory, name))
        if path.exists()
    )
    return Plan(
        upload=chosen.upload,
        files=wanted,
        directory=directory,
        replaces=replaces,
        objects=stored_objects(bucket, wanted),
        notes=chosen.notes,
    )


def _wanted(stored: tuple[StoredFile, ...], wish: Wish) -> tuple[StoredFile, ...]:
    databases = {each.database for each in stored}
    for name in wish.names:
        if name not in databases:
            owner_of = {each.name: each.database for each in stored}
            hint = f"A sidecar comes with its database: --file {owner_of.get(name)}"
            there = ", ".join(sorted(databases)) or "no database"
            raise AkoshaHookError(
                f"{name} is not a database of that upload; it has {there}.",
                hint=hint if name in owner_of else "akosha-hook ls shows every upload.",
            )
    return tuple(each for each in stored if not wish.names or each.database in wish.names)


def run(wish: Wish, context: Context) -> Restored:
    """Restore into place; the caller holds the sync lock.

    Raises BusyError where a database is held, DamagedError where stored data is not what its
    manifest says, AkoshaHookError for what `wish.force` would let pass.
    """
    started = time.monotonic()
    bucket = catalog.open_to_read(context)
    found = plan(bucket, wish, context)
    placing.refuse_held(found.directory, found.databases)
    _refuse_foreign(found, wish, context)
    _make_directory(found.directory)
    notes = [*found.notes]
    if placing.clean(found.directory):
        notes.append("An earlier restore had been cut off; what it had begun was undone first.")
    members = {
        name: [each.name for each in found.files if each.database == name]
        for name in found.databases
    }
    made = continued(found.directory, found.files, found.objects)
    interrupted = made.bytes_kept > 0
    with _kept_when_interrupted(made):
        context.progress.phase("download")
        downloaded = sum(
            assemble(bucket, each, made, found.objects, context.progress) for each in found.files
        )
        checks = check(made, found.files, context.progress)
        spared = found.download_bytes - downloaded
        if interrupted and spared > 0:
            notes.append(f"{spared:,} bytes were there already, from an interrupted restore.")
        notes += _judge(checks, force=wish.force)
        kept = placing.place(made.whole, made.root, found.directory, members)
    logger.info("Restored %s into %s", found.upload.upload_id, found.directory)
    return Restored(
        plan=found,
        checks=checks,
        downloaded_bytes=downloaded,
        duration_seconds=time.monotonic() - started,
        kept=kept,
        notes=tuple(notes),
    )


@contextlib.contextmanager
def _kept_when_interrupted(made: Staging) -> Iterator[None]:
    """Remove the staging directory unless the same command, run again, could go on from there."""
    try:
        yield
    except KeyboardInterrupt as error:
        hint = _how_to_continue(made)
        raise AkoshaHookError("Interrupted.", hint=hint, exit_code=ExitCode.INTERRUPTED) from error
    except DamagedError:
        _remove(made)
        raise
    except AkoshaHookError as error:
        error.hint = f"{error.hint} {_how_to_continue(made)}".strip()
        raise
    except OSError as error:
        _remove(made)
        raise AkoshaHookError(
            f"The restore could not be written to {made.root.parent}: {error.strerror}.",
            hint="Nothing was changed. Free some space, or restore elsewhere: "
            "akosha-hook restore --to DIR",
        ) from error
    except BaseException:
        _remove(made)
        raise
    files.remove_tree(made.root)


def _how_to_continue(made: Staging) -> str:
    there = made.bytes_kept
    if not there:
        _remove(made)
        return ""
    return f"Run the same command again to continue: {there:,} bytes are kept in {made.root}."


def _remove(made: Staging) -> None:
    # What was begun to be put in place, and not even undone, is for the next restore to undo.
    if not (made.root / placing.JOURNAL).exists():
        files.remove_tree(made.root)


def _judge(checks: Mapping[str, str], *, force: bool) -> list[str]:
    """Notes on what the scan said; raises DamagedError for a finding that is not forced."""
    notes = []
    for name, finding in checks.items():
        if not finding:
            continue
        if not finding.startswith("not checked") and not force:
            raise DamagedError(
                f"{name} is what was uploaded, but DuckDB finds it damaged: {finding}",
                hint="Take an earlier upload (akosha-hook ls), or go ahead with --force.",
            )
        notes.append(f"{name}: {finding}")
    return notes


def _refuse_foreign(found: Plan, wish: Wish, context: Context) -> None:
    mine = identity.peek(context.paths, context.settings)
    if wish.force or wish.to or not found.replaces or found.upload.system_id == mine:
        return
    raise AkoshaHookError(
        f"{found.upload.upload_id} is {found.upload.system_id}'s; here, on {mine}, it would replace "
        f"{', '.join(found.replaces)}.",
        hint="Go ahead with --force (what is there is kept aside), or look at it first: --to DIR",
    )


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise AkoshaHookError(
            f"{directory} cannot be made: {error.strerror}.",
            hint="Choose another place: akosha-hook restore --to DIR",
        ) from error
