"""Which names of files are believed in a manifest that is not provably this state's own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from akosha_hook.catalog.model import Upload
    from akosha_hook.catalog.ownership import Ownership

# What databases are called; akosha_databases may name others.
SUFFIXES = (".duckdb", ".ddb", ".db", ".sqlite", ".sqlite3")


def is_database_name(name: str, selected: Collection[str]) -> bool:
    """Whether a database may have that name; `selected` are names and globs of `akosha_databases`.

    A glob allows nothing more: `*` is no reason to write a `settings.json`.
    """
    if name in selected:
        return True
    return not name.startswith((".", "-")) and name.casefold().endswith(SUFFIXES)


def with_names_checked(upload: Upload, ownership: Ownership, selected: Collection[str]) -> Upload:
    """The upload, with a problem where it names what can be no database. Our own are as they are."""
    if upload.manifest is None or upload.problem or ownership.owns(upload):
        return upload
    # A sidecar's name is its database's with an ending: format/parse.py has seen to that.
    names = {each.database for each in upload.manifest.metadata.files}
    odd = sorted(name for name in names if not is_database_name(name, selected))
    if not odd:
        return upload
    return replace(
        upload,
        problem=f"The manifest of {upload.upload_id} names {odd[0]!r}, which is no name of a "
        "database, and akosha_databases does not have it either.",
    )
