"""The store of the settings, opened in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pytest_httpserver import HTTPServer

from akosha_hook.context import Context
from akosha_hook.errors import CredentialsError, DeliveryError, SettingsError
from akosha_hook.settings import Loaded, Settings
from akosha_hook.stores.base import Content
from akosha_hook.stores.opening import open_store
from akosha_hook.util.retry import Deadline, RetryPolicy
from tests.support.s3_answers import error

if TYPE_CHECKING:
    from akosha_hook.paths import Paths

KEYS = {"AWS_ACCESS_KEY_ID": "access", "AWS_SECRET_ACCESS_KEY": "secret"}


def retry() -> RetryPolicy:
    return RetryPolicy(0, 0.0, Deadline(60))


def context(paths: Paths, endpoint: str, environ: dict[str, str], **settings: str) -> Context:
    values = Settings(
        akosha_cloud_endpoint=endpoint,
        akosha_cloud_bucket="memories",
        **settings,  # type: ignore[arg-type]
    )
    return Context(Loaded(values, {}), paths, environ)


def test_a_store_is_opened_without_asking_it_anything(paths: Paths, httpserver: HTTPServer) -> None:
    endpoint = httpserver.url_for("").rstrip("/")
    store = open_store(context(paths, endpoint, KEYS), retry())
    assert (str(store.describe()), store.describe().location) == ("bucket memories", endpoint)
    assert httpserver.log == []


def test_messages_begin_with_what_was_being_done(paths: Paths, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/memories").respond_with_response(error(404, "NoSuchBucket"))
    store = open_store(
        context(paths, httpserver.url_for("").rstrip("/"), KEYS), retry(), subject="Looking failed"
    )
    with pytest.raises(DeliveryError, match=r"^Looking failed: the bucket does not exist"):
        list(store.list("systems/"))


def test_the_bytes_of_bodies_that_leave_are_counted(paths: Paths, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/memories/key").respond_with_response(error(403, "AccessDenied"))
    sent: list[int] = []
    store = open_store(
        context(paths, httpserver.url_for("").rstrip("/"), KEYS), retry(), on_sent=sent.append
    )
    with pytest.raises(DeliveryError):
        store.put("key", Content(lambda: iter([b"memories"]), 8))
    assert sum(sent) == 8


def test_without_keys_nothing_is_opened(paths: Paths) -> None:
    with pytest.raises(CredentialsError):
        open_store(context(paths, "http://127.0.0.1:9", {}), retry())


def test_an_encryption_that_the_provider_refuses_is_a_setting_to_correct(paths: Paths) -> None:
    endpoint = "https://abc.eu.r2.cloudflarestorage.com"
    with pytest.raises(SettingsError, match="akosha_sse"):
        open_store(context(paths, endpoint, KEYS, akosha_sse="aws:kms"), retry())
