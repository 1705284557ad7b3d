"""What a sync would do, without asking any server."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec
import pytest

from akosha_hook import settings
from akosha_hook.context import Context
from akosha_hook.errors import SettingsError, UnconfirmedError
from akosha_hook.snapshot import Fingerprint
from akosha_hook.state import identity
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync.preview import FilePreview, preview
from akosha_hook.sync.run import Request
from tests.support.home import Home, pin
from tests.support.reports import AKOSHA, CLOUD
from tests.support.sets import write
from tests.support.state_documents import whole_receipt

if TYPE_CHECKING:
    from akosha_hook.paths import Paths


DATABASES = ("reflection.duckdb", "knowledge_graph.duckdb")


@pytest.fixture
def configured(paths: Paths) -> Home:
    """Two databases and a bucket that nothing listens at."""
    paths.data.mkdir(parents=True)
    for name in DATABASES:
        (paths.data / name).write_bytes(b"\0" * 8 + b"DUCK")
    home = Home(paths)
    home.configure(
        akosha_cloud_bucket=CLOUD.bucket,
        akosha_cloud_endpoint=CLOUD.endpoint,
        akosha_system_id=CLOUD.system_id,
    )
    return home


def context(home: Home) -> Context:
    return Context(settings.load_strict(os.environ, home.paths), home.paths, os.environ)


def stored(home: Home, name: str) -> None:
    """As if an upload had stored the database as it is now."""

    (file,) = whole_receipt().files
    status = (home.paths.data / name).stat()
    file = msgspec.structs.replace(
        file, name=name, database=name, fingerprint=Fingerprint.of(status)
    )
    me = identity.load(home.paths, context(home).settings)
    receipt = msgspec.structs.replace(
        whole_receipt(), destination=CLOUD, files=(file,), machine_id=me.machine_id
    )
    Receipts(home.paths).save(receipt)


def states(home: Home, request: Request) -> dict[str, str]:
    return {each.name: each.state for each in preview(request, context(home)).files}


def test_what_is_stored_as_it_is_would_not_be_sent(configured: Home) -> None:
    stored(configured, "reflection.duckdb")
    expected = {"reflection.duckdb": "unchanged", "knowledge_graph.duckdb": "send"}
    assert states(configured, Request()) == expected
    (configured.paths.data / "reflection.duckdb").write_bytes(b"\0" * 8 + b"DUCK, changed")
    assert states(configured, Request()) == dict.fromkeys(DATABASES, "send")


def test_everything_would_be_sent_in_full_and_without_deduplication(configured: Home) -> None:
    stored(configured, "reflection.duckdb")
    assert states(configured, Request(full=True)) == dict.fromkeys(DATABASES, "send")
    configured.configure(akosha_enable_deduplication=False)
    assert states(configured, Request()) == dict.fromkeys(DATABASES, "send")


def test_a_database_that_is_not_there_is_named(configured: Home) -> None:
    configured.configure(akosha_databases=list(DATABASES))
    (configured.paths.data / "reflection.duckdb").unlink()
    assert states(configured, Request())["reflection.duckdb"] == "missing"


def test_sizes_count_sidecars_and_the_document_says_that_it_is_a_dry_run(configured: Home) -> None:
    (configured.paths.data / "reflection.duckdb.wal").write_bytes(bytes(100))
    shown = preview(Request(), context(configured))
    assert FilePreview("reflection.duckdb", "send", 112) in shown.files
    document = shown.as_json()
    assert document["dry_run"] is True
    assert document["destination"] == f"bucket {CLOUD.bucket}"
    assert document["files"][0] == {"name": "reflection.duckdb", "state": "send", "size": 112}


def test_the_destination_is_the_one_that_would_be_tried_first(configured: Home) -> None:
    pushed = preview(Request(method="http"), context(configured))
    assert (pushed.method, pushed.destination) == ("http", AKOSHA.endpoint)


def test_nothing_is_remembered_and_without_a_destination_it_is_an_error(configured: Home) -> None:
    configured.unpin()
    with pytest.raises(UnconfirmedError):
        preview(Request(), context(configured))
    preview(Request(typed=True), context(configured))
    assert not configured.paths.state.exists()
    configured.configure(akosha_cloud_bucket="", akosha_enable_fallback=False)
    with pytest.raises(SettingsError):
        preview(Request(), context(configured))


def test_a_database_outside_the_data_directory_would_be_sent(
    configured: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = configured.paths.claude / "main.duckdb"
    (configured.paths.data / "reflection.duckdb").rename(outside)
    monkeypatch.setenv("SESSION_BUDDY_DATABASE_PATH", str(outside))
    pin(configured.paths)
    assert states(configured, Request())["main.duckdb"] == "send"


def test_sets_of_files_would_be_sent_to_a_bucket_only(configured: Home) -> None:
    write(configured.paths.data, sessions__a="one")
    name = "session-files.tar"
    assert states(configured, Request(method="cloud"))[name] == "send"
    assert name not in states(configured, Request(method="http"))
