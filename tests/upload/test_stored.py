"""What a store holds already: which names are taken, and what can still be referred to."""

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
from akosha_hook.upload.stored import base_object, free_upload_id, is_there, not_reusable
from tests.support.jobs import ME
from tests.support.s3_answers import XML, error
from tests.support.s3_client import open_plain

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer
    from werkzeug import Request

    from akosha_hook.stores.base import ObjectStore

CANDIDATE = "20261122_120000_laptop"
UNIQUE = f"{CANDIDATE}_{ME.machine_id[:6]}"
OWN = f"systems/laptop/uploads/{CANDIDATE}/reflection.duckdb"
BASE = "systems/laptop/uploads/20260101_120000_laptop/reflection.duckdb"


@dataclass
class MadeUp:
    """A bucket of `sizes` by key; `refuse` answers every request instead, if it is set."""

    store: ObjectStore
    sizes: dict[str, int] = field(default_factory=dict)
    refuse: Response | None = None
    asked: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Response:
        key = request.path.removeprefix("/memories").removeprefix("/")
        self.asked.append(f"{request.method} {key or request.args.get('prefix', '')}")
        if self.refuse is not None:
            return self.refuse
        if request.method == "HEAD":
            when = "Sun, 22 Nov 2026 12:00:00 GMT"
            size = self.sizes.get(key)
            if size is None:
                return Response(status=404)
            return Response(headers={"Content-Length": str(size), "Last-Modified": when})
        entries = "".join(
            f"<Contents><Key>{name}</Key><Size>{size}</Size></Contents>"
            for name, size in self.sizes.items()
            if name.startswith(request.args["prefix"])
        )
        listing = f"<ListBucketResult><Name>memories</Name>{entries}</ListBucketResult>"
        return Response(listing, content_type=XML)


@pytest.fixture
def made_up(httpserver: HTTPServer) -> MadeUp:
    client = open_plain(httpserver.url_for(""))
    made_up = MadeUp(S3Store(client, location="", headers={}, part_size=5 << 20, parallel=1))
    httpserver.expect_request(re.compile(".*")).respond_with_handler(made_up.answer)
    return made_up


def free(made_up: MadeUp, *used: str) -> str:
    return free_upload_id(made_up.store, CANDIDATE, ME, lambda name: name in used)


def test_a_name_that_nobody_uses_is_taken(made_up: MadeUp) -> None:
    assert free(made_up) == CANDIDATE
    assert len(made_up.asked) == 1


def test_a_name_that_another_machine_uses_gets_a_suffix_of_this_one(made_up: MadeUp) -> None:
    made_up.sizes[OWN] = 10
    assert free(made_up) == UNIQUE
    assert free(made_up, UNIQUE) == f"{UNIQUE}_2"


def test_a_name_of_an_earlier_upload_of_this_machine_is_not_even_asked_for(made_up: MadeUp) -> None:
    assert free(made_up, CANDIDATE) == UNIQUE
    assert len(made_up.asked) == 1


def test_where_listing_is_denied_the_name_is_unique_by_itself(made_up: MadeUp) -> None:
    made_up.refuse = error(403, "AccessDenied")
    assert free(made_up) == UNIQUE
    assert free(made_up, UNIQUE) == f"{UNIQUE}_2"


def test_a_server_that_cannot_be_asked_gives_no_name(made_up: MadeUp) -> None:
    made_up.refuse = error(503, "SlowDown")
    with pytest.raises(DeliveryError):
        free(made_up)


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


def test_a_database_whose_sidecar_is_gone_cannot_be_referred_to(made_up: MadeUp) -> None:
    """It and its sidecars are one moment."""
    made_up.sizes[OWN] = 50
    sidecar = msgspec.structs.replace(stored(), name="reflection.duckdb.wal", key=f"{OWN}.wal")
    gone = not_reusable(made_up.store, [stored(), sidecar], Settings())
    assert gone == {"reflection.duckdb"}


def test_what_may_not_be_looked_at_counts_as_not_there(made_up: MadeUp) -> None:
    made_up.refuse = Response(status=403)
    assert is_there(made_up.store, OWN, 50) is False


def test_a_server_that_is_busy_decides_nothing(made_up: MadeUp) -> None:
    made_up.refuse = Response(status=503)
    with pytest.raises(DeliveryError):
        is_there(made_up.store, OWN, 50)


def test_a_base_without_a_noted_size_has_none() -> None:
    assert base_object(base(size=0)) == (BASE, None)
    assert base_object(base(size=70)) == (BASE, 70)
