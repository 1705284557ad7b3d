"""The minimal policy of docs/providers.md, judged by a server that enforces policies."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from akosha_hook.errors import DeliveryError, ExitCode
from akosha_hook.state.receipt import Part
from tests.support.contract import GUIDE_BUCKET, LIMITED, PRUNER, guide_policy, keys
from tests.support.duck import change, make_databases
from tests.support.findings import bad, examine, only
from tests.support.home import Home
from tests.support.later import akosha_hook_later

if TYPE_CHECKING:
    from akosha_hook.paths import Paths
    from akosha_hook.stores.s3.client import S3Client
    from tests.support.contract import Place


def opened(place: Place, paths: Paths, name: str, **changes: str) -> S3Client:
    return replace(place, environ=keys(name, name)).open(paths, **changes)


def test_it_is_the_guides() -> None:
    (statement,) = guide_policy()["Statement"]
    assert statement["Action"] == ["s3:PutObject", "s3:GetObject", "s3:ListBucket"]
    assert statement["Resource"] == [
        f"arn:aws:s3:::{GUIDE_BUCKET}",
        f"arn:aws:s3:::{GUIDE_BUCKET}/*",
    ]


def test_it_is_enough_to_upload_find_and_restore(guide_place: Place, paths: Paths) -> None:
    bucket = opened(guide_place, paths, LIMITED)
    bucket.put("systems/x/small", b"memories", {})
    multipart_id = bucket.create_multipart("systems/x/large", {})
    digest = hashlib.md5(b"part", usedforsecurity=False).hexdigest()
    etag = bucket.put_part("systems/x/large", multipart_id, 1, b"part", digest)
    bucket.complete_multipart("systems/x/large", multipart_id, [Part(1, 4, etag, digest)])
    assert bucket.head("systems/x/small") is not None
    assert bucket.head("systems/x/missing") is None
    assert bucket.get_range("systems/x/large", 0, 4) == b"part"
    keys_found = [each.key for each in bucket.objects("systems/x/")]
    assert keys_found == ["systems/x/large", "systems/x/small"]


def test_it_allows_no_deleting_and_no_other_bucket(guide_place: Place, paths: Paths) -> None:
    bucket = opened(guide_place, paths, LIMITED)
    bucket.put("systems/y/kept", b"memories", {})
    with pytest.raises(DeliveryError) as caught:
        bucket.delete("systems/y/kept")
    assert caught.value.code == "AccessDenied"
    other = opened(guide_place, paths, LIMITED, akosha_cloud_bucket="another-bucket")
    with pytest.raises(DeliveryError) as caught:
        other.put("key", b"memories", {})
    assert caught.value.code == "AccessDenied"
    assert bucket.head("systems/y/kept") is not None


def test_the_keys_for_prune_may_delete_and_store_nothing(guide_place: Place, paths: Paths) -> None:
    opened(guide_place, paths, LIMITED).put("systems/z/old", b"memories", {})
    bucket = opened(guide_place, paths, PRUNER)
    bucket.delete("systems/z/old")
    assert bucket.head("systems/z/old") is None
    with pytest.raises(DeliveryError) as caught:
        bucket.put("systems/z/new", b"memories", {})
    assert caught.value.code == "AccessDenied"


def test_hooks_keys_do_all_but_prune_and_the_keys_for_prune_do_that(
    guide_place: Place, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both of the page, with the commands: a sync, verify, doctor, prune."""
    make_databases(paths.data, conversations=5)
    home = Home(paths)
    settings = guide_place.settings
    home.configure(
        akosha_cloud_bucket=settings.akosha_cloud_bucket,
        akosha_cloud_endpoint=settings.akosha_cloud_endpoint,
        akosha_ca_file=settings.akosha_ca_file,
        akosha_system_id="laptop",
        akosha_keep_last=1,
        akosha_enable_fallback=False,
    )
    use_keys(monkeypatch, LIMITED)
    for _ in range(2):
        assert home.akosha_hook("sync", "--full").returncode == 0
        change(paths.data / "reflection.duckdb", 3)
    verified = home.akosha_hook("verify")
    assert verified.returncode == 0, verified.stderr
    store = guide_place.open(paths)
    before = sorted(each.key for each in store.objects(""))
    found = examine(home)
    assert not bad(found)
    assert only(found, "Bucket", "delete").state == "warning"
    assert sorted(each.key for each in store.objects("")) == before
    refused = akosha_hook_later(home, "prune")
    assert refused.returncode == ExitCode.CREDENTIALS
    assert "may not delete" in refused.stderr
    assert sorted(each.key for each in store.objects("")) == before
    use_keys(monkeypatch, PRUNER)
    done = akosha_hook_later(home, "prune")
    assert done.returncode == 0, done.stderr
    assert "Deleted 1 upload" in done.stdout
    use_keys(monkeypatch, LIMITED)
    assert home.akosha_hook("verify").returncode == 0


def use_keys(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for variable, value in keys(name, name).items():
        monkeypatch.setenv(variable, value)
