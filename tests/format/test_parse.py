"""Manifests come from whoever can write to the bucket: whatever one says, it is safe or refused."""

from __future__ import annotations

import copy
import json
from pathlib import PurePosixPath
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from akosha_hook.errors import DamagedError, ExitCode
from akosha_hook.format import manifest
from akosha_hook.format import parse as manifest_parser

SYSTEM, UPLOAD = "laptop", "20261122_120000_laptop"
PREFIX = manifest.prefix(SYSTEM, UPLOAD)


def document(**changes: Any) -> dict[str, Any]:
    file = {
        "name": "reflection.duckdb",
        "database": "reflection.duckdb",
        "key": f"{PREFIX}reflection.duckdb",
        "size": 1000,
        "stored_size": 500,
        "sha256": "0" * 64,
        "compression": "gzip",
    } | changes
    return {
        "uploaded_at": "2026-11-22T12:00:00+00:00",
        "conversation_count": 1,
        "total_size_bytes": 1000,
        "files": ["reflection.duckdb"],
        "metadata": {
            "schema": 1,
            "tool": "test",
            "system_id": SYSTEM,
            "machine_id": "m",
            "upload_id": UPLOAD,
            "sequence": 1,
            "files": [file],
        },
    }


def parse(value: object) -> manifest.Manifest:
    return manifest_parser.parse(json.dumps(value).encode(), system_id=SYSTEM, upload_id=UPLOAD)


def delta(**changes: Any) -> dict[str, Any]:
    return {
        "base_key": f"systems/{SYSTEM}/uploads/earlier/reflection.duckdb",
        "base_sha256": "1" * 64,
        "base_size": 900,
    } | changes


def test_a_manifest_as_we_write_it_is_taken() -> None:
    assert parse(document()).metadata.files[0].size == 1000
    assert parse(document(delta=delta())).metadata.files[0].delta is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "../reflection.duckdb", "database": "../reflection.duckdb"},
        {"name": "/etc/passwd", "database": "/etc/passwd"},
        {"name": "..", "database": ".."},
        {"name": "a/b", "database": "a/b"},
        {"name": "a\\b", "database": "a\\b"},
        {"name": "a\nb", "database": "a\nb"},
        {"name": "", "database": ""},
        {"name": "authorized_keys", "database": "reflection.duckdb"},
        {"name": "reflection.duckdb.wal", "database": "reflection.duckdb"},
        {"key": "systems/other/uploads/u/reflection.duckdb"},
        {"key": "systems/laptop/uploads/../../other/x"},
        {"key": "systems/laptop/uploads/../x"},
        {"key": "elsewhere/reflection.duckdb"},
        {"key": "systems/laptop/uploads/u/deep/er"},
        {"size": -1},
        {"size": 10**30},
        {"size": 1.5},
        {"size": "1000"},
        {"stored_size": 10**11},
        {"stored_size": 200_000},
        {"compression": "identity", "stored_size": 1001},
        {"sha256": "0" * 63},
        {"sha256": "G" * 64},
        {"compression": "zstd"},
        {"delta": delta(base_key="systems/other/uploads/u/x")},
        {"delta": delta(base_size=10**12)},
        {"delta": delta(base_sha256="no")},
        {"delta": delta(base_stored_at=10**30)},
        {"delta": delta(base_key="systems/laptop/uploads/x")},
        {"kind": "postgres"},
        {"kind": "sqlite", "name": "reflection.duckdb-shm"},
    ],
    ids=str,
)
def test_what_would_lead_astray_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(DamagedError) as caught:
        parse(document(**changes))
    assert caught.value.exit_code == ExitCode.DAMAGED
    assert UPLOAD in caught.value.message


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"metadata": {"schema": 1}}',
        b"0" * (manifest.MAX_BYTES + 1),
        json.dumps(document() | {"uploaded_at": "yesterday"}).encode(),
        json.dumps(document() | {"uploaded_at": "0001-01-01T00:00:00+23:59"}).encode(),
    ],
    ids=lambda data: repr(data[:20]),
)
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(DamagedError):
        manifest_parser.parse(data, system_id=SYSTEM, upload_id=UPLOAD)


def test_names_that_some_filesystems_take_for_one_are_refused() -> None:
    twice = document()
    other = copy.deepcopy(twice["metadata"]["files"][0])
    other["name"] = other["database"] = "Reflection.duckdb"
    twice["metadata"]["files"].append(other)
    with pytest.raises(DamagedError, match="twice"):
        parse(twice)


def with_sidecar(ending: str, *, kind: str, of_sidecar: str | None = None) -> dict[str, Any]:
    both = document(kind=kind)
    beside = copy.deepcopy(both["metadata"]["files"][0])
    beside["name"] += ending
    beside["kind"] = kind if of_sidecar is None else of_sidecar
    both["metadata"]["files"].append(beside)
    return both


@pytest.mark.parametrize(
    ("kind", "ending"),
    [
        ("", ".wal"),
        ("duckdb", ".wal.checkpoint"),
        ("sqlite", "-wal"),
        ("sqlite", "-journal"),
    ],
)
def test_a_database_has_the_sidecars_of_its_kind(kind: str, ending: str) -> None:
    parsed = parse(with_sidecar(ending, kind=kind))
    assert {each.kind for each in parsed.metadata.files} == {kind}


@pytest.mark.parametrize(
    ("kind", "ending"),
    [
        ("", "-wal"),
        ("duckdb", "-journal"),
        ("sqlite", ".wal"),
        ("sqlite", "-shm"),
        ("files", ".wal"),
        ("files", "-wal"),
    ],
)
def test_the_sidecars_of_another_kind_are_refused(kind: str, ending: str) -> None:
    with pytest.raises(DamagedError, match="does not belong to"):
        parse(with_sidecar(ending, kind=kind))


@pytest.mark.parametrize(
    ("kind", "other", "ending"), [("sqlite", "", ".wal"), ("", "sqlite", "-wal")]
)
def test_a_sidecar_is_of_the_kind_of_its_database(kind: str, other: str, ending: str) -> None:
    with pytest.raises(DamagedError, match="another kind"):
        parse(with_sidecar(ending, kind=kind, of_sidecar=other))


def test_a_manifest_without_kinds_is_read() -> None:
    assert parse(document()).metadata.files[0].kind == ""


def test_a_newer_schema_asks_for_an_upgrade() -> None:
    newer = document()
    newer["metadata"] = {"schema": 2, "unheard": "of"}
    with pytest.raises(DamagedError, match="newer akosha-hook") as caught:
        parse(newer)
    assert "pip install" in caught.value.hint


def test_a_manifest_of_another_upload_is_refused() -> None:
    for name, value in (("system_id", "other"), ("upload_id", "other")):
        moved = document()
        moved["metadata"][name] = value
        with pytest.raises(DamagedError, match="of another upload"):
            parse(moved)


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(["..", "../x", "/x", "systems/laptop/uploads/u/../x", "reflection.duckdb"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=5,
)
_FIELDS = [
    (),
    ("uploaded_at",),
    ("files",),
    ("metadata",),
    *(("metadata", name) for name in ("schema", "sequence", "files", "machine_id", "skipped")),
    *(
        ("metadata", "files", 0, name)
        for name in msgspec.json.schema(manifest.StoredFile)["$defs"]["StoredFile"]["properties"]
    ),
    *(("metadata", "files", 0, "delta", name) for name in ("base_key", "base_size")),
]


@given(path=st.sampled_from(_FIELDS), value=_JSON)
def test_whatever_a_field_holds_the_manifest_is_safe_or_refused(
    path: tuple[str | int, ...], value: object
) -> None:
    changed: Any = document(delta=delta())
    if not path:
        changed = value
    else:
        place = changed
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
    try:
        parsed = parse(changed)
    except DamagedError:
        return
    for each in parsed.metadata.files:
        assert PurePosixPath(each.name).name == each.name
        assert 0 <= each.size <= 100_000_000_000
        for key in manifest_parser.referenced_keys(parsed):
            assert key.startswith(f"systems/{SYSTEM}/uploads/")
            assert ".." not in key.split("/")
    assert manifest_parser.uploaded_at(parsed).astimezone()


STALE = {
    "reason": "empty",
    "since": "2026-11-21T09:00:00+00:00",
    "as_of": "2026-11-20T14:03:00+00:00",
}


def test_why_a_database_is_stale_is_read() -> None:
    stale = parse(document(stale=STALE)).metadata.files[0].stale
    assert stale is not None
    assert stale.reason == "empty"
    assert parse(document(stale=None)).metadata.files[0].stale is None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"reason": "\x1b[31m"}, "a reason that is none"),
        ({"reason": ""}, "a reason that is none"),
        ({"since": "soon"}, "a time that is none"),
        ({"as_of": "0001-01-01T00:00:00+00:00"}, "a time that is none"),
    ],
)
def test_what_is_stale_for_no_reason_or_since_never_is_refused(
    change: dict[str, str], problem: str
) -> None:
    with pytest.raises(DamagedError, match=problem):
        parse(document(stale=STALE | change))


def test_a_sidecar_is_as_stale_as_its_database() -> None:
    value = document(stale=STALE)
    sidecar = value["metadata"]["files"][0] | {
        "name": "reflection.duckdb.wal",
        "key": f"{PREFIX}reflection.duckdb.wal",
        "stale": None,
    }
    value["metadata"]["files"].append(sidecar)
    with pytest.raises(DamagedError, match="not of the same moment"):
        parse(value)
    sidecar["stale"] = STALE
    assert len(parse(value).metadata.files) == 2
