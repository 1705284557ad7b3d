"""Aborting what nobody will complete: gone, a note where that is denied, else tried again later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from werkzeug import Response

from akosha_hook.errors import DeliveryError
from akosha_hook.state.receipt import PartialUpload
from akosha_hook.stores.s3.unfinished import abort, abort_all, abort_one
from tests.support.s3_answers import XML, error

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer

    from akosha_hook.stores.s3.client import S3Client

KEY = "systems/laptop/uploads/u/reflection.duckdb"
PATH = f"/memories/{KEY}"


def partial(multipart_id: str, *, ambiguous: bool = False) -> PartialUpload:
    return PartialUpload(
        key=KEY,
        multipart_id=multipart_id,
        part_size=1,
        codec="identity",
        sha256="",
        ambiguous=ambiguous,
    )


def listing(*uploads: tuple[str, str]) -> Response:
    entries = "".join(
        f"<Upload><Key>{key}</Key><UploadId>{name}</UploadId></Upload>" for key, name in uploads
    )
    return Response(f"<L><IsTruncated>false</IsTruncated>{entries}</L>", content_type=XML)


def aborted(server: HTTPServer) -> list[str]:
    """Ids of the uploads that the server was asked to abort."""
    return [each.args["uploadId"] for each, _ in server.log if each.method == "DELETE"]


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        (Response(status=204), ""),
        (error(404, "NoSuchUpload"), ""),
        (error(403, "AccessDenied"), "could not be aborted (AccessDenied)"),
    ],
    ids=["done", "forgotten", "denied"],
)
def test_an_upload_is_gone_or_there_is_a_note(
    httpserver: HTTPServer, client: S3Client, answer: Response, note: str
) -> None:
    httpserver.expect_request(PATH).respond_with_response(answer)
    left = abort_one(client, KEY, "id")
    assert left.endswith(note)
    assert bool(left) == bool(note)
    assert aborted(httpserver) == ["id"]


def test_a_server_that_is_busy_is_asked_again_by_the_next_sync(
    httpserver: HTTPServer, client: S3Client
) -> None:
    httpserver.expect_request(PATH).respond_with_response(error(503, "SlowDown"))
    with pytest.raises(DeliveryError) as caught:
        abort(client, partial("id"))
    assert caught.value.retryable


def test_an_upload_of_a_known_id_needs_no_listing(httpserver: HTTPServer, client: S3Client) -> None:
    httpserver.expect_request(PATH).respond_with_response(Response(status=204))
    assert abort(client, partial("id")) == ""
    assert [each.method for each, _ in httpserver.log] == ["DELETE"]


@pytest.mark.parametrize(
    "left", [partial(""), partial("one", ambiguous=True)], ids=["no id", "two"]
)
def test_one_whose_id_nobody_heard_is_looked_for_at_its_own_key_only(
    httpserver: HTTPServer, client: S3Client, left: PartialUpload
) -> None:
    """A prefix finds others' too."""
    httpserver.expect_request("/memories").respond_with_response(
        listing((KEY, "one"), (KEY, "two"), (f"{KEY}.wal", "another"))
    )
    httpserver.expect_request(PATH).respond_with_response(Response(status=204))
    assert abort(client, left) == ""
    assert aborted(httpserver) == ["one", "two"]


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        (error(404, "NoSuchUpload"), ""),
        (error(403, "AccessDenied"), "could not be looked for (AccessDenied)"),
    ],
    ids=["never had one", "denied"],
)
def test_where_they_cannot_be_listed_there_is_a_note_or_nothing(
    httpserver: HTTPServer, client: S3Client, answer: Response, note: str
) -> None:
    httpserver.expect_request("/memories").respond_with_response(answer)
    left = abort_all(client, KEY)
    assert left.endswith(note)
    assert bool(left) == bool(note)
