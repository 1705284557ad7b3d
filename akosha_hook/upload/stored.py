"""What a store holds already, and whether it can be referred to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from akosha_hook.errors import DeliveryError, Kind
from akosha_hook.state.receipt import is_reusable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from akosha_hook.format import manifest
    from akosha_hook.settings import Settings
    from akosha_hook.state.receipt import ReceiptFile
    from akosha_hook.stores.base import Info, ObjectStore

# Requests at once: it takes as long as one.
LOOKERS = 4


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object that was stored, as it was then.

    `size` is of the object (bytes, 0 where it was not noted), `sha256` of the file's plain bytes,
    `etag` the store's digest, "" where it was not noted.
    """

    key: str
    size: int
    sha256: str
    etag: str = ""

    def is_what(self, info: Info) -> bool:
        """Whether what the store has at that key is still this object.

        By its content, never by its key alone: the plain bytes' SHA-256 in its metadata, or the
        digest that the store gave it. A store that has neither is believed by size.
        """
        if self.size and info.size != self.size:
            return False
        if "sha256" in info.metadata:
            return info.metadata["sha256"] == self.sha256
        if self.etag and info.etag:
            return info.etag == self.etag
        return not info.metadata and not info.etag


def make_sure_it_exists(store: ObjectStore) -> None:
    """Raise DeliveryError where the store itself is not there; say nothing where none may look.

    Asked before the first upload: some servers make a bucket of whatever name is stored to, a
    misspelt one too.
    """
    try:
        next(store.list("systems/", delimiter="/"), None)
    except DeliveryError as error:
        if error.kind is not Kind.DENIED:
            raise


def objects_of(file: ReceiptFile) -> tuple[StoredObject, ...]:
    """The objects that restoring `file` needs."""
    itself = StoredObject(file.key, file.stored_bytes, file.sha256, file.etag)
    return (itself, base_object(file.delta)) if file.delta else (itself,)


def base_object(base: manifest.Delta) -> StoredObject:
    """The full upload that a delta is against."""
    return StoredObject(base.base_key, base.base_stored_size, base.base_sha256, base.base_etag)


def not_reusable(store: ObjectStore, files: Iterable[ReceiptFile], settings: Settings) -> set[str]:
    """Databases whose stored files cannot be referred to: gone, replaced, too old, or unknown."""
    databases: set[str] = set()
    for each in files:
        if each.database in databases:
            continue
        young = is_reusable(each.oldest_object_at, settings)
        if not young or not all(is_there(store, needed) for needed in objects_of(each)):
            databases.add(each.database)
    return databases


def is_there(store: ObjectStore, stored: StoredObject) -> bool:
    """Whether the object is still there as it was stored; False too where nobody may look."""
    try:
        info = store.stat(stored.key)
    except DeliveryError as error:
        if error.retryable:
            raise
        return False
    return info is not None and stored.is_what(info)


def lost(store: ObjectStore, files: Iterable[ReceiptFile]) -> tuple[str, ...]:
    """Keys of the objects that `files` need and the store lacks.

    What may not be looked at is taken to be there. Raises DeliveryError where the store cannot be
    asked now.
    """
    needed = {each.key: each for file in files for each in objects_of(file)}
    with ThreadPoolExecutor(LOOKERS, thread_name_prefix="look") as pool:
        found = pool.map(partial(_is_lost, store), needed.values())
        return tuple(key for key, is_lost in zip(needed, found, strict=True) if is_lost)


def _is_lost(store: ObjectStore, stored: StoredObject) -> bool:
    try:
        info = store.stat(stored.key)
    except DeliveryError as error:
        if error.kind is Kind.DENIED:
            return False
        raise
    return info is None or not stored.is_what(info)
