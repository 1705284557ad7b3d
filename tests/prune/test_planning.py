"""What would be deleted: never what a kept upload needs, nor what is not known to be ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from akosha_hook import restore
from akosha_hook.errors import AkoshaHookError, DamagedError
from akosha_hook.prune import Keep, planning
from akosha_hook.restore import RestoreRequest
from akosha_hook.stores.s3.connect import open_client
from akosha_hook.util.retry import Deadline, RetryPolicy
from tests.prune.uploads import grow, prune_uploads
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


def test_what_a_kept_upload_refers_to_stays_and_the_rest_goes(at_home: Home) -> None:
    """Of a database that is sent whole: tests/restore/test_assemble.py has the base of a delta."""
    assert at_home.bucket is not None
    at_home.configure(akosha_enable_delta=False)
    first = upload(at_home.paths)
    grow(at_home)
    last_one = grow(at_home)
    before = contents(at_home.paths.data)
    plan = prune_uploads(at_home, Keep(last=1))
    assert at_home.bucket.object_keys() == [
        f"systems/laptop/uploads/{first}/knowledge_graph.duckdb",
        f"systems/laptop/uploads/{last_one}/manifest.json",
        f"systems/laptop/uploads/{last_one}/reflection.duckdb",
    ]
    assert plan.still_needed == (f"systems/laptop/uploads/{first}/knowledge_graph.duckdb",)
    assert (
        restore.restore(RestoreRequest(), context(at_home.paths)).plan.upload.upload_id == last_one
    )
    assert contents(at_home.paths.data) == before


def test_the_newest_good_upload_stays_when_a_newer_one_lacks_an_object(at_home: Home) -> None:
    assert at_home.bucket is not None
    good = upload(at_home.paths)
    bad = grow(at_home, full=True)
    at_home.bucket.client.remove_object(
        at_home.bucket.name, f"systems/laptop/uploads/{bad}/reflection.duckdb"
    )
    plan = prune_uploads(at_home, Keep(last=1))
    assert list(plan.kept) == [good]
    assert restore.restore(RestoreRequest(), context(at_home.paths)).plan.upload.upload_id == good


def test_another_machine_under_the_same_name_stops_it(at_home: Home) -> None:
    assert at_home.bucket is not None
    first = upload(at_home.paths)
    grow(at_home)
    document = read_manifest(at_home.bucket, first)
    document["metadata"]["machine_id"] = "another"
    write_manifest(at_home.bucket, first, document)
    keys = at_home.bucket.object_keys()
    with pytest.raises(AkoshaHookError, match="another machine uploads as laptop too") as caught:
        prune_uploads(at_home, Keep(last=1))
    assert "akosha-hook prune --system laptop" in caught.value.hint
    assert at_home.bucket.object_keys() == keys
    assert len(prune_uploads(at_home, Keep(last=1), system_id="laptop").removed) == 1


def test_other_systems_are_left_alone_until_named(at_home: Home) -> None:
    assert at_home.bucket is not None
    upload(at_home.paths)
    grow(at_home, full=True)
    at_home.configure(akosha_system_id="desktop")
    upload(at_home.paths)
    grow(at_home, full=True)
    others = at_home.bucket.object_keys("systems/laptop/")
    prune_uploads(at_home, Keep(last=1))
    assert at_home.bucket.object_keys("systems/laptop/") == others
    assert len(at_home.bucket.object_keys("systems/desktop/")) == 3
    prune_uploads(at_home, Keep(last=1), system_id="laptop")
    assert len(at_home.bucket.object_keys("systems/laptop/")) == 3
    with pytest.raises(AkoshaHookError, match="Nothing is stored for nobody"):
        prune_uploads(at_home, Keep(last=1), system_id="nobody")


def test_a_manifest_that_cannot_be_read_stops_it(at_home: Home) -> None:
    """What it refers to is not known."""
    assert at_home.bucket is not None
    first = upload(at_home.paths)
    grow(at_home)
    put(at_home.bucket, f"systems/laptop/uploads/{first}/manifest.json", b"{")
    keys = at_home.bucket.object_keys()
    with pytest.raises(DamagedError, match="Nothing was deleted"):
        prune_uploads(at_home, Keep(last=1))
    assert at_home.bucket.object_keys() == keys


def test_an_incomplete_upload_goes_when_it_is_old(
    at_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert at_home.bucket is not None
    upload(at_home.paths)
    half = "systems/laptop/uploads/20200101_000000_laptop/reflection.duckdb"
    put(at_home.bucket, half, b"half")
    prune_uploads(at_home, Keep(last=1))
    assert half in at_home.bucket.object_keys()
    monkeypatch.setattr(planning, "ABANDONED_SECONDS", -60.0)
    plan = prune_uploads(at_home, Keep(last=1))
    assert [each.upload_id for each in plan.abandoned] == ["20200101_000000_laptop"]
    assert half not in at_home.bucket.object_keys()


def test_abandoned_multipart_uploads_of_this_system_are_aborted(at_home: Home) -> None:
    assert at_home.bucket is not None
    upload(at_home.paths)
    here = context(at_home.paths)
    policy = RetryPolicy(max_retries=0, backoff_seconds=0, deadline=Deadline(60))
    bucket = open_client(here, policy)
    bucket.create_multipart("systems/laptop/uploads/20200101_000000_laptop/x.duckdb", {})
    bucket.create_multipart("systems/other/uploads/20200101_000000_other/x.duckdb", {})
    assert at_home.bucket.open_uploads() == 2
    plan = prune_uploads(at_home, Keep(last=1))
    assert [key for key, _ in plan.unfinished] == [
        "systems/laptop/uploads/20200101_000000_laptop/x.duckdb"
    ]
    assert at_home.bucket.open_uploads() == 1
    # Another system's may be running on another machine right now.
    put(at_home.bucket, "systems/other/uploads/20200101_000000_other/x", b"x")
    assert prune_uploads(at_home, Keep(last=1), system_id="other").unfinished == ()
