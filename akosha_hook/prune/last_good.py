"""The newest good copy of every database: it stays whatever the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from akosha_hook.catalog import Upload


def last_good_copies(
    uploads: Sequence[Upload], forgotten: Collection[str]
) -> Mapping[str, tuple[str, ...]]:
    """Names of databases by the id of the upload that has their newest good copy.

    `uploads` are newest first; what the latest complete one has is left out, since that is kept
    anyhow. A copy counts where every object that it needs is there, even in an upload that lacks
    others.
    """
    latest = next((each for each in uploads if each.complete), None)
    kept_anyhow = _whole(latest) if latest else {}
    found = set(forgotten)
    kept: dict[str, tuple[str, ...]] = {}
    for each in uploads:
        copies = _whole(each)
        missed = {
            name
            for name, content in copies.items()
            if name not in found and content != kept_anyhow.get(name)
        }
        if missed:
            kept[each.upload_id] = tuple(sorted(missed))
        found |= copies.keys()
    return kept


def _whole(upload: Upload) -> dict[str, frozenset[tuple[str, str]]]:
    """Databases all of whose files can be restored from that upload, with names and hashes of those."""
    if upload.manifest is None or upload.problem:
        return {}
    files_of = upload.manifest.metadata.files
    lost = {
        each.database
        for each in files_of
        if each.key in upload.missing or (each.delta and each.delta.base_key in upload.missing)
    }
    return {
        name: frozenset((each.name, each.sha256) for each in files_of if each.database == name)
        for name in {each.database for each in files_of} - lost
    }
