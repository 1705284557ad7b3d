"""The document that makes an upload exist, as it is written."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akosha_hook.format import manifest
from akosha_hook.format.parse import parse
from tests.support.akosha_schema import check_manifest

SYSTEM, UPLOAD = "laptop", "20261122_120000_laptop"
BARE = re.compile(manifest.BARE_NAME)


def document(**changes: Any) -> manifest.Manifest:
    file = manifest.StoredFile(
        name="reflection.duckdb",
        database="reflection.duckdb",
        key=manifest.prefix(SYSTEM, UPLOAD) + "reflection.duckdb",
        size=1000,
        stored_size=500,
        sha256="0" * 64,
        compression="gzip",
    )
    described: dict[str, Any] = {
        "uploaded_at": "2026-11-22T12:00:00+00:00",
        "conversation_count": 1,
        "total_size_bytes": 1000,
        "files": ("reflection.duckdb",),
        "compressed": True,
        "compression_format": "gzip",
        "metadata": manifest.Details(
            schema=manifest.SCHEMA,
            tool="test",
            system_id=SYSTEM,
            machine_id="m",
            upload_id=UPLOAD,
            sequence=1,
            files=(file,),
        ),
    }
    return manifest.Manifest(**{**described, **changes})


def test_what_is_written_is_read_again() -> None:
    written = document()
    assert parse(written.encode(), system_id=SYSTEM, upload_id=UPLOAD) == written


@pytest.mark.parametrize("compressed", [True, False])
def test_a_compression_format_stands_only_beside_compressed(compressed: bool) -> None:
    """As Akosha wants it."""
    written = document(compressed=compressed, compression_format="gzip" if compressed else None)
    encoded = json.loads(written.encode())
    assert ("compression_format" in encoded) is compressed
    check_manifest(encoded)


def test_it_is_text_that_a_user_can_read() -> None:
    lines = document().encode().decode().splitlines()
    assert '  "uploaded_at": "2026-11-22T12:00:00+00:00",' in lines


def test_a_name_that_akosha_accepts_stays_as_it_is() -> None:
    assert manifest.object_name("reflection.duckdb.wal") == "reflection.duckdb.wal"


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=300))
def test_every_name_becomes_one_that_akosha_accepts(name: str) -> None:
    bare = manifest.object_name(name)
    assert BARE.fullmatch(bare)
    assert ".." not in bare


@pytest.mark.parametrize(
    ("one", "other"),
    [("a b", "a_b"), ("a b", "a\tb"), ("é", "è"), ("a..b", "a__b"), ("x" * 256, "x" * 257)],
)
def test_distinct_names_stay_distinct(one: str, other: str) -> None:
    assert manifest.object_name(one) != manifest.object_name(other)


def test_the_objects_of_an_upload_lie_below_its_prefix() -> None:
    assert manifest.prefix(SYSTEM, UPLOAD) == f"systems/{SYSTEM}/uploads/{UPLOAD}/"
    assert re.fullmatch(manifest.KEY_PATTERN, manifest.prefix(SYSTEM, UPLOAD) + manifest.NAME)
