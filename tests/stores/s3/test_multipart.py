"""Storing one object: in one piece or in parts, announced before it begins, verified at the end."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from werkzeug import Response

from akosha_hook.errors import DeliveryError
from akosha_hook.state.journal import Journal
from akosha_hook.stores.s3.multipart import MAX_PARTS, MIB, ObjectPlan, part_size_for, store
from tests.support.s3_answers import XML, error

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer
    from werkzeug import Request

    from akosha_hook.stores.s3.client import S3Client

KEY = "systems/laptop/uploads/u/reflection.duckdb"
PARTS = [b"1" * MIB, b"2" * MIB, b"3"]


def plan(parts: list[bytes]) -> ObjectPlan:
    return ObjectPlan(KEY, {}, "identity", "0" * 64, MIB, lambda: iter(parts))


class MadeUpServer:
    """As much of S3 as a multipart upload takes; `journals` is what was on disk at each request."""

    def __init__(self, server: HTTPServer, journal: Path) -> None:
        self.stored: dict[int, bytes] = {}
        self.requests: list[str] = []
        self.journals: list[str] = []
        self.denied_listing = False
        self._journal = journal
        server.expect_request(re.compile(".*")).respond_with_handler(self.answer)

    def answer(self, request: Request) -> Response:
        number = int(request.args.get("partNumber", 0))
        self.requests.append(f"{request.method} {number}".removesuffix(" 0"))
        self.journals.append(self._journal.read_text() if self._journal.exists() else "")
        if request.method == "HEAD":
            length = str(sum(map(len, self.stored.values())))
            when = "Sun, 22 Nov 2026 12:00:00 GMT"
            return Response(headers={"Content-Length": length, "Last-Modified": when})
        if request.method == "PUT":
            self.stored[number] = request.data
            return Response(headers={"ETag": md5(request.data)})
        if request.method == "GET" and self.denied_listing:
            return error(403, "AccessDenied")
        if request.method == "GET":
            parts = "".join(
                f"<Part><PartNumber>{number}</PartNumber><Size>{len(data)}</Size>"
                f"<ETag>{md5(data)}</ETag></Part>"
                for number, data in self.stored.items()
            )
            return Response(f"<L><IsTruncated>false</IsTruncated>{parts}</L>", content_type=XML)
        document = f"<R><UploadId>id</UploadId><Key>{KEY}</Key><ETag>x</ETag></R>"
        return Response(document, content_type=XML)


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "upload.journal")


@pytest.fixture
def server(httpserver: HTTPServer, tmp_path: Path) -> MadeUpServer:
    return MadeUpServer(httpserver, tmp_path / "upload.journal")


def test_what_fits_in_a_part_is_one_request(
    client: S3Client, server: MadeUpServer, journal: Journal
) -> None:
    assert store(client, plan([b"small"]), parallel=1, journal=journal).verified == "etag"
    assert server.requests == ["PUT"]


def test_an_upload_is_announced_on_disk_before_the_server_hears_of_it(
    client: S3Client, server: MadeUpServer, journal: Journal
) -> None:
    """Killed in between, nobody else would know that there is something to abort."""
    store(client, plan(PARTS), parallel=1, journal=journal)
    assert server.requests == ["POST", "PUT 1", "PUT 2", "PUT 3", "POST", "HEAD"]
    begins, first, second, *_, completes, _ = server.journals
    assert f'"{KEY}"' in begins
    assert '"multipart_id": ""' in begins
    assert '"multipart_id": "id"' in first
    assert md5(PARTS[0]) in second
    assert md5(PARTS[2]) in completes
    assert journal.partial == {}


def interrupted(client: S3Client, server: MadeUpServer, journal: Journal) -> None:
    """Two parts get there, and one of them is written down as another."""

    def parts() -> list[bytes]:
        raise DeliveryError("The test pulls the plug.")

    def stream():  # type: ignore[no-untyped-def]
        yield from PARTS[:2]
        parts()

    broken = ObjectPlan(KEY, {}, "identity", "0" * 64, MIB, stream)
    with pytest.raises(DeliveryError, match="pulls the plug"):
        store(client, broken, parallel=1, journal=journal)
    assert sorted(journal.partial[KEY].parts) == [1, 2]
    server.requests.clear()


def test_parts_that_the_server_has_are_not_sent_again(
    client: S3Client, server: MadeUpServer, journal: Journal, tmp_path: Path
) -> None:
    interrupted(client, server, journal)
    again = Journal.read(tmp_path / "upload.journal")
    store(client, plan(PARTS), parallel=1, journal=again)
    assert server.requests == ["GET", "PUT 3", "POST", "HEAD"]


def test_a_part_that_the_server_lost_is_sent_again(
    client: S3Client, server: MadeUpServer, journal: Journal
) -> None:
    interrupted(client, server, journal)
    del server.stored[1]
    store(client, plan(PARTS), parallel=1, journal=journal)
    assert server.requests == ["GET", "PUT 1", "PUT 3", "POST", "HEAD"]


def test_where_parts_may_not_be_listed_what_was_written_down_counts(
    client: S3Client, server: MadeUpServer, journal: Journal
) -> None:
    interrupted(client, server, journal)
    server.denied_listing = True
    store(client, plan(PARTS), parallel=1, journal=journal)
    assert server.requests == ["GET", "PUT 3", "POST", "HEAD"]


@pytest.mark.parametrize(
    ("size", "part_size"),
    [
        (0, 8 * MIB),
        (8 * MIB * MAX_PARTS, 8 * MIB),
        (8 * MIB * MAX_PARTS + 1, 9 * MIB),
        (10**12, 96 * MIB),
    ],
)
def test_parts_grow_with_the_object_so_that_they_are_never_too_many(
    size: int, part_size: int
) -> None:
    assert part_size_for(size, 8 * MIB) == part_size
    assert -(-size // part_size) <= MAX_PARTS
