"""Carrying a plan out, and the command: manifests first, and nothing on a dry run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from akosha_hook import catalog, prune
from akosha_hook.prune import Keep
from tests.prune.uploads import grow, prune_uploads
from tests.support.recovery import (
    context,
    upload,
)

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
