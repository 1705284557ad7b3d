"""The minimal policy of docs/providers.md, judged by a server that enforces policies."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from akosha_hook.errors import DeliveryError
from akosha_hook.state.receipt import Part
from tests.support.contract import GUIDE_BUCKET, LIMITED, PRUNER, guide_policy, keys

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
    keys_found = [found.key for found in bucket.objects("systems/x/")]
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


def test_pruning_needs_delete_object_too(guide_place: Place, paths: Paths) -> None:
    bucket = opened(guide_place, paths, PRUNER)
    bucket.put("systems/z/old", b"memories", {})
    bucket.delete("systems/z/old")
    assert bucket.head("systems/z/old") is None
