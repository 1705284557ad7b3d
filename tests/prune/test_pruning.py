from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from akosha_hook import catalog, prune, restore
from akosha_hook.errors import AkoshaHookError, DamagedError
from akosha_hook.hook import outbox
from akosha_hook.prune import Keep, planning
from akosha_hook.restore import RestoreRequest
from akosha_hook.state.pruning import last
from akosha_hook.stores.s3.connect import open_client
from akosha_hook.util.retry import Deadline, RetryPolicy
from tests.support.duck import change
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


def _grow(home: Home, *, full: bool = False) -> str:
    change(home.paths.data / "reflection.duckdb", 3)
    return upload(home.paths, full=full)


def _prune(home: Home, keep: Keep, *, system_id: str = "") -> prune.Plan:
    surroundings = context(home.paths)
    bucket = catalog.open_to_read(surroundings)
    found = prune.plan(bucket, keep, surroundings, system_id=system_id)
    prune.apply(bucket, found)
    return found


def test_what_a_kept_upload_refers_to_stays_and_the_rest_goes(at_home: Home) -> None:
    """Of a database that is sent whole: tests/restore/test_deltas.py has the base of a delta."""
    assert at_home.bucket is not None
    at_home.configure(akosha_enable_delta=False)
    first = upload(at_home.paths)
    _grow(at_home)
    last_one = _grow(at_home)
    before = contents(at_home.paths.data)
    found = _prune(at_home, Keep(last=1))
    assert at_home.bucket.object_keys() == [
        f"systems/laptop/uploads/{first}/knowledge_graph.duckdb",
        f"systems/laptop/uploads/{last_one}/manifest.json",
        f"systems/laptop/uploads/{last_one}/reflection.duckdb",
    ]
    assert found.still_needed == (f"systems/laptop/uploads/{first}/knowledge_graph.duckdb",)
    assert (
        restore.restore(RestoreRequest(), context(at_home.paths)).plan.upload.upload_id == last_one
    )
    assert contents(at_home.paths.data) == before


def test_pruning_again_deletes_nothing_more(at_home: Home) -> None:
    assert at_home.bucket is not None
    upload(at_home.paths)
    _grow(at_home)
    _prune(at_home, Keep(last=1))
    keys = at_home.bucket.object_keys()
    assert _prune(at_home, Keep(last=1)).nothing_to_do
    assert at_home.bucket.object_keys() == keys


def test_the_newest_good_upload_stays_when_a_newer_one_lacks_an_object(at_home: Home) -> None:
    assert at_home.bucket is not None
    good = upload(at_home.paths)
    bad = _grow(at_home, full=True)
    at_home.bucket.client.remove_object(
        at_home.bucket.name, f"systems/laptop/uploads/{bad}/reflection.duckdb"
    )
    found = _prune(at_home, Keep(last=1))
    assert list(found.kept) == [good]
    assert restore.restore(RestoreRequest(), context(at_home.paths)).plan.upload.upload_id == good


def test_an_upload_loses_its_manifest_before_its_objects(at_home: Home) -> None:
    """Cut off at any point, no upload is there that could not be restored."""
    upload(at_home.paths)
    _grow(at_home, full=True)
    surroundings = context(at_home.paths)
    bucket = catalog.open_to_read(surroundings)
    found = prune.plan(bucket, Keep(last=1), surroundings)
    order = [*found.manifests, *found.objects]
    assert [key.endswith("/manifest.json") for key in order] == [True, False, False]
    bucket.delete([order[0]])
    assert all(each.complete for each in catalog.uploads(bucket, "laptop") if each.has_manifest)


def test_a_dry_run_deletes_nothing(at_home: Home) -> None:
    assert at_home.bucket is not None
    upload(at_home.paths)
    _grow(at_home, full=True)
    keys = at_home.bucket.object_keys()
    result = at_home.akosha_hook("prune", "--keep-last", "1", "--dry-run", "--json")
    document = json.loads(result.stdout)
    assert document["dry_run"] is True
    assert len(document["removed"]) == 1
    assert at_home.bucket.object_keys() == keys
    assert at_home.akosha_hook("prune", "--keep-last", "1").returncode == 0
    assert set(keys) - set(at_home.bucket.object_keys()) == set(document["objects_deleted"])


def test_settings_say_what_to_keep_where_no_option_does(at_home: Home) -> None:
    upload(at_home.paths)
    _grow(at_home)
    result = at_home.akosha_hook("prune")
    assert result.returncode == 1
    assert "Nothing says what to keep" in result.stderr
    at_home.configure(akosha_keep_last=1)
    assert "Deleted 1 upload, " in at_home.akosha_hook("prune").stdout


def test_another_machine_under_the_same_name_stops_it(at_home: Home) -> None:
    assert at_home.bucket is not None
    first = upload(at_home.paths)
    _grow(at_home)
    document = read_manifest(at_home.bucket, first)
    document["metadata"]["machine_id"] = "another"
    write_manifest(at_home.bucket, first, document)
    keys = at_home.bucket.object_keys()
    with pytest.raises(AkoshaHookError, match="another machine uploads as laptop too") as caught:
        _prune(at_home, Keep(last=1))
    assert "akosha-hook prune --system laptop" in caught.value.hint
    assert at_home.bucket.object_keys() == keys
    assert len(_prune(at_home, Keep(last=1), system_id="laptop").removed) == 1


def test_other_systems_are_left_alone_until_named(at_home: Home) -> None:
    assert at_home.bucket is not None
    upload(at_home.paths)
    _grow(at_home, full=True)
    at_home.configure(akosha_system_id="desktop")
    upload(at_home.paths)
    _grow(at_home, full=True)
    others = at_home.bucket.object_keys("systems/laptop/")
    _prune(at_home, Keep(last=1))
    assert at_home.bucket.object_keys("systems/laptop/") == others
    assert len(at_home.bucket.object_keys("systems/desktop/")) == 3
    _prune(at_home, Keep(last=1), system_id="laptop")
    assert len(at_home.bucket.object_keys("systems/laptop/")) == 3
    with pytest.raises(AkoshaHookError, match="Nothing is stored for nobody"):
        _prune(at_home, Keep(last=1), system_id="nobody")


def test_a_manifest_that_cannot_be_read_stops_it(at_home: Home) -> None:
    """What it refers to is not known."""
    assert at_home.bucket is not None
    first = upload(at_home.paths)
    _grow(at_home)
    put(at_home.bucket, f"systems/laptop/uploads/{first}/manifest.json", b"{")
    keys = at_home.bucket.object_keys()
    with pytest.raises(DamagedError, match="Nothing was deleted"):
        _prune(at_home, Keep(last=1))
    assert at_home.bucket.object_keys() == keys


def test_an_incomplete_upload_goes_when_it_is_old(
    at_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert at_home.bucket is not None
    upload(at_home.paths)
    half = "systems/laptop/uploads/20200101_000000_laptop/reflection.duckdb"
    put(at_home.bucket, half, b"half")
    _prune(at_home, Keep(last=1))
    assert half in at_home.bucket.object_keys()
    monkeypatch.setattr(planning, "ABANDONED_SECONDS", -60.0)
    found = _prune(at_home, Keep(last=1))
    assert [each.upload_id for each in found.abandoned] == ["20200101_000000_laptop"]
    assert half not in at_home.bucket.object_keys()


def test_abandoned_multipart_uploads_of_this_system_are_aborted(at_home: Home) -> None:
    assert at_home.bucket is not None
    upload(at_home.paths)
    surroundings = context(at_home.paths)
    policy = RetryPolicy(max_retries=0, backoff_seconds=0, deadline=Deadline(60))
    bucket = open_client(surroundings, policy)
    bucket.create_multipart("systems/laptop/uploads/20200101_000000_laptop/x.duckdb", {})
    bucket.create_multipart("systems/other/uploads/20200101_000000_other/x.duckdb", {})
    assert at_home.bucket.open_uploads() == 2
    found = _prune(at_home, Keep(last=1))
    assert [key for key, _ in found.unfinished] == [
        "systems/laptop/uploads/20200101_000000_laptop/x.duckdb"
    ]
    assert at_home.bucket.open_uploads() == 1
    # Another system's may be running on another machine right now.
    put(at_home.bucket, "systems/other/uploads/20200101_000000_other/x", b"x")
    assert _prune(at_home, Keep(last=1), system_id="other").unfinished == ()


def test_the_worker_prunes_after_an_upload_at_most_daily(at_home: Home) -> None:
    assert at_home.bucket is not None
    at_home.configure(akosha_settle_seconds=0, akosha_min_interval_seconds=0, akosha_keep_last=1)
    first = upload(at_home.paths)
    change(at_home.paths.data / "reflection.duckdb", 3)
    outbox.record(at_home.paths, "manual", at_home.paths.claude, b"")
    assert at_home.work() == ""
    assert f"systems/laptop/uploads/{first}/manifest.json" not in at_home.bucket.object_keys()
    pruned = last(at_home.paths)
    assert pruned is not None
    assert (pruned.success, pruned.uploads_removed) == (True, 1)
    change(at_home.paths.data / "reflection.duckdb", 3)
    outbox.record(at_home.paths, "manual", at_home.paths.claude, b"")
    at_home.work()
    manifests = [key for key in at_home.bucket.object_keys() if key.endswith("/manifest.json")]
    assert len(manifests) == 2
    yesterday = time.time() - 90_000
    at_home.paths.prune.write_text(json.dumps({"at": yesterday, "success": True}))
    change(at_home.paths.data / "reflection.duckdb", 3)
    outbox.record(at_home.paths, "manual", at_home.paths.claude, b"")
    at_home.work()
    manifests = [key for key in at_home.bucket.object_keys() if key.endswith("/manifest.json")]
    assert len(manifests) == 1
