"""Which names of databases and sets are believed in a manifest that is not provably our own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from akosha_hook.snapshot.sets import set_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from akosha_hook.catalog.model import Upload
    from akosha_hook.catalog.ownership import Ownership
    from akosha_hook.format.manifest import StoredFile

# What databases are called; akosha_databases may name others.
SUFFIXES = (".duckdb", ".ddb", ".db", ".sqlite", ".sqlite3")


def is_database_name(name: str, selected: Collection[str]) -> bool:
    """Whether a database may have that name; `selected` are names and globs of `akosha_databases`.

    A glob allows nothing more: `*` is no reason to write a `settings.json`.
    """
    if name in selected:
        return True
    return not name.startswith((".", "-")) and name.casefold().endswith(SUFFIXES)


def may_be_called_so(file: StoredFile, selected: Collection[str]) -> bool:
    """Whether a file of that kind may have its name; `selected` is as in `is_database_name`."""
    if file.kind == "files":
        return set_of(file.name) is not None
    # A sidecar's name is its database's with an ending: format/parse.py has seen to that.
    return is_database_name(file.database, selected)


def with_names_checked(upload: Upload, ownership: Ownership, selected: Collection[str]) -> Upload:
    """The upload, with a problem where it names what can be no database. Our own are as they are."""
    if upload.manifest is None or upload.problem or ownership.owns(upload):
        return upload
    listed = upload.manifest.metadata.files
    odd = sorted(each.database for each in listed if not may_be_called_so(each, selected))
    if not odd:
        return upload
    return replace(
        upload,
        problem=f"The manifest of {upload.upload_id} names {odd[0]!r}, which is no name of a "
        "database, and akosha_databases does not have it either.",
    )
