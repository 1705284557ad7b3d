"""A sync of this process, and what it stored."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from akosha_hook import settings
from akosha_hook.context import Context
from akosha_hook.paths import Paths
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync.outcome import Outcome
from akosha_hook.sync.run import Request, run
from tests.support.duck import add_ballast, make_databases
from tests.support.home import pin
from tests.support.s3 import TestBucket

CLOUD = Request(method="cloud", triggered_by=("manual",))


def context(paths: Paths, bucket: TestBucket, **changes: str) -> Context:
    environ = {**os.environ, **bucket.environment, **changes}
    loaded = settings.load_strict(environ, paths)
    return Context(loaded, paths, environ)


def sync(paths: Paths, bucket: TestBucket, request: Request = CLOUD, **changes: str) -> Outcome:
    paths.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    pin(paths, **{**bucket.environment, **changes})
    return run(request, context(paths, bucket, **changes), Receipts(paths))


def manifest_of(bucket: TestBucket, outcome: Outcome) -> dict[str, object]:
    assert outcome.receipt is not None
    key = next(
        key
        for key in bucket.object_keys()
        if key.endswith(f"{outcome.receipt.upload_id}/manifest.json")
    )
    document = json.loads(bucket.read(key))
    assert isinstance(document, dict)
    return document


def make_big(path: Path) -> None:
    """A valid-looking database of 11 MB; nobody opens it."""
    path.write_bytes(b"\0" * 8 + b"DUCK" + os.urandom(11 * 1024 * 1024))


def backdate(path: Path, *, days: int) -> None:
    document = json.loads(path.read_text())
    del document["checksum"]
    for each in document["files"]:
        each["stored_at"] -= days * 86_400
    path.write_text(json.dumps(document))


def restored(bucket: TestBucket, outcome: Outcome, name: str, directory: Path) -> bytes:
    """The file put together from what the bucket holds, by the receipt's keys alone."""
    from akosha_hook.format import delta

    assert outcome.receipt is not None
    file = next(each for each in outcome.receipt.files if each.name == name)
    plain = gzip.decompress(bucket.read(file.key))
    if file.delta is None:
        return plain
    base, changes, target = (directory / part for part in ("base", "delta", "target"))
    base.write_bytes(gzip.decompress(bucket.read(file.delta.base_key)))
    changes.write_bytes(plain)
    delta.apply(base, changes, target)
    return target.read_bytes()


@pytest.fixture
def data(paths: Paths) -> Path:
    make_databases(paths.data, conversations=20)
    return paths.data


@pytest.fixture
def large(paths: Paths, data: Path) -> Path:
    """A database large enough for its changes to be worth a delta."""
    add_ballast(data / "reflection.duckdb")
    return data / "reflection.duckdb"
