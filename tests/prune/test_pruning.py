"""Carrying a plan out, and the command: manifests first, and nothing on a dry run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from akosha_hook import catalog, prune, restore
from akosha_hook.errors import CredentialsError, DeliveryError
from akosha_hook.prune import Keep
from akosha_hook.restore import RestoreRequest
from akosha_hook.state.ledger import Ledger
from akosha_hook.stores.s3.store import S3Store
from tests.prune.uploads import grow, prune_uploads
from tests.support.later import akosha_hook_later, hours_later
from tests.support.recovery import context, put, read_manifest, upload
from tests.support.s3_answers import error
from tests.support.s3_client import open_plain

if TYPE_CHECKING:
    from akosha_hook.paths import Paths
    from tests.support.home import Home


def test_pruning_again_deletes_nothing_more(at_home: Home) -> None:
    assert at_home.bucket is not None
    upload(at_home.paths)
    grow(at_home)
    prune_uploads(at_home, Keep(last=1))
    keys = at_home.bucket.object_keys()
    assert prune_uploads(at_home, Keep(last=1)).nothing_to_do
    assert at_home.bucket.object_keys() == keys


def test_an_upload_loses_its_manifest_before_its_objects(at_home: Home) -> None:
    """Cut off at any point, no upload is there that could not be restored."""
    upload(at_home.paths)
    grow(at_home, full=True)
    here = context(at_home.paths)
    store = catalog.open_to_read(here)
    with hours_later():
        plan = prune.plan(store, Keep(last=1), here)
    order = [*plan.manifests, *plan.objects]
    assert [key.endswith("/manifest.json") for key in order] == [True, False, False]
    store.delete([order[0]])
    assert all(each.complete for each in catalog.uploads(store, "laptop") if each.has_manifest)


def test_what_a_manifest_refers_to_that_came_meanwhile_is_spared(
    at_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert at_home.bucket is not None
    first = upload(at_home.paths)
    grow(at_home, full=True)
    here = context(at_home.paths)
    store = catalog.open_to_read(here)
    with hours_later():
        plan = prune.plan(store, Keep(last=1), here)
    document = read_manifest(at_home.bucket, first)
    document["metadata"]["upload_id"] = "late"
    listed = [each for each in document["metadata"]["files"] if each["name"] == "reflection.duckdb"]
    document["metadata"]["files"] = listed
    put(at_home.bucket, "systems/laptop/uploads/late/manifest.json", json.dumps(document).encode())
    done = prune.apply(store, plan, here)
    spared = f"systems/laptop/uploads/{first}/reflection.duckdb"
    assert done.spared == (spared,)
    assert done.deleted == len(plan.manifests) + len(plan.objects) - 1
    assert done.freed_bytes == plan.freed_bytes - plan.sizes[spared]
    assert spared in at_home.bucket.object_keys()
    late = catalog.read_upload(store, "laptop", "late")
    assert late is not None
    assert restore.verify(RestoreRequest("late"), here).plan.upload.upload_id == "late"


def test_the_ledger_forgets_what_is_gone_and_keeps_what_later_uploads_need(at_home: Home) -> None:
    """What stays of a pruned upload is this machine's own still: later ones go on referring to it."""
    assert at_home.bucket is not None
    base = upload(at_home.paths)
    middle = grow(at_home)
    newest = grow(at_home, full=True)
    assert prune_uploads(at_home, Keep(last=1)).still_needed == ()
    ledger = Ledger(at_home.paths)
    assert [ledger.entry(each) is not None for each in (base, middle, newest)] == [
        False,
        False,
        True,
    ]
    latest = grow(at_home)
    plan = prune_uploads(at_home, Keep(last=1))
    kept = f"systems/laptop/uploads/{newest}/knowledge_graph.duckdb"
    assert kept in plan.still_needed
    assert Ledger(at_home.paths).entry(newest) is not None
    after = grow(at_home)
    listed = read_manifest(at_home.bucket, after)["metadata"]["files"]
    assert kept in {each["key"] for each in listed}
    assert latest != after


def test_a_dry_run_deletes_nothing(at_home: Home) -> None:
    assert at_home.bucket is not None
    upload(at_home.paths)
    grow(at_home, full=True)
    keys = at_home.bucket.object_keys()
    result = akosha_hook_later(at_home, "prune", "--keep-last", "1", "--dry-run", "--json")
    document = json.loads(result.stdout)
    assert document["dry_run"] is True
    assert len(document["removed"]) == 1
    assert at_home.bucket.object_keys() == keys
    assert akosha_hook_later(at_home, "prune", "--keep-last", "1").returncode == 0
    assert set(keys) - set(at_home.bucket.object_keys()) == set(document["objects_deleted"])


def test_settings_say_what_to_keep_where_no_option_does(at_home: Home) -> None:
    upload(at_home.paths)
    grow(at_home)
    result = at_home.akosha_hook("prune")
    assert result.returncode == 1
    assert "Nothing says what to keep" in result.stderr
    at_home.configure(akosha_keep_last=1)
    assert "Deleted 1 upload, " in akosha_hook_later(at_home, "prune").stdout


def test_keys_that_may_not_delete_are_told_which_permission_is_missing(
    httpserver: HTTPServer, paths: Paths
) -> None:
    httpserver.expect_request("/memories/manifest.json").respond_with_response(
        error(403, "AccessDenied")
    )
    plan = plan_of(manifests=("manifest.json",), objects=("x",))
    with pytest.raises(CredentialsError, match="may not delete in bucket memories") as caught:
        prune.apply(store_at(httpserver), plan, context(paths))
    assert "s3:DeleteObject" in caught.value.hint
    # The objects of an upload whose manifest stays are not touched.
    assert [request.path for request, _ in httpserver.log] == ["/memories/manifest.json"]


def test_a_server_that_fails_is_no_missing_permission(httpserver: HTTPServer, paths: Paths) -> None:
    httpserver.expect_request("/memories/manifest.json").respond_with_response(
        error(503, "SlowDown")
    )
    plan = plan_of(manifests=("manifest.json",))
    with pytest.raises(DeliveryError) as caught:
        prune.apply(store_at(httpserver), plan, context(paths))
    assert caught.value.code == "SlowDown"


def test_an_abort_that_is_denied_is_a_note(httpserver: HTTPServer, paths: Paths) -> None:
    httpserver.expect_request("/memories/x").respond_with_response(error(403, "AccessDenied"))
    httpserver.expect_request("/memories/y").respond_with_response(Response(status=204))
    plan = plan_of(unfinished=(("x", "1"), ("y", "2")), notes=("a note",))
    done = prune.apply(store_at(httpserver), plan, context(paths))
    assert (done.deleted, done.aborted) == (0, 1)
    assert done.notes[0] == "a note"
    assert "of x could not be aborted (AccessDenied)" in done.notes[1]


def store_at(server: HTTPServer) -> S3Store:
    client = open_plain(server.url_for(""))
    return S3Store(client, location="", headers={}, part_size=5 << 20, parallel=1)


def plan_of(**changes: Any) -> prune.Plan:
    nothing: dict[str, Any] = {
        "system_id": "laptop",
        "kept": {},
        "removed": (),
        "abandoned": (),
        "manifests": (),
        "objects": (),
        "still_needed": (),
        "unfinished": (),
        "freed_bytes": 0,
    }
    return prune.Plan(**{**nothing, **changes})
