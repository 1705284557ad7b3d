"""The last good copy of a database that the latest upload lacks: it stays whatever the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from akosha_hook.catalog import Upload


def last_good_copies(
    uploads: Sequence[Upload], forgotten: Collection[str]
) -> Mapping[str, tuple[str, ...]]:
    """Names of such databases by the id of the upload to keep; `uploads` are newest first.

    A copy counts where every object that it needs is there, even in an upload that lacks others.
    """
    latest = next((each for each in uploads if each.complete), None)
    found = set(forgotten) | (_whole(latest) if latest else set())
    kept: dict[str, tuple[str, ...]] = {}
    for each in uploads:
        if missed := _whole(each) - found:
            kept[each.upload_id] = tuple(sorted(missed))
            found |= missed
    return kept


def _whole(upload: Upload) -> set[str]:
    """Databases all of whose files can be restored from that upload."""
    if upload.manifest is None or upload.problem:
        return set()
    files_of = upload.manifest.metadata.files
    lost = {
        each.database
        for each in files_of
        if each.key in upload.missing or (each.delta and each.delta.base_key in upload.missing)
    }
    return {each.database for each in files_of} - lost
