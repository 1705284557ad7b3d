"""Deltas: those of the real writer, and those of somebody who means harm."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from akosha_hook import catalog, prune, restore
from akosha_hook.errors import DamagedError
from akosha_hook.prune import Keep
from akosha_hook.restore import RestoreRequest
from akosha_hook.restore.assemble import assemble
from akosha_hook.restore.check import Check
from akosha_hook.restore.staging import KEPT, continued
from akosha_hook.util.progress import Silent
from tests.support.deltas import BLOCK, MAGIC, encode
from tests.support.duck import add_ballast, change
from tests.support.later import hours_later
from tests.support.recovery import (
    contents,
    context,
    put,
    read_manifest,
    upload,
    write_manifest,
)

if TYPE_CHECKING:
    from tests.support.home import Home


BASE = random.Random(1).randbytes(1_200_000)
TARGET = BASE[:700_000] + b"ten new rows" + BASE[700_012:]


@pytest.fixture
def grown(at_home: Home) -> Home:
    """A full upload, then one whose reflection database is a delta."""
    add_ballast(at_home.paths.data / "reflection.duckdb")
    upload(at_home.paths)
    change(at_home.paths.data / "reflection.duckdb", 3)
    newest = upload(at_home.paths)
    assert at_home.bucket is not None
    kinds = [
        bool(each["delta"]) for each in read_manifest(at_home.bucket, newest)["metadata"]["files"]
    ]
    assert sorted(kinds) == [False, True]
    return at_home


def test_a_delta_and_its_base_give_the_database(grown: Home) -> None:
    before = contents(grown.paths.data)
    shutil.rmtree(grown.paths.data)
    result = restore.restore(RestoreRequest(), context(grown.paths))
    assert contents(grown.paths.data) == before
    assert set(result.checks.values()) == {Check()}
    assert restore.verify(RestoreRequest(), context(grown.paths)).plan.upload == result.plan.upload


def test_the_base_of_a_kept_delta_is_not_pruned(grown: Home) -> None:
    here = context(grown.paths)
    store = catalog.open_to_read(here)
    with hours_later():
        plan = prune.plan(store, Keep(last=1), here)
    prune.apply(store, plan, here)
    assert len(plan.removed) == 1
    assert len(plan.still_needed) == 2
    before = contents(grown.paths.data)
    shutil.rmtree(grown.paths.data)
    restore.restore(RestoreRequest(), context(grown.paths))
    assert contents(grown.paths.data) == before


def test_a_lost_base_is_noticed_before_the_download(grown: Home) -> None:
    assert grown.bucket is not None
    newest = catalog.uploads(catalog.open_to_read(context(grown.paths)), "laptop")[0]
    assert newest.manifest is not None
    (base,) = [each.delta.base_key for each in newest.manifest.metadata.files if each.delta]
    grown.bucket.client.remove_object(grown.bucket.name, base)
    with pytest.raises(DamagedError, match=f"{base} is not in the bucket"):
        restore.restore(RestoreRequest(newest.upload_id), context(grown.paths))


def _plant(home: Home, delta: bytes, *, packed: bytes | None = None) -> str:
    """An upload whose one database is `delta` against BASE; its id."""
    assert home.bucket is not None
    newest = upload(home.paths)
    prefix = f"systems/laptop/uploads/{newest}/"
    put(home.bucket, f"{prefix}base", gzip.compress(BASE))
    stored = gzip.compress(delta) if packed is None else packed
    put(home.bucket, f"{prefix}reflection.duckdb.delta", stored)
    document = read_manifest(home.bucket, newest)
    document["metadata"]["files"] = [
        {
            "name": "reflection.duckdb",
            "database": "reflection.duckdb",
            "key": f"{prefix}reflection.duckdb.delta",
            "size": len(TARGET),
            "stored_size": len(stored),
            "sha256": hashlib.sha256(TARGET).hexdigest(),
            "compression": "gzip",
            "delta": {
                "base_key": f"{prefix}base",
                "base_sha256": hashlib.sha256(BASE).hexdigest(),
                "base_size": len(BASE),
            },
        }
    ]
    write_manifest(home.bucket, newest, document, stored_by=home.paths)
    return newest


def test_a_delta_written_from_the_description_is_read(at_home: Home) -> None:
    """It is no DuckDB file, which is found out only after it was put together."""
    newest = _plant(at_home, encode(BASE, TARGET))
    with pytest.raises(DamagedError, match="DuckDB finds it damaged"):
        restore.restore(RestoreRequest(newest), context(at_home.paths))
    restore.restore(RestoreRequest(newest, force=True), context(at_home.paths))
    assert (at_home.paths.data / "reflection.duckdb").read_bytes() == TARGET


@pytest.mark.parametrize(
    "changes",
    [
        {"copies": [[0, len(BASE) - 10, len(TARGET)]], "literals": []},
        {"copies": [[0, -1, len(TARGET)]], "literals": []},
        {"copies": [[0, 0, len(BASE)]], "literals": [[len(BASE), 99_000_000_000]]},
        {"copies": [[-5, 0, 10]]},
        {"copies": [[0, 0, BLOCK], [0, 0, BLOCK]]},
        {"copies": [], "literals": []},
        {"copies": [[0, 0, 10**40]]},
        {"size": 99_000_000_000, "copies": [[0, 0, 1000]] * 1000},
        {"base_sha256": "0" * 64},
        {"base_size": 10},
        {"sha256": "0" * 64},
        {"copies": "all"},
    ],
    ids=lambda changes: json.dumps(changes)[:40],
)
def test_a_delta_that_reaches_outside_is_refused(at_home: Home, changes: dict[str, Any]) -> None:
    newest = _plant(at_home, encode(BASE, TARGET, **changes))
    before = contents(at_home.paths.data)
    with pytest.raises(DamagedError, match=r"reflection\.duckdb\.delta"):
        restore.restore(RestoreRequest(newest, force=True), context(at_home.paths))
    assert contents(at_home.paths.data) == before


@pytest.mark.parametrize(
    "delta",
    [
        b"",
        b"akosha-delta 2\n",
        MAGIC + (2**63).to_bytes(8, "big"),
        MAGIC + (10).to_bytes(8, "big") + b"{",
        encode(BASE, TARGET)[:-10],
        MAGIC + (5000).to_bytes(8, "big") + b"[" * 5000,
    ],
    ids=["empty", "newer", "endless header", "short header", "short", "longer than it needs"],
)
def test_what_is_no_whole_delta_is_refused(at_home: Home, delta: bytes) -> None:
    newest = _plant(at_home, delta)
    with pytest.raises(DamagedError, match=r"reflection\.duckdb\.delta"):
        restore.restore(RestoreRequest(newest, force=True), context(at_home.paths))


def test_a_bomb_for_a_delta_is_stopped(at_home: Home) -> None:
    newest = _plant(at_home, b"", packed=gzip.compress(bytes(200_000_000), 9))
    with pytest.raises(DamagedError, match="holds more than its manifest says"):
        restore.restore(RestoreRequest(newest, force=True), context(at_home.paths))


def test_a_base_that_is_another_is_refused(at_home: Home) -> None:
    assert at_home.bucket is not None
    newest = _plant(at_home, encode(BASE, TARGET))
    put(
        at_home.bucket,
        f"systems/laptop/uploads/{newest}/base",
        gzip.compress(BASE[:-1] + b"!"),
    )
    with pytest.raises(DamagedError, match="SHA-256 differs"):
        restore.restore(RestoreRequest(newest, force=True), context(at_home.paths))


def assembled(home: Home, tmp_path: Path) -> tuple[int, Path]:
    """The delta of the newest upload put together; bytes that were downloaded, and the file."""
    here = context(home.paths)
    store = catalog.open_to_read(here)
    plan = restore.plan(store, RestoreRequest(), here)
    (file,) = [each for each in plan.files if each.delta]
    staging = continued(tmp_path, [file], plan.objects)
    return assemble(store, file, staging, plan.objects, Silent()), staging.whole / file.name


def test_a_file_that_is_whole_already_is_not_downloaded_again(grown: Home, tmp_path: Path) -> None:
    first, path = assembled(grown, tmp_path)
    assert first > 0
    assert path.read_bytes() == (grown.paths.data / path.name).read_bytes()
    assert assembled(grown, tmp_path) == (0, path)


def test_one_that_is_not_what_was_uploaded_is_made_anew(grown: Home, tmp_path: Path) -> None:
    first, path = assembled(grown, tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"!")
    assert assembled(grown, tmp_path) == (first, path)
    assert path.read_bytes() == whole


def test_what_a_file_was_made_of_does_not_stay(grown: Home, tmp_path: Path) -> None:
    assembled(grown, tmp_path)
    left = [path.name for path in (tmp_path / KEPT).rglob("*") if path.is_file()]
    assert left == ["reflection.duckdb"]
