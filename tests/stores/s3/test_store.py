"""A bucket as a store: ranges when they are needed, one refusal where deleting is denied."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from werkzeug import Response

from akosha_hook.errors import DeliveryError, Kind
from akosha_hook.stores.base import Content
from akosha_hook.stores.s3.store import RANGE_BYTES, S3Reader, S3Store
from tests.support.s3_answers import error, serve_object
from tests.support.s3_client import open_plain

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer
    from werkzeug import Request

    from akosha_hook.stores.s3.client import S3Client

PATH = "/memories/systems/key"
KEY = "systems/key"
DATA = hashlib.shake_128(b"memories").digest(2 * RANGE_BYTES + 1000)


def store_of(client: S3Client, **headers: str) -> S3Store:
    return S3Store(client, location="here", headers=headers, part_size=5 << 20, parallel=1)


def ranges(*bounds: tuple[int, int]) -> list[str]:
    return [f"bytes={start}-{end - 1}" for start, end in bounds]


def test_opening_asks_for_nothing_and_reading_for_one_range_at_a_time(
    httpserver: HTTPServer, client: S3Client
) -> None:
    asked = serve_object(httpserver, PATH, DATA)
    with store_of(client).open(KEY) as reader:
        assert asked == []
        assert reader.read(10) == DATA[:10]
        assert reader.read(10) == DATA[10:20]
        assert asked == ranges((0, RANGE_BYTES))
        pieces = [*iter(lambda: reader.read(1 << 20), b"")]
    assert b"".join(pieces) == DATA[20:]
    # The last range came short: nothing lies behind it.
    assert asked == ranges(*((n * RANGE_BYTES, (n + 1) * RANGE_BYTES) for n in range(3)))


def test_no_more_is_asked_for_than_was_opened(httpserver: HTTPServer, client: S3Client) -> None:
    asked = serve_object(httpserver, PATH, DATA)
    with S3Reader(client, KEY, 10, 30) as reader:
        assert reader.read() == DATA[10:30]
    assert asked == ranges((10, 30))


def test_behind_the_end_there_are_no_bytes(httpserver: HTTPServer, client: S3Client) -> None:
    asked = serve_object(httpserver, PATH, DATA)
    with S3Reader(client, KEY, len(DATA), None) as reader:
        assert reader.read(10) == reader.read(10) == b""
    assert len(asked) == 1


@pytest.mark.parametrize("headers", [{}, {"Content-Range": "bytes 0-999/*"}])
def test_an_answer_without_a_total_is_not_believed_to_be_whole(
    httpserver: HTTPServer, headers: dict[str, str]
) -> None:
    answers = [DATA[:400], DATA[:1000]]

    def answer(request: Request) -> Response:
        if request.method == "HEAD":
            return Response(DATA[:1000])
        return Response(answers.pop(0), 206, headers)

    httpserver.expect_request(PATH).respond_with_handler(answer)
    with S3Reader(open_plain(httpserver.url_for(""), retries=1), KEY, 0, None) as reader:
        assert reader.read() == DATA[:1000]
    assert answers == []


def test_an_answer_that_breaks_off_is_asked_for_again(httpserver: HTTPServer) -> None:
    """It says itself how much there is."""
    answers = [DATA[:400], DATA[:1000]]

    def answer(request: Request) -> Response:
        return Response(answers.pop(0), 206, {"Content-Range": "bytes 0-999/1000"})

    httpserver.expect_request(PATH).respond_with_handler(answer)
    with S3Reader(open_plain(httpserver.url_for(""), retries=1), KEY, 0, None) as reader:
        assert reader.read() == DATA[:1000]
    assert answers == []


def test_an_answer_that_stays_short_is_damage(httpserver: HTTPServer, client: S3Client) -> None:
    where = {"Content-Range": "bytes 0-999/1000"}
    httpserver.expect_request(PATH).respond_with_handler(lambda _: Response(DATA[:400], 206, where))
    with pytest.raises(DeliveryError) as caught, S3Reader(client, KEY, 0, None) as reader:
        reader.read()
    assert caught.value.kind is Kind.DAMAGED


def test_a_missing_object_says_so_at_the_first_read(
    httpserver: HTTPServer, client: S3Client
) -> None:
    httpserver.expect_request(PATH).respond_with_handler(lambda _: error(404, "NoSuchKey"))
    reader = S3Reader(client, KEY, 0, None)
    with pytest.raises(DeliveryError) as caught:
        reader.read()
    assert caught.value.kind is Kind.MISSING


def test_an_object_gets_its_headers_and_those_of_the_settings(
    httpserver: HTTPServer, client: S3Client
) -> None:
    digest = hashlib.md5(b"packed", usedforsecurity=False).hexdigest()
    httpserver.expect_request(PATH, method="PUT").respond_with_data("", headers={"ETag": digest})
    content = Content(lambda: iter([b"pack", b"ed"]), 6, encoding="gzip", metadata={"size": "9"})
    store = store_of(client, **{"x-amz-server-side-encryption": "AES256"})
    assert store.put(KEY, content).verified == "etag"
    ((request, _),) = httpserver.log
    assert request.data == b"packed"
    assert request.headers["x-amz-meta-size"] == "9"
    assert request.headers["Content-Encoding"] == "gzip"
    assert request.headers["Cache-Control"] == "no-transform"
    assert request.headers["x-amz-server-side-encryption"] == "AES256"


def test_where_deleting_is_denied_one_refusal_is_enough(
    httpserver: HTTPServer, client: S3Client
) -> None:
    for number in range(20):
        httpserver.expect_request(f"/memories/{number}").respond_with_handler(
            lambda _: error(403, "AccessDenied")
        )
    with pytest.raises(DeliveryError) as caught:
        store_of(client).delete(str(number) for number in range(20))
    assert caught.value.kind is Kind.DENIED
    assert len(httpserver.log) == 1


def test_a_bucket_that_never_had_an_unfinished_upload_has_none(
    httpserver: HTTPServer, client: S3Client
) -> None:
    """rclone answers that with an error."""
    httpserver.expect_request("/memories").respond_with_handler(
        lambda _: error(404, "NoSuchUpload")
    )
    assert store_of(client).unfinished("systems/") == ()


def test_unfinished_uploads_that_may_not_be_listed_are_an_error(
    httpserver: HTTPServer, client: S3Client
) -> None:
    httpserver.expect_request("/memories").respond_with_handler(
        lambda _: error(403, "AccessDenied")
    )
    with pytest.raises(DeliveryError) as caught:
        store_of(client).unfinished("systems/")
    assert caught.value.kind is Kind.DENIED


def test_it_says_which_bucket_it_is_and_where(client: S3Client) -> None:
    description = store_of(client).describe()
    assert str(description) == "bucket memories"
    assert description.location == "here"
