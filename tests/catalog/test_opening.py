"""The configured store, opened to be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from akosha_hook import catalog
from akosha_hook.context import Context
from akosha_hook.errors import DeliveryError, SettingsError
from akosha_hook.settings import Loaded, Settings
from akosha_hook.util.progress import Silent
from tests.support.s3_answers import XML, error

if TYPE_CHECKING:
    from akosha_hook.paths import Paths


KEYS = {"AWS_ACCESS_KEY_ID": "access", "AWS_SECRET_ACCESS_KEY": "secret"}


@dataclass
class Retries(Silent):
    """A Progress that notes retries."""

    noted: list[tuple[str, int]] = field(default_factory=list)

    def retry(self, reason: str, attempt: int, delay_seconds: float) -> None:
        self.noted.append((reason, attempt))


def context(paths: Paths, server: HTTPServer, progress: Retries) -> Context:
    values = Settings(
        akosha_cloud_endpoint=server.url_for("").rstrip("/"),
        akosha_cloud_bucket="memories",
        akosha_max_retries=1,
        akosha_retry_backoff_seconds=0,
    )
    return Context(Loaded(values, {}), paths, KEYS, progress)


def test_without_a_bucket_the_hint_says_how_to_name_one(paths: Paths) -> None:
    with pytest.raises(SettingsError) as caught:
        catalog.open_to_read(Context(Loaded(Settings(), {}), paths, KEYS))
    assert "config set akosha_cloud_bucket" in caught.value.hint


def test_retries_are_those_of_the_settings_and_are_shown(
    paths: Paths, httpserver: HTTPServer
) -> None:
    answers = [
        error(503, "SlowDown"),
        Response("<ListBucketResult><Name>memories</Name></ListBucketResult>", content_type=XML),
    ]
    httpserver.expect_request("/memories").respond_with_handler(lambda _: answers.pop(0))
    progress = Retries()
    store = catalog.open_to_read(context(paths, httpserver, progress))
    assert list(store.list("systems/")) == []
    ((reason, attempt),) = progress.noted
    assert attempt == 1
    assert "SlowDown" in reason


def test_errors_do_not_speak_of_a_sync(paths: Paths, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/memories").respond_with_response(error(403, "AccessDenied"))
    store = catalog.open_to_read(context(paths, httpserver, Retries()))
    with pytest.raises(DeliveryError, match=r"^The bucket could not be used: "):
        list(store.list("systems/"))
