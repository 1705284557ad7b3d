"""What every store promises, asked of each real one.

A store without user metadata, digests or uploads in parts passes too: what it cannot tell is not
asked for.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from akosha_hook.errors import DeliveryError, Kind
from akosha_hook.state.journal import Journal
from akosha_hook.stores.base import Content, read_at_most

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from akosha_hook.stores.base import ObjectStore

PART = 5 << 20
TEXT = b"memories " * 500


def content(data: bytes, **changes: object) -> Content:
    """`data`, handed over in pieces that have nothing to do with any store's parts."""

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(data), 700_001):
            yield data[start : start + 700_001]

    described: dict[str, object] = {
        "sha256": hashlib.sha256(data).hexdigest(),
        "metadata": {"size": str(len(data))},
    }
    return Content(chunks, len(data), **{**described, **changes})  # type: ignore[arg-type]


def stored(store: ObjectStore, key: str) -> bytes:
    with store.open(key) as reader:
        return reader.read()


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 1])
def test_an_object_of_any_size_comes_back_as_it_was(
    store: ObjectStore, prefix: str, size: int
) -> None:
    data = hashlib.shake_128(b"memories").digest(size)
    result = store.put(f"{prefix}object", content(data))
    assert (result.key, result.size) == (f"{prefix}object", size)
    assert result.verified in {"etag", "size"}
    assert stored(store, f"{prefix}object") == data


def test_a_size_that_was_only_guessed_is_no_limit(store: ObjectStore, prefix: str) -> None:
    data = hashlib.shake_128(b"guess").digest(PART + 17)
    store.put(f"{prefix}object", Content(lambda: iter([data]), 1))
    assert stored(store, f"{prefix}object") == data


def test_what_is_there_is_told_and_what_is_not_is_none(store: ObjectStore, prefix: str) -> None:
    store.put(f"{prefix}object", content(TEXT))
    info = store.stat(f"{prefix}object")
    assert info is not None
    assert info.size == len(TEXT)
    assert info.metadata.get("size", str(len(TEXT))) == str(len(TEXT))
    assert store.stat(f"{prefix}missing") is None


def test_stored_bytes_are_read_in_any_range_and_never_decoded(
    store: ObjectStore, prefix: str
) -> None:
    key = f"{prefix}packed"
    store.put(key, content(TEXT, encoding="gzip"))
    with store.open(key, 10, 30) as reader:
        assert reader.read(7) + reader.read() == TEXT[10:30]
    with store.open(key, len(TEXT) - 5) as reader:
        assert reader.read() == TEXT[-5:]
    with store.open(key, len(TEXT) - 5, len(TEXT) + 100) as reader:
        assert reader.read() == TEXT[-5:]
    with store.open(key, len(TEXT) + 1, len(TEXT) + 9) as reader:
        assert reader.read() == b""


def test_a_missing_object_cannot_be_read(store: ObjectStore, prefix: str) -> None:
    with pytest.raises(DeliveryError) as caught, store.open(f"{prefix}missing", 0, 10) as reader:
        reader.read()
    assert caught.value.kind is Kind.MISSING
    assert read_at_most(store, f"{prefix}missing", 10) is None


def test_the_beginning_of_an_object_is_enough(store: ObjectStore, prefix: str) -> None:
    store.put(f"{prefix}text", content(TEXT))
    store.put(f"{prefix}empty", content(b""))
    assert read_at_most(store, f"{prefix}text", 8) == TEXT[:8]
    assert read_at_most(store, f"{prefix}text", 1 << 20) == TEXT
    assert read_at_most(store, f"{prefix}empty", 8) == b""


def test_a_listing_is_in_the_order_of_keys(store: ObjectStore, prefix: str) -> None:
    for name in ("c", "b/1", "a/2", "a/1"):
        store.put(prefix + name, content(name.encode()))
    assert [each.key.removeprefix(prefix) for each in store.list(prefix)] == [
        "a/1",
        "a/2",
        "b/1",
        "c",
    ]
    assert [each.size for each in store.list(f"{prefix}a/")] == [3, 3]
    after = store.list(prefix, start_after=f"{prefix}a/2")
    assert [each.key for each in after] == [f"{prefix}b/1", f"{prefix}c"]
    assert list(store.list(f"{prefix}nothing/")) == []


def test_a_delimiter_gathers_what_lies_below(store: ObjectStore, prefix: str) -> None:
    for name in ("a/1", "a/2", "b/1", "c"):
        store.put(prefix + name, content(b"x"))
    listed = [(each.key, each.is_prefix) for each in store.list(prefix, delimiter="/")]
    assert sorted(listed) == [(f"{prefix}a/", True), (f"{prefix}b/", True), (f"{prefix}c", False)]


def test_a_copy_has_the_same_bytes(store: ObjectStore, prefix: str) -> None:
    store.put(f"{prefix}one", content(TEXT))
    store.copy(f"{prefix}one", f"{prefix}other")
    assert stored(store, f"{prefix}other") == TEXT
    assert stored(store, f"{prefix}one") == TEXT


def test_deleted_objects_are_gone_and_deleting_again_is_fine(
    store: ObjectStore, prefix: str
) -> None:
    keys = [f"{prefix}{number}" for number in range(12)]
    for key in keys:
        store.put(key, content(TEXT))
    store.delete(keys[:11])
    store.delete(keys[:1])
    assert [each.key for each in store.list(prefix)] == keys[11:]
    assert store.stat(keys[0]) is None


def test_an_upload_that_broke_off_is_continued_or_begun_anew(
    store: ObjectStore, prefix: str, tmp_path: Path
) -> None:
    """Nothing is there before it is whole, and nothing is left over afterwards."""
    key, data = f"{prefix}object", hashlib.shake_128(b"resume").digest(3 * PART)
    journal = Journal(tmp_path / "upload.journal")

    def cut_off() -> Iterator[bytes]:
        yield data[: 2 * PART + 1]
        raise DeliveryError("The test pulls the plug.", retryable=True)

    whole = content(data)
    broken = Content(cut_off, whole.size, sha256=whole.sha256, metadata=whole.metadata)
    with pytest.raises(DeliveryError, match="pulls the plug"):
        store.put(key, broken, journal)
    assert store.stat(key) is None
    again = Journal.read(tmp_path / "upload.journal")
    assert store.put(key, whole, again).size == len(data)
    assert stored(store, key) == data
    assert store.unfinished(prefix) == ()
    assert not again.partial


def test_an_upload_that_nobody_continues_can_be_aborted(
    store: ObjectStore, prefix: str, tmp_path: Path
) -> None:
    key, data = f"{prefix}object", hashlib.shake_128(b"abort").digest(3 * PART)
    journal = Journal(tmp_path / "upload.journal")

    def cut_off() -> Iterator[bytes]:
        yield data[: 2 * PART + 1]
        raise DeliveryError("The test pulls the plug.", retryable=True)

    with pytest.raises(DeliveryError, match="pulls the plug"):
        store.put(key, Content(cut_off, len(data)), journal)
    for partial in journal.partial.values():
        assert store.abort(partial) == ""
        assert store.abort(partial) == ""
    for upload in store.unfinished(prefix):
        store.abort(upload)
    assert store.unfinished(prefix) == ()
    assert store.stat(key) is None


def test_a_store_says_what_it_is(store: ObjectStore) -> None:
    description = store.describe()
    assert description.name
    assert str(description) == f"{description.kind} {description.name}"
