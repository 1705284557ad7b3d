"""What a restore would do: which upload, which files, and what they would replace."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook.errors import AkoshaHookError
from akosha_hook.restore.objects import stored_objects
from akosha_hook.restore.select import select_upload
from akosha_hook.restore.sidecars import sidecars
from akosha_hook.restore.stale import stale_notes
from akosha_hook.settings.derived import data_directory

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from akosha_hook.catalog import Upload, Whose
    from akosha_hook.context import Context
    from akosha_hook.format.manifest import StoredFile
    from akosha_hook.restore.select import PassedOver, RestoreRequest
    from akosha_hook.stores.base import Info, ObjectStore


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be restored, where to, and the files there that it would replace.

    `whose` says whether the upload is this state's own. `objects` are those in the bucket that it
    takes, by key. `passed_over` are newer uploads that cannot be used.
    """

    upload: Upload
    whose: Whose
    files: tuple[StoredFile, ...]
    directory: Path
    replaces: tuple[str, ...]
    objects: Mapping[str, Info]
    notes: tuple[str, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()

    @property
    def databases(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.files if each.name == each.database)

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
    wanted = _wanted(document.metadata.files, request)
    directory = request.to or data_directory(context.settings, context.paths)
    databases = [each.name for each in wanted if each.name == each.database]
    replaces = tuple(
        path.name
        for name in databases
        for path in (directory / name, *sidecars(directory, name))
        if os.path.lexists(path)
    )
    return Plan(
        upload=selected.upload,
        whose=selected.whose,
        files=wanted,
        directory=directory,
        replaces=replaces,
        objects=stored_objects(store, wanted),
        notes=(*selected.notes, *stale_notes(wanted)),
        passed_over=selected.passed_over,
    )


def _wanted(stored: tuple[StoredFile, ...], request: RestoreRequest) -> tuple[StoredFile, ...]:
    databases = {each.database for each in stored}
    for name in request.names:
        if name not in databases:
            owner_of = {each.name: each.database for each in stored}
            hint = f"A sidecar comes with its database: --file {owner_of.get(name)}"
            there = ", ".join(sorted(databases)) or "no database"
            raise AkoshaHookError(
                f"{name} is not a database of that upload; it has {there}.",
                hint=hint if name in owner_of else "akosha-hook ls shows every upload.",
            )
    return tuple(each for each in stored if not request.names or each.database in request.names)
