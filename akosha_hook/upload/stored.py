"""What a store holds already: whether it can be referred to, and which names are taken."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from akosha_hook.errors import DeliveryError, Kind
from akosha_hook.format import manifest
from akosha_hook.state.receipt import is_reusable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from akosha_hook.settings import Settings
    from akosha_hook.state.identity import Identity
    from akosha_hook.state.receipt import ReceiptFile
    from akosha_hook.stores.base import ObjectStore


def free_upload_id(
    store: ObjectStore, candidate: str, identity: Identity, is_used: Callable[[str], bool]
) -> str:
    """`candidate`, or with a suffix where another machine of that name uses it.

    `is_used` tells which ids this machine has used itself: where listing is denied, as by a policy
    that lacks it, nothing else does.
    """
    names = (each for each in _names(candidate, identity.machine_id) if not is_used(each))
    for name in names:
        try:
            if next(store.list(manifest.prefix(identity.system_id, name)), None) is None:
                return name
        except DeliveryError as error:
            if error.kind is not Kind.DENIED:
                raise
            return name if name != candidate else next(names)
    raise AssertionError("there is always another name")


def _names(candidate: str, machine_id: str) -> Iterator[str]:
    unique = f"{candidate}_{machine_id[:6]}"
    yield from (candidate, unique)
    yield from (f"{unique}_{number}" for number in itertools.count(2))


def not_reusable(store: ObjectStore, files: Iterable[ReceiptFile], settings: Settings) -> set[str]:
    """Databases whose stored files cannot be referred to: gone, too old, or nobody can tell."""
    databases: set[str] = set()
    for each in files:
        if each.database in databases:
            continue
        young = is_reusable(each.oldest_object_at, settings)
        if not young or not all(is_there(store, *needed) for needed in _objects(each)):
            databases.add(each.database)
    return databases


def is_there(store: ObjectStore, key: str, size: int | None) -> bool:
    """Whether the object is there, at that size where one is known (bytes)."""
    try:
        info = store.stat(key)
    except DeliveryError as error:
        if error.retryable:
            raise
        return False
    return info is not None and (size is None or info.size == size)


def _objects(file: ReceiptFile) -> list[tuple[str, int | None]]:
    """Keys, with stored size where known, that restoring `file` needs."""
    return [(file.key, file.stored_bytes), *([base_object(file.delta)] if file.delta else [])]


def base_object(base: manifest.Delta) -> tuple[str, int | None]:
    """The key of a delta's base, with its stored size where known."""
    return base.base_key, base.base_stored_size or None
