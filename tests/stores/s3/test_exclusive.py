"""Storing what must not overwrite anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from werkzeug import Response

from akosha_hook.errors import DeliveryError, Kind
from akosha_hook.stores.s3.exclusive import store_new
from akosha_hook.stores.s3.verify import md5
from tests.support.s3_answers import error, serve_object

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer
    from werkzeug import Request

    from akosha_hook.stores.s3.client import S3Client

KEY, PATH = (
    "systems/laptop/uploads/u/manifest.json",
    "/memories/systems/laptop/uploads/u/manifest.json",
)
DATA = b'{"metadata": {}}'


def looks(server: HTTPServer, data: bytes, etag: str = "") -> None:
    """What HEAD says is there."""
    headers = {
        "Content-Length": str(len(data)),
        "Last-Modified": "Sun, 22 Nov 2026 12:00:00 GMT",
        "ETag": f'"{etag or md5(data)}"',
    }
    server.expect_request(PATH, method="HEAD").respond_with_response(Response(headers=headers))


def conditions(server: HTTPServer) -> list[str | None]:
    return [each.headers.get("If-None-Match") for each, _ in server.log if each.method == "PUT"]


def test_the_server_is_asked_to_refuse_an_overwrite(
    httpserver: HTTPServer, client: S3Client
) -> None:
    httpserver.expect_request(PATH, method="PUT").respond_with_data("")
    looks(httpserver, DATA)
    assert store_new(client, KEY, DATA, {}).verified == "etag"
    assert conditions(httpserver) == ["*"]


def test_a_server_without_conditions_is_asked_again_without(
    httpserver: HTTPServer, client: S3Client
) -> None:
    def answer(request: Request) -> Response:
        conditional = "If-None-Match" in request.headers
        return error(501, "NotImplemented") if conditional else Response()

    httpserver.expect_request(PATH, method="PUT").respond_with_handler(answer)
    looks(httpserver, DATA)
    store_new(client, KEY, DATA, {})
    assert conditions(httpserver) == ["*", None]


def test_a_refusal_after_a_lost_answer_is_a_success(
    httpserver: HTTPServer, client: S3Client
) -> None:
    httpserver.expect_request(PATH, method="PUT").respond_with_response(
        error(412, "PreconditionFailed")
    )
    looks(httpserver, DATA)
    assert store_new(client, KEY, DATA, {}).verified == "etag"


def test_where_the_digest_tells_nothing_the_bytes_do(
    httpserver: HTTPServer, client: S3Client
) -> None:
    httpserver.expect_request(PATH, method="PUT").respond_with_response(
        error(412, "PreconditionFailed")
    )
    looks(httpserver, DATA, etag="opaque")
    serve_object(httpserver, PATH, DATA)
    assert store_new(client, KEY, DATA, {}).verified == "size"


@pytest.mark.parametrize("other", [DATA + b" ", DATA.replace(b"m", b"M")])
@pytest.mark.parametrize("etag", ["", "opaque"])
def test_other_bytes_that_are_there_are_neither_ours_nor_overwritten(
    httpserver: HTTPServer, client: S3Client, other: bytes, etag: str
) -> None:
    httpserver.expect_request(PATH, method="PUT").respond_with_response(
        error(412, "PreconditionFailed")
    )
    looks(httpserver, other, etag)
    serve_object(httpserver, PATH, other)
    with pytest.raises(DeliveryError) as raised:
        store_new(client, KEY, DATA, {})
    assert raised.value.kind is Kind.OCCUPIED
    assert not raised.value.retryable


def test_an_answer_that_stored_nothing_is_no_success(
    httpserver: HTTPServer, client: S3Client
) -> None:
    """A captive portal says 200 to everything."""
    httpserver.expect_request(PATH, method="PUT").respond_with_data("")
    httpserver.expect_request(PATH, method="HEAD").respond_with_response(Response(status=404))
    with pytest.raises(DeliveryError) as raised:
        store_new(client, KEY, DATA, {})
    assert raised.value.retryable


def test_keys_that_may_only_put_do_not_verify(httpserver: HTTPServer, client: S3Client) -> None:
    httpserver.expect_request(PATH, method="PUT").respond_with_data("")
    httpserver.expect_request(PATH, method="HEAD").respond_with_response(Response(status=403))
    assert store_new(client, KEY, DATA, {}).verified == "not verified"
