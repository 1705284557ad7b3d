"""What a restore would do: which upload, which files, and what they would replace."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from akosha_hook.errors import AkoshaHookError
from akosha_hook.restore import places
from akosha_hook.restore.objects import stored_objects
from akosha_hook.restore.select import select_upload
from akosha_hook.restore.sidecars import sidecars
from akosha_hook.restore.stale import stale_notes
from akosha_hook.settings.derived import data_directory
from akosha_hook.snapshot.sets import file_set, item_of, set_of
from akosha_hook.snapshot.tree import listing
from akosha_hook.util.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from akosha_hook.catalog import Upload, Whose
    from akosha_hook.context import Context
    from akosha_hook.format.manifest import StoredFile
    from akosha_hook.restore.select import PassedOver, RestoreRequest
    from akosha_hook.snapshot.sets import FileSet
    from akosha_hook.stores.base import Info, ObjectStore


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be restored, where to, and the files there that it would replace.

    `whose` says whether the upload is this state's own. `objects` are those in the bucket that it
    takes, by key. `passed_over` are newer uploads that cannot be used. `sets` are the sets of files
    in it, with where they go; of those in `guarded` something here may be replaced, or is to be
    followed by Claude. `elsewhere` are databases that do not go to `directory`, with their paths.
    """

    upload: Upload
    whose: Whose
    files: tuple[StoredFile, ...]
    directory: Path
    replaces: tuple[str, ...]
    objects: Mapping[str, Info]
    notes: tuple[str, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()
    sets: tuple[FileSet, ...] = ()
    guarded: tuple[str, ...] = ()
    elsewhere: Mapping[str, Path] = field(default_factory=dict)

    @property
    def items(self) -> tuple[str, ...]:
        """Names of the databases and sets."""
        return tuple(each.name for each in self.files if each.name == each.database)

    @property
    def databases(self) -> tuple[str, ...]:
        return tuple(name for name in self.items if set_of(name) is None)

    @property
    def directories(self) -> tuple[Path, ...]:
        """Where its databases and sets go."""
        inside = [self.directory] if set(self.items) - set(self.elsewhere) else []
        return tuple(dict.fromkeys([*inside, *(each.parent for each in self.elsewhere.values())]))

    @property
    def kinds(self) -> dict[str, str]:
        """The kind of each database, by name."""
        kinds = {each.name: each.kind or "duckdb" for each in self.files}
        return {name: kinds[name] for name in self.databases}

    @property
    def download_bytes(self) -> int:
        return sum(each.size for each in self.objects.values())


def plan(store: ObjectStore, request: RestoreRequest, context: Context) -> Plan:
    """Select the upload and make sure that the store has all of it. Changes nothing.

    Raises AkoshaHookError, DamagedError.
    """
    selected = select_upload(store, request, context)
    document = selected.upload.manifest
    assert document is not None
    odd = selected.upload.odd_names
    wanted = _wanted(document.metadata.files, request, odd)
    directory = request.to or data_directory(context.settings, context.paths)
    databases = [
        each.name for each in wanted if each.name == each.database and each.kind != "files"
    ]
    sets = tuple(_file_set(each.name, request, context) for each in wanted if each.kind == "files")
    outside = places.elsewhere(databases, request, context)
    replaces = tuple(
        path.name
        for name in databases
        for here in (outside.get(name, directory / name),)
        for path in (here, *sidecars(here.parent, name))
        if os.path.lexists(path)
    )
    return Plan(
        upload=selected.upload,
        whose=selected.whose,
        files=wanted,
        directory=directory,
        replaces=replaces,
        objects=stored_objects(store, wanted),
        notes=(*selected.notes, *stale_notes(wanted), *_odd_notes(odd, request)),
        passed_over=selected.passed_over,
        sets=sets,
        guarded=tuple(each.item for each in sets if not request.to and _is_guarded(each)),
        elsewhere=outside,
    )


def _file_set(item: str, request: RestoreRequest, context: Context) -> FileSet:
    """The set stored under that name, where it is to be restored."""
    name = set_of(item)
    if name is None:
        raise AkoshaHookError(
            f"{item} is a set of files that this version does not know.",
            hint="pip install -U akosha-hook, or name what to restore: akosha-hook restore --file NAME",
        )
    here = file_set(name, context.settings, context.paths)
    return replace(here, root=request.to / name) if request.to else here


def _is_guarded(files: FileSet) -> bool:
    """Whether only what is known to be this machine's own is put there unasked."""
    return files.is_followed or bool(listing(files).members)


def _wanted(
    stored: tuple[StoredFile, ...], request: RestoreRequest, odd: tuple[str, ...]
) -> tuple[StoredFile, ...]:
    databases = {each.database for each in stored}
    names = {item_of(name) for name in request.names}
    for name in names:
        if name in odd:
            raise AkoshaHookError(
                f"{one_line(name)} is not restored: no database is usually called so, and this "
                "machine has no record of that upload.",
                hint=_lets_it(name),
            )
        if name not in databases:
            owner_of = {each.name: each.database for each in stored}
            hint = f"A sidecar comes with its database: --file {owner_of.get(name)}"
            there = ", ".join(sorted(databases)) or "no database"
            raise AkoshaHookError(
                f"{name} is not a database of that upload; it has {there}.",
                hint=hint if name in owner_of else "akosha-hook ls shows every upload.",
            )
    believed = tuple(each for each in stored if each.database not in odd)
    return tuple(each for each in believed if not names or each.database in names)


def _odd_notes(odd: tuple[str, ...], request: RestoreRequest) -> tuple[str, ...]:
    if request.names:
        return ()
    return tuple(
        f"{one_line(name)} is left out: no database is usually called so, and this machine has no "
        f"record of that upload. {_lets_it(name)}"
        for name in odd
    )


def _lets_it(name: str) -> str:
    patterns = shlex.quote(f"*,{one_line(name)}")
    return f"To restore it all the same: akosha-hook config set akosha_databases {patterns}"
