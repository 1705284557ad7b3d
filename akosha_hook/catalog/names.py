"""Which names of databases and sets are believed in a manifest that is not provably our own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from akosha_hook.snapshot.finding import has_suffix
from akosha_hook.snapshot.sets import set_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from akosha_hook.catalog.model import Upload
    from akosha_hook.catalog.ownership import Ownership
    from akosha_hook.format.manifest import StoredFile


def is_database_name(name: str, selected: Collection[str]) -> bool:
    """Whether a database may have that name; `selected` are names and globs of `akosha_databases`.

    A glob allows nothing more: `*` is no reason to write a `settings.json`.
    """
    if name in selected:
        return True
    return not name.startswith((".", "-")) and has_suffix(name)


def may_be_called_so(file: StoredFile, selected: Collection[str]) -> bool:
    """Whether a file of that kind may have its name; `selected` is as in `is_database_name`."""
    if file.kind == "files":
        return set_of(file.name) is not None
    # A sidecar's name is its database's with an ending: format/parse.py has seen to that.
    return is_database_name(file.database, selected)


def with_names_checked(upload: Upload, ownership: Ownership, selected: Collection[str]) -> Upload:
    """The upload, with what in it is called as no database usually is. Our own are as they are.

    A problem where it holds nothing else. What is backed up is told by its bytes, so that a genuine
    upload may well have a database of any name; but nobody else can make us write a file of it.
    """
    if upload.manifest is None or upload.problem or ownership.owns(upload):
        return upload
    listed = upload.manifest.metadata.files
    odd = {each.database for each in listed if not may_be_called_so(each, selected)}
    if not odd:
        return upload
    names = tuple(sorted(odd))
    if odd != {each.database for each in listed}:
        return replace(upload, odd_names=names)
    return replace(
        upload,
        problem=f"The manifest of {upload.upload_id} names {names[0]!r}, which is no name of a "
        "database, and akosha_databases does not have it either.",
    )
