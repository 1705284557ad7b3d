"""A machine that is busy uploading: a real S3 server, and syncs of a large database without pause."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from akosha_hook.demo.databases import make_reflection_database
from akosha_hook.demo.s3_server import s3_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from akosha_hook.demo.s3_server import S3Server

BUCKET = "bench"
MEGABYTES = 300
_WARMING_BYTES, _WARMING_WRITES = 6 * 1024 * 1024, 8
# What 384 random floats take in a file: they do not compress, as embeddings do not.
_ROWS_PER_MEGABYTE = 680


@contextlib.contextmanager
def uploading(work: Path) -> Iterator[None]:
    """Inside the block one `akosha-hook sync --full` follows the other."""
    home = work / "uploading"
    data = home / ".claude" / "data"
    data.mkdir(parents=True)
    _make_large_database(data / "reflection.duckdb")
    with s3_server(work / "server") as server:
        make_bucket(server)
        environ = _environment(home, server)
        # The first upload tells whether this works at all; the others are the load.
        subprocess.run(_SYNC, check=True, env=environ, capture_output=True)
        stop = threading.Event()
        load = threading.Thread(target=_keep_uploading, args=(environ, stop))
        load.start()
        try:
            yield
        finally:
            stop.set()
            load.join()


_SYNC = (sys.executable, "-P", "-m", "akosha_hook", "sync", "--full", "--no-fallback")


def _keep_uploading(environ: Mapping[str, str], stop: threading.Event) -> None:
    while not stop.is_set():
        subprocess.run(_SYNC, check=False, env=environ, capture_output=True)


def _environment(home: Path, server: S3Server) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AKOSHA_PIN": "accept",
        "SESSION_BUDDY_AKOSHA_CLOUD_BUCKET": BUCKET,
        "SESSION_BUDDY_AKOSHA_CLOUD_ENDPOINT": server.endpoint,
        "AWS_ACCESS_KEY_ID": server.access_key,
        "AWS_SECRET_ACCESS_KEY": server.secret_key,
    }


def make_bucket(server: S3Server) -> None:
    """An empty bucket that was written to before.

    SeaweedFS makes a bucket's volumes at the first writes, which takes it up to seconds: whoever
    happens to come first would pay for it.
    """
    from minio import Minio

    host = server.endpoint.removeprefix("http://")
    client = Minio(host, server.access_key, server.secret_key, secure=False)
    client.make_bucket(BUCKET)
    data = os.urandom(_WARMING_BYTES)

    def write(number: int) -> None:
        name = f"warming-{number}"
        client.put_object(BUCKET, name, io.BytesIO(data), len(data))
        client.remove_object(BUCKET, name)

    with ThreadPoolExecutor(_WARMING_WRITES) as pool:
        list(pool.map(write, range(_WARMING_WRITES)))


def _make_large_database(path: Path) -> None:
    import duckdb

    make_reflection_database(path, conversations=100)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE filler AS SELECT i AS id, "
            "list_transform(range(384), lambda x: random())::FLOAT[384] AS embedding "
            f"FROM range({MEGABYTES * _ROWS_PER_MEGABYTE}) AS rows(i)"
        )
