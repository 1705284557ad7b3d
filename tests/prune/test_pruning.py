"""Carrying a plan out, and the command: manifests first, and nothing on a dry run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from akosha_hook import catalog, prune
from akosha_hook.errors import CredentialsError, DeliveryError
from akosha_hook.prune import Keep
from akosha_hook.stores.s3.store import S3Store
from tests.prune.uploads import grow, prune_uploads
from tests.support.recovery import (
    context,
    upload,
)
from tests.support.s3_answers import error
from tests.support.s3_client import open_plain

if TYPE_CHECKING:
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
    plan = prune.plan(store, Keep(last=1), here)
    order = [*plan.manifests, *plan.objects]
    assert [key.endswith("/manifest.json") for key in order] == [True, False, False]
    store.delete([order[0]])
    assert all(each.complete for each in catalog.uploads(store, "laptop") if each.has_manifest)


def test_a_dry_run_deletes_nothing(at_home: Home) -> None:
    assert at_home.bucket is not None
    upload(at_home.paths)
    grow(at_home, full=True)
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
    grow(at_home)
    result = at_home.akosha_hook("prune")
    assert result.returncode == 1
    assert "Nothing says what to keep" in result.stderr
    at_home.configure(akosha_keep_last=1)
    assert "Deleted 1 upload, " in at_home.akosha_hook("prune").stdout


def test_keys_that_may_not_delete_are_told_which_permission_is_missing(
    httpserver: HTTPServer,
) -> None:
    httpserver.expect_request("/memories/manifest.json").respond_with_response(
        error(403, "AccessDenied")
    )
    with pytest.raises(CredentialsError, match="may not delete in bucket memories") as caught:
        prune.apply(store_at(httpserver), plan_of(manifests=("manifest.json",), objects=("x",)))
    assert "s3:DeleteObject" in caught.value.hint
    # The objects of an upload whose manifest stays are not touched.
    assert [request.path for request, _ in httpserver.log] == ["/memories/manifest.json"]


def test_a_server_that_fails_is_no_missing_permission(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/memories/manifest.json").respond_with_response(
        error(503, "SlowDown")
    )
    with pytest.raises(DeliveryError) as caught:
        prune.apply(store_at(httpserver), plan_of(manifests=("manifest.json",)))
    assert caught.value.code == "SlowDown"


def test_an_abort_that_is_denied_is_a_note(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/memories/x").respond_with_response(error(403, "AccessDenied"))
    httpserver.expect_request("/memories/y").respond_with_response(Response(status=204))
    done = prune.apply(
        store_at(httpserver), plan_of(unfinished=(("x", "1"), ("y", "2")), notes=("a note",))
    )
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
