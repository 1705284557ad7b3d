"""A bucket of one's own on a real S3 server."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import urllib3
from minio import Minio
from minio.error import InvalidResponseError

from akosha_hook.demo.s3_server import S3Server, free_ports, s3_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# By default SeaweedFS grows seven volumes for every new bucket, which takes 0.2 s at its first
# object: here all buckets share theirs.
ONE_COLLECTION = {"locations": [{"locationPrefix": "/buckets/", "collection": "shared"}]}


@dataclass(frozen=True)
class TestBucket:
    """`client` looks at the bucket from outside, with none of our code in between."""

    __test__ = False

    server: S3Server
    name: str
    client: Minio

    @property
    def environment(self) -> Mapping[str, str]:
        """What a user would export to reach it."""
        return {
            "SESSION_BUDDY_AKOSHA_CLOUD_BUCKET": self.name,
            "SESSION_BUDDY_AKOSHA_CLOUD_ENDPOINT": self.server.endpoint,
            "AWS_ACCESS_KEY_ID": self.server.access_key,
            "AWS_SECRET_ACCESS_KEY": self.server.secret_key,
        }

    def object_keys(self, prefix: str = "") -> list[str]:
        listed = self.client.list_objects(self.name, prefix=prefix, recursive=True)
        return sorted(str(each.object_name) for each in listed)

    def read(self, key: str) -> bytes:
        """The stored bytes, not decoded."""
        response = self.client.get_object(
            self.name, key, request_headers={"Accept-Encoding": "identity"}
        )
        try:
            return bytes(response.read(decode_content=False))
        finally:
            response.close()
            response.release_conn()

    def open_uploads(self) -> int:
        """Multipart uploads that are neither completed nor aborted."""
        try:
            return len(self.client._list_multipart_uploads(self.name).uploads)
        except InvalidResponseError as error:
            # rclone's answer for a bucket that never had one.
            if "NoSuchUpload" in str(error):
                return 0
            raise


def make_bucket(server: S3Server, name: str) -> TestBucket:
    client = Minio(
        server.endpoint.removeprefix("http://"),
        server.access_key,
        server.secret_key,
        secure=False,
        region="us-east-1",
        http_client=urllib3.PoolManager(timeout=30, retries=False),
    )
    client.make_bucket(name)
    return TestBucket(server, name, client)


@contextlib.contextmanager
def quick_server(directory: Path, name: str) -> Iterator[S3Server]:
    """A server for many small buckets."""
    if name != "seaweedfs":
        with s3_server(directory, name) as server:
            yield server
        return
    filer, filer_grpc = free_ports(2)
    ports = [f"-filer.port={filer}", f"-filer.port.grpc={filer_grpc}"]
    with s3_server(directory, name, arguments=ports) as server:
        answer = urllib3.request(
            "POST",
            f"http://127.0.0.1:{filer}/etc/seaweedfs/filer.conf",
            fields={"file": ("filer.conf", json.dumps(ONE_COLLECTION))},
        )
        assert answer.status == 201, answer.data
        yield server
