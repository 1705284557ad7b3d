"""A bucket with Object Lock keeps every upload, whatever somebody with the keys does to it."""

from __future__ import annotations

import base64
import hashlib
import uuid

import pytest
from minio.commonconfig import COMPLIANCE
from minio.error import S3Error
from minio.objectlockconfig import DAYS, ObjectLockConfig
from pytest_httpserver import HTTPServer

from akosha_hook.demo.s3_server import S3Server
from akosha_hook.paths import Paths
from akosha_hook.settings import Settings
from tests.support.contract import Place, keys
from tests.support.duck import make_databases
from tests.support.home import Home
from tests.support.s3 import TestBucket, make_bucket
from tests.support.syncing import make_big


@pytest.fixture
def locked(seaweedfs: S3Server) -> TestBucket:
    """SeaweedFS enforces Object Lock; rclone's server does not know it."""
    plain = make_bucket(seaweedfs, f"plain-{uuid.uuid4().hex[:12]}")
    name = f"locked-{uuid.uuid4().hex[:12]}"
    plain.client.make_bucket(name, object_lock=True)
    plain.client.set_object_lock_config(name, ObjectLockConfig(COMPLIANCE, 1, DAYS))
    return TestBucket(plain.server, name, plain.client)


def test_what_is_locked_survives_a_key_that_may_delete(paths: Paths, locked: TestBucket) -> None:
    make_databases(paths.data, conversations=5)
    home = Home(paths, locked)
    home.configure(akosha_enable_fallback=False)
    assert home.akosha_hook("sync").returncode == 0
    stored = list(locked.client.list_objects(locked.name, recursive=True, include_version=True))
    assert stored
    for each in stored:
        assert each.object_name is not None
        with pytest.raises(S3Error, match="AccessDenied"):
            locked.client.remove_object(locked.name, each.object_name, version_id=each.version_id)
        # Without a version only a mark is set, which hides the object.
        locked.client.remove_object(locked.name, each.object_name)
    assert home.akosha_hook("verify").returncode != 0
    for each in locked.client.list_objects(locked.name, recursive=True, include_version=True):
        if each.is_delete_marker:
            assert each.object_name is not None
            locked.client.remove_object(locked.name, each.object_name, version_id=each.version_id)
    verified = home.akosha_hook("verify")
    assert verified.returncode == 0, verified.stderr


def test_a_retention_that_is_asked_for_is_kept(paths: Paths, seaweedfs: S3Server) -> None:
    """In a bucket without a default of its own; in one piece and in parts."""
    plain = make_bucket(seaweedfs, f"plain-{uuid.uuid4().hex[:12]}")
    name = f"asked-{uuid.uuid4().hex[:12]}"
    plain.client.make_bucket(name, object_lock=True)
    bucket = TestBucket(plain.server, name, plain.client)
    make_databases(paths.data, conversations=5)
    make_big(paths.data / "big.duckdb")
    home = Home(paths, bucket)
    home.configure(
        akosha_enable_fallback=False,
        akosha_enable_compression=False,
        akosha_databases=["*.duckdb"],
        akosha_object_lock_mode="COMPLIANCE",
        akosha_object_lock_days=1,
    )
    done = home.akosha_hook("sync")
    assert done.returncode == 0, done.stderr
    stored = list(bucket.client.list_objects(name, recursive=True, include_version=True))
    assert len(stored) == 4
    for each in stored:
        assert each.object_name is not None
        with pytest.raises(S3Error, match="AccessDenied"):
            bucket.client.remove_object(name, each.object_name, version_id=each.version_id)


def test_what_is_retained_is_sent_with_its_checksum(paths: Paths, httpserver: HTTPServer) -> None:
    """AWS refuses a retention without one; SeaweedFS does not."""
    httpserver.expect_request("/memories/key").respond_with_data("", headers={"ETag": '"1"'})
    settings = Settings(
        akosha_cloud_bucket="memories", akosha_cloud_endpoint=httpserver.url_for("").rstrip("/")
    )
    place = Place(settings, keys("a", "bbbb"))
    place.open(paths).put("key", b"x", {"x-amz-object-lock-mode": "COMPLIANCE"})
    (request,) = [each for each, _ in httpserver.log if each.method == "PUT"]
    digest = hashlib.md5(b"x", usedforsecurity=False).digest()
    assert request.headers["Content-MD5"] == base64.b64encode(digest).decode()
