"""What is built on the contract of stores alone: the beginning of an object."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from akosha_hook.errors import DeliveryError, Kind
from akosha_hook.stores.base import Description, read_at_most
from akosha_hook.stores.s3.store import S3Store
from tests.support.s3_answers import error, serve_object
from tests.support.s3_client import open_plain

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer

    from akosha_hook.stores.base import ObjectStore

DATA = b"memories " * 1000


@pytest.fixture
def made_up_store(httpserver: HTTPServer) -> ObjectStore:
    client = open_plain(httpserver.url_for(""))
    return S3Store(client, location="", headers={}, part_size=5 << 20, parallel=1)


def test_no_more_than_the_limit_is_asked_for(
    httpserver: HTTPServer, made_up_store: ObjectStore
) -> None:
    asked = serve_object(httpserver, "/memories/key", DATA)
    assert read_at_most(made_up_store, "key", 100) == DATA[:100]
    assert asked == ["bytes=0-99"]
    assert read_at_most(made_up_store, "key", len(DATA) + 1) == DATA


def test_an_object_that_is_not_there_is_none(
    httpserver: HTTPServer, made_up_store: ObjectStore
) -> None:
    httpserver.expect_request("/memories/key").respond_with_response(error(404, "NoSuchKey"))
    assert read_at_most(made_up_store, "key", 100) is None


def test_any_other_failure_is_not_taken_for_a_missing_object(
    httpserver: HTTPServer, made_up_store: ObjectStore
) -> None:
    httpserver.expect_request("/memories/key").respond_with_response(error(403, "AccessDenied"))
    with pytest.raises(DeliveryError) as caught:
        read_at_most(made_up_store, "key", 100)
    assert caught.value.kind is Kind.DENIED


def test_a_store_is_named_by_what_it_is() -> None:
    assert str(Description("bucket", "memories", "https://storage.test")) == "bucket memories"
