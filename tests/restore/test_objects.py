"""What the store has of the objects that a restore needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from akosha_hook import restore
from akosha_hook.errors import DamagedError
from akosha_hook.format.manifest import Delta, StoredFile
from akosha_hook.restore import RestoreRequest
from akosha_hook.restore.objects import object_keys, stored_objects
from akosha_hook.stores.base import Info
from tests.support.home import Home
from tests.support.recovery import (
    context,
    put,
    upload,
)

if TYPE_CHECKING:
    from akosha_hook.stores.base import ObjectStore


PREFIX = "systems/laptop/uploads/u/"


def test_an_object_of_another_size_is_noticed_before_the_download(at_home: Home) -> None:
    assert at_home.bucket is not None
    newest = upload(at_home.paths)
    put(at_home.bucket, f"systems/laptop/uploads/{newest}/reflection.duckdb", b"short")
    with pytest.raises(DamagedError, match="has 5 bytes in the bucket, its manifest says"):
        restore.restore(RestoreRequest(newest), context(at_home.paths))


class Sizes:
    """A store of which only the sizes of objects are known."""

    def __init__(self, **sizes: int) -> None:
        self.sizes = {f"{PREFIX}{name}": size for name, size in sizes.items()}
        self.asked: list[str] = []

    def stat(self, key: str) -> Info | None:
        self.asked.append(key)
        size = self.sizes.get(key)
        return None if size is None else Info(size)


def stored(name: str, size: int, *, base: str = "") -> StoredFile:
    delta = Delta(base_key=f"{PREFIX}{base}", base_sha256="0" * 64, base_size=1000)
    return StoredFile(
        name=f"{name}.duckdb",
        database=f"{name}.duckdb",
        key=f"{PREFIX}{name}",
        size=2000,
        stored_size=size,
        sha256="0" * 64,
        compression="gzip",
        delta=delta if base else None,
    )


def looked_at(store: Sizes, *wanted: StoredFile) -> dict[str, Info]:
    return stored_objects(cast("ObjectStore", store), wanted)


def test_every_object_is_looked_at_once_bases_included() -> None:
    store = Sizes(a=10, b=20, base=900)
    infos = looked_at(store, stored("a", 10, base="base"), stored("b", 20, base="base"))
    assert {key.removeprefix(PREFIX): info.size for key, info in infos.items()} == store_sizes(
        store
    )
    assert sorted(store.asked) == sorted(store.sizes)


def store_sizes(store: Sizes) -> dict[str, int]:
    return {key.removeprefix(PREFIX): size for key, size in store.sizes.items()}


@pytest.mark.parametrize(
    ("sizes", "problem"),
    [
        ({"base": 900}, "a is not in the bucket"),
        ({"a": 10}, "base is not in the bucket"),
        ({"a": 9, "base": 900}, "has 9 bytes in the bucket, its manifest says 10"),
        ({"a": 11, "base": 900}, "more than its manifest allows"),
        ({"a": 10, "base": 1_000_000}, "more than its manifest allows"),
    ],
    ids=["gone", "base gone", "cut", "grown", "base grown"],
)
def test_what_is_not_as_the_manifest_says_is_refused(sizes: dict[str, int], problem: str) -> None:
    with pytest.raises(DamagedError, match=problem):
        looked_at(Sizes(**sizes), stored("a", 10, base="base"))


def test_a_file_is_made_of_its_object_and_its_base() -> None:
    assert object_keys(stored("a", 10)) == (f"{PREFIX}a",)
    assert object_keys(stored("a", 10, base="base")) == (f"{PREFIX}a", f"{PREFIX}base")
