"""The independent reader sees what is wrong with a bucket: else the schedules would prove nothing."""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import Any

import msgspec
import pytest

from akosha_hook.state.receipts import Receipts
from tests.support.deltas import encode
from tests.support.faulty_home import MIB, FaultyHome
from tests.support.reader import NotWholeError, Reader, Upload, apply

DAY = 86_400


@pytest.fixture
def reader(faulty_home: FaultyHome) -> Reader:
    """Two uploads are in the bucket: the second is a delta on the first."""
    faulty_home.configure(akosha_enable_delta=True, akosha_enable_compression=True)
    content = faulty_home.write(2 * MIB)
    assert faulty_home.sync().success
    faulty_home.database.write_bytes(content[:-100] + bytes(100))
    assert faulty_home.sync().success
    return Reader(faulty_home.store.client, faulty_home.store.name)


def _newest(reader: Reader) -> Upload:
    return reader.look().uploads[0]


def _put(faulty_home: FaultyHome, key: str, data: bytes, **metadata: Any) -> None:
    store = faulty_home.store
    store.client.put_object(store.name, key, io.BytesIO(data), len(data), metadata=metadata or None)


def test_what_is_whole_is_found_whole(faulty_home: FaultyHome, reader: Reader) -> None:
    look = reader.look()
    newest, first = look.uploads
    assert newest.whole
    assert first.whole
    assert newest.files[0]["delta"]
    assert reader.content(newest, "reflection.duckdb") == faulty_home.database.read_bytes()
    assert look.latest() == newest
    assert look.unneeded() == []


def test_a_delta_that_was_carried_forward_with_its_base_is_found_whole(
    faulty_home: FaultyHome, reader: Reader
) -> None:
    content = faulty_home.database.read_bytes()
    receipts = Receipts(faulty_home.paths)
    last = receipts.newest_first()[0]
    (file,) = last.files
    assert file.delta is not None
    old = msgspec.structs.replace(
        file,
        stored_at=file.stored_at - 8 * DAY,
        delta=msgspec.structs.replace(
            file.delta, base_stored_at=file.delta.base_stored_at - 8 * DAY
        ),
    )
    started = (
        f"{dt.datetime.fromisoformat(last.started) - dt.timedelta(days=8):%Y-%m-%dT%H:%M:%S+00:00}"
    )
    receipts.save(msgspec.structs.replace(last, started=started, files=(old,)))
    faulty_home.database.unlink()
    assert faulty_home.sync().state == "uploaded"
    newest = _newest(reader)
    assert newest.problem == ""
    assert len(newest.document["files"]) == 2
    assert newest.files[0]["delta"]["base_key"] in newest.needs
    assert reader.content(newest, "reflection.duckdb") == content


@pytest.mark.parametrize("which", ["key", "base_key"])
def test_an_object_that_is_gone_is_missed(
    faulty_home: FaultyHome, reader: Reader, which: str
) -> None:
    (file,) = _newest(reader).files
    key = file["key"] if which == "key" else file["delta"]["base_key"]
    faulty_home.store.client.remove_object(faulty_home.store.name, key)
    newest = _newest(reader)
    assert "is not there" in newest.problem
    latest = reader.look().latest()
    assert (latest is None) == (which == "base_key")


def test_an_object_of_the_same_size_with_other_bytes_is_seen(
    faulty_home: FaultyHome, reader: Reader
) -> None:
    (file,) = _newest(reader).files
    data = bytearray(faulty_home.store.read(file["key"]))
    data[len(data) // 2] ^= 1
    _put(faulty_home, file["key"], bytes(data), sha256=file["sha256"], size=str(file["size"]))
    assert not _newest(reader).whole


def test_an_object_that_was_written_twice_is_seen(faulty_home: FaultyHome, reader: Reader) -> None:
    (file,) = _newest(reader).files
    _put(faulty_home, file["key"], b"other")
    assert "overwritten" in _newest(reader).problem


def test_a_manifest_that_says_something_else_is_seen(
    faulty_home: FaultyHome, reader: Reader
) -> None:
    newest = _newest(reader)
    document = json.loads(json.dumps(newest.document))
    document["metadata"]["files"][0]["sha256"] = "0" * 64
    key = f"systems/{newest.system_id}/uploads/{newest.upload_id}/manifest.json"
    _put(faulty_home, key, json.dumps(document).encode())
    assert "sha256" in _newest(reader).problem


def test_what_no_manifest_names_is_unneeded(faulty_home: FaultyHome, reader: Reader) -> None:
    newest = _newest(reader)
    prefix = f"systems/{newest.system_id}/uploads"
    _put(faulty_home, f"{prefix}/20260101_000000_x_abcdef/reflection.duckdb", b"half")
    assert reader.look().unneeded() == [f"{prefix}/20260101_000000_x_abcdef/reflection.duckdb"]
    first = reader.look().uploads[1]
    faulty_home.store.client.remove_object(
        faulty_home.store.name, f"{prefix}/{first.upload_id}/manifest.json"
    )
    assert len(reader.look().unneeded()) == 1


def test_extents_that_leave_a_gap_are_refused() -> None:
    base = bytes(16_384)
    good = encode(base, base[:-10] + b"x" * 10)
    assert apply(good, base) == base[:-10] + b"x" * 10
    with pytest.raises(NotWholeError, match="gap"):
        apply(encode(base, base[:-10] + b"x" * 10, copies=[[0, 0, 4096]]), base)
