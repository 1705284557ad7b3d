"""What a store holds already, and what can still be referred to."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import pytest
from werkzeug import Response

from akosha_hook.errors import DeliveryError
from akosha_hook.format.manifest import Delta
from akosha_hook.settings import Settings
from akosha_hook.state.receipt import ReceiptFile
from akosha_hook.stores.s3.store import S3Store
from akosha_hook.upload.stored import (
    StoredObject,
    base_object,
    is_there,
    lost,
    not_reusable,
    objects_of,
)
from tests.support.s3_client import open_plain

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer
    from werkzeug import Request

    from akosha_hook.stores.base import ObjectStore

OWN = "systems/laptop/uploads/20261122_120000_laptop_0a1b2c/reflection.duckdb"
BASE = "systems/laptop/uploads/20260101_120000_laptop/reflection.duckdb"
HASHES = {OWN: "0" * 64, BASE: "1" * 64, f"{OWN}.wal": "0" * 64}


@dataclass
class MadeUp:
    """A bucket of `sizes` by key; `refuse` answers every request instead, if it is set.

    `hashes` and `etags` are what it says of them besides.
    """

    store: ObjectStore
    sizes: dict[str, int] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=lambda: dict(HASHES))
    etags: dict[str, str] = field(default_factory=dict)
    refuse: Response | None = None

    def answer(self, request: Request) -> Response:
        key = request.path.removeprefix("/memories/")
        if self.refuse is not None:
            return self.refuse
        if key not in self.sizes:
            return Response(status=404)
        headers = {
            "Content-Length": str(self.sizes[key]),
            "Last-Modified": "Sun, 22 Nov 2026 12:00:00 GMT",
        }
        if key in self.hashes:
            headers["x-amz-meta-sha256"] = self.hashes[key]
        if key in self.etags:
            headers["ETag"] = f'"{self.etags[key]}"'
        return Response(headers=headers)


@pytest.fixture
def made_up(httpserver: HTTPServer) -> MadeUp:
    client = open_plain(httpserver.url_for(""))
    made_up = MadeUp(S3Store(client, location="", headers={}, part_size=5 << 20, parallel=1))
    httpserver.expect_request(re.compile(".*")).respond_with_handler(made_up.answer)
    return made_up


def stored(*, days: float = 0.0, delta: Delta | None = None) -> ReceiptFile:
    """A file that was stored so many days ago."""
    return ReceiptFile(
        name="reflection.duckdb",
        database="reflection.duckdb",
        status="uploaded",
        size=100,
        sha256="0" * 64,
        key=OWN,
        stored_bytes=50,
        delta=delta,
        stored_at=int(time.time() - days * 86_400),
    )


def base(*, days: float = 0.0, size: int = 70) -> Delta:
    return Delta(
        base_key=BASE,
        base_sha256="1" * 64,
        base_size=100,
        base_stored_size=size,
        base_stored_at=int(time.time() - days * 86_400),
    )


@pytest.mark.parametrize(
    ("file", "sizes", "reusable"),
    [
        (stored(), {OWN: 50}, True),
        (stored(), {}, False),
        (stored(), {OWN: 49}, False),
        (stored(days=8), {OWN: 50}, False),
        (stored(days=-2), {OWN: 50}, False),
        (stored(delta=base()), {OWN: 50, BASE: 70}, True),
        (stored(delta=base()), {OWN: 50}, False),
        (stored(delta=base()), {OWN: 50, BASE: 71}, False),
        (stored(delta=base(size=0)), {OWN: 50, BASE: 71}, True),
        (stored(delta=base(days=8)), {OWN: 50, BASE: 70}, False),
    ],
    ids=[
        "there",
        "gone",
        "cut",
        "too old",
        "from the future",
        "with its base",
        "base gone",
        "base of another size",
        "base of unknown size",
        "base too old",
    ],
)
def test_what_is_there_whole_and_young_enough_can_be_referred_to(
    made_up: MadeUp, file: ReceiptFile, sizes: dict[str, int], reusable: bool
) -> None:
    made_up.sizes |= sizes
    settings = Settings(akosha_full_interval_days=7)
    expected = set() if reusable else {"reflection.duckdb"}
    assert not_reusable(made_up.store, [file], settings) == expected


@pytest.mark.parametrize(
    ("hashes", "etags", "noted", "is_believed"),
    [
        ({OWN: "0" * 64}, {}, "", True),
        ({OWN: "f" * 64}, {}, "", False),
        ({OWN: "f" * 64}, {OWN: "e"}, "e", False),
        ({}, {OWN: "e"}, "e", True),
        ({}, {OWN: "other"}, "e", False),
        ({}, {OWN: "e"}, "", False),
        ({}, {}, "e", False),
    ],
    ids=[
        "the hash in its metadata",
        "another hash",
        "another hash, the same digest",
        "no metadata, the digest of then",
        "no metadata, another digest",
        "no metadata, no digest noted",
        "nothing",
    ],
)
def test_an_object_is_believed_by_its_content(
    made_up: MadeUp, hashes: dict[str, str], etags: dict[str, str], noted: str, is_believed: bool
) -> None:
    """Another object of the same size may have taken its place."""
    made_up.sizes[OWN] = 50
    made_up.hashes, made_up.etags = hashes, etags
    file = msgspec.structs.replace(stored(), etag=noted)
    assert is_there(made_up.store, objects_of(file)[0]) is is_believed
    assert lost(made_up.store, [file]) == (() if is_believed else (OWN,))


def test_a_database_whose_sidecar_is_gone_cannot_be_referred_to(made_up: MadeUp) -> None:
    """It and its sidecars are one moment."""
    made_up.sizes[OWN] = 50
    sidecar = msgspec.structs.replace(stored(), name="reflection.duckdb.wal", key=f"{OWN}.wal")
    gone = not_reusable(made_up.store, [stored(), sidecar], Settings())
    assert gone == {"reflection.duckdb"}


def test_what_may_not_be_looked_at_is_neither_referred_to_nor_lost(made_up: MadeUp) -> None:
    made_up.refuse = Response(status=403)
    assert is_there(made_up.store, objects_of(stored())[0]) is False
    assert lost(made_up.store, [stored()]) == ()


def test_a_server_that_is_busy_decides_nothing(made_up: MadeUp) -> None:
    made_up.refuse = Response(status=503)
    with pytest.raises(DeliveryError):
        is_there(made_up.store, objects_of(stored())[0])
    with pytest.raises(DeliveryError):
        lost(made_up.store, [stored()])


def test_of_several_objects_those_that_are_lost_are_named(made_up: MadeUp) -> None:
    made_up.sizes[OWN] = 50
    assert lost(made_up.store, [stored(delta=base())]) == (BASE,)


def test_the_base_of_a_delta_is_known_as_it_was_stored() -> None:
    assert base_object(base(size=70)) == StoredObject(BASE, 70, "1" * 64)
