"""What a restore needs in a test: settings as they are, a sync, and a manifest one may edit."""

from __future__ import annotations

import hashlib
import io
import json
import os
from typing import TYPE_CHECKING, Any

import msgspec

from akosha_hook import settings
from akosha_hook.context import Context
from akosha_hook.state.ledger import Ledger
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync import run as syncing

if TYPE_CHECKING:
    from pathlib import Path

    from akosha_hook.paths import Paths
    from akosha_hook.sync.outcome import Outcome
    from tests.support.s3 import TestBucket


def context(paths: Paths) -> Context:
    return Context(settings.load_strict(os.environ, paths), paths, os.environ)


def upload(paths: Paths, *, full: bool = False) -> str:
    """Sync; the upload id."""
    outcome: Outcome = syncing.run(syncing.Request(full=full), context(paths), Receipts(paths))
    assert outcome.receipt is not None, outcome
    assert outcome.success, outcome.error
    return outcome.receipt.upload_id


def manifest_key(bucket: TestBucket, upload_id: str) -> str:
    (key,) = [each for each in bucket.object_keys() if each.endswith(f"{upload_id}/manifest.json")]
    return key


def put(bucket: TestBucket, key: str, data: bytes, metadata: dict[str, str] | None = None) -> None:
    bucket.client.put_object(
        bucket.name,
        key,
        io.BytesIO(data),
        len(data),
        metadata=dict(metadata or {}),
    )


def read_manifest(bucket: TestBucket, upload_id: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(bucket.read(manifest_key(bucket, upload_id)))
    return document


def write_manifest(
    bucket: TestBucket,
    upload_id: str,
    document: dict[str, Any],
    *,
    stored_by: Paths | None = None,
) -> None:
    """Overwrite a manifest; with `stored_by`, as if that state had stored it so."""
    data = json.dumps(document).encode()
    put(bucket, manifest_key(bucket, upload_id), data)
    if stored_by is not None:
        ledger = Ledger(stored_by)
        entry = ledger.entry(upload_id)
        assert entry is not None
        sha256 = hashlib.sha256(data).hexdigest()
        ledger.add(msgspec.structs.replace(entry, sha256=sha256))


def contents(directory: Path) -> dict[str, bytes]:
    """Every file directly in `directory`, by name."""
    return {each.name: each.read_bytes() for each in directory.iterdir() if each.is_file()}
