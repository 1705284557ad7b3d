"""What the store has of the objects that a restore needs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from akosha_hook.catalog import READERS
from akosha_hook.errors import DamagedError
from akosha_hook.format.limits import max_stored_base

if TYPE_CHECKING:
    from collections.abc import Sequence

    from akosha_hook.format.manifest import StoredFile
    from akosha_hook.stores.base import Info, ObjectStore

HINT = "akosha-hook ls shows which uploads are complete."


def object_keys(file: StoredFile) -> tuple[str, ...]:
    """Keys of the objects that make up a file."""
    return (file.key, file.delta.base_key) if file.delta else (file.key,)


def stored_objects(store: ObjectStore, wanted: Sequence[StoredFile]) -> dict[str, Info]:
    """What is in the bucket of every object that `wanted` needs, by key.

    Raises DamagedError where one is missing or not what the manifest says.
    """
    most = {each.key: each.stored_size for each in wanted}
    for each in wanted:
        if each.delta:
            most.setdefault(each.delta.base_key, max_stored_base(each.delta))
    with ThreadPoolExecutor(READERS, thread_name_prefix="info") as pool:
        infos = dict(zip(most, pool.map(store.stat, most), strict=True))
    objects: dict[str, Info] = {}
    for key, info in infos.items():
        if info is None:
            raise DamagedError(f"{key} is not in the bucket.", hint=HINT)
        if info.size > most[key]:
            raise DamagedError(f"{key} has {info.size:,} bytes, more than its manifest allows.")
        objects[key] = info
    for each in wanted:
        if objects[each.key].size != each.stored_size:
            raise DamagedError(
                f"{each.key} has {objects[each.key].size:,} bytes in the bucket, its manifest says "
                f"{each.stored_size:,}.",
                hint=HINT,
            )
    return objects
