"""An upload as the store has it: what a listing and a manifest say together."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from akosha_hook.catalog import Upload
from akosha_hook.format import manifest
from akosha_hook.stores.base import Listed

SYSTEM, UPLOAD = "laptop", "20261122_120000_laptop"
PREFIX = manifest.prefix(SYSTEM, UPLOAD)
MANIFEST = Listed(f"{PREFIX}manifest.json", 900, 1_795_000_100.0)
DATABASE = Listed(f"{PREFIX}reflection.duckdb", 5000, 1_795_000_000.0)
DOCUMENT = manifest.Manifest(
    uploaded_at="2026-11-22T12:00:00",
    conversation_count=1,
    total_size_bytes=1,
    files=(),
    metadata=manifest.Details(
        schema=1, tool="test", system_id=SYSTEM, machine_id="m", upload_id=UPLOAD, sequence=7
    ),
)
WHOLE = Upload(SYSTEM, UPLOAD, (DATABASE, MANIFEST), DOCUMENT)


def test_an_upload_is_complete_with_a_usable_manifest_and_all_it_names() -> None:
    assert WHOLE.complete
    assert not replace(WHOLE, manifest=None).complete
    assert not replace(WHOLE, problem="cannot be read").complete
    assert not replace(WHOLE, missing=(DATABASE.key,)).complete


def test_a_manifest_is_there_by_its_name_whether_or_not_it_can_be_read() -> None:
    assert replace(WHOLE, manifest=None).has_manifest
    assert not replace(WHOLE, objects=(DATABASE,)).has_manifest
    other = Listed(f"{PREFIX}not-manifest.json", 1, 0.0)
    assert not replace(WHOLE, objects=(other,)).has_manifest


def test_its_time_is_the_manifests_in_utc_where_that_names_no_zone() -> None:
    assert WHOLE.at == dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


def test_without_a_manifest_its_time_is_that_of_its_newest_object() -> None:
    assert replace(WHOLE, manifest=None).at.timestamp() == MANIFEST.modified
    assert Upload(SYSTEM, UPLOAD, ()).at.timestamp() == 0


def test_one_without_a_manifest_comes_before_every_other() -> None:
    assert WHOLE.sequence == 7
    assert replace(WHOLE, manifest=None).sequence == -1


def test_bytes_are_those_of_its_own_objects() -> None:
    assert WHOLE.stored_bytes == 5900
    assert WHOLE.manifest_bytes == 900
    assert replace(WHOLE, objects=(DATABASE,)).manifest_bytes == 0


def test_of_a_manifest_no_more_is_read_than_any_of_ours_has() -> None:
    huge = replace(MANIFEST, size=10**12)
    assert replace(WHOLE, objects=(huge,)).manifest_bytes == manifest.MAX_BYTES
