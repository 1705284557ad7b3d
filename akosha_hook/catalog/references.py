"""What later uploads refer to: asked before anything is deleted that they may need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.catalog.listing import read_upload
from akosha_hook.format import manifest
from akosha_hook.format.parse import referenced_keys, upload_of

if TYPE_CHECKING:
    from akosha_hook.stores.base import ObjectStore

# Later ones are read one by one.
MOST_READ = 100


def referenced_after(store: ObjectStore, system_id: str, upload_id: str) -> frozenset[str] | None:
    """Keys that uploads of the system refer to whose ids sort behind `upload_id`, whoever's.

    None where that cannot be said: one of them cannot be read, or there are more than 100.
    """
    prefix = manifest.prefix(system_id, upload_id)
    # Behind every key below the prefix: "0" follows "/".
    behind = prefix.removesuffix("/") + "0"
    listed = store.list(f"systems/{system_id}/uploads/", start_after=behind)
    later = [
        names[1] for each in listed if _is_manifest(each.key) and (names := upload_of(each.key))
    ]
    if len(later) > MOST_READ:
        return None
    keys: set[str] = set()
    for each in later:
        upload = read_upload(store, system_id, each)
        if upload is None:
            continue
        if upload.manifest is None:
            return None
        keys |= referenced_keys(upload.manifest)
    return frozenset(keys)


def _is_manifest(key: str) -> bool:
    return key.endswith(f"/{manifest.NAME}")
