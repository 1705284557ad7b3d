"""A state directory as it may be, and one file of it as it should not."""

from __future__ import annotations

import copy
import json
import os
from typing import Any

import msgspec

from akosha_hook.format.manifest import Delta
from akosha_hook.paths import Paths
from akosha_hook.state import receipt
from akosha_hook.util import files

UPLOAD = "20261122_120000_laptop"
KEY = f"systems/laptop/uploads/{UPLOAD}/reflection.duckdb"
WHEN = "2026-11-22T12:00:00.000+00:00"


TARGET = receipt.Target(
    method="cloud", endpoint="http://127.0.0.1:9", bucket="memories", system_id="laptop"
)


def whole_receipt() -> receipt.Receipt:
    base = Delta(base_key=KEY, base_sha256="0" * 64, base_size=10, base_stored_at=1_795_000_000)
    file = receipt.ReceiptFile(
        name="reflection.duckdb",
        database="reflection.duckdb",
        status="uploaded",
        size=10,
        sha256="0" * 64,
        key=KEY,
        stored_bytes=10,
        delta=base,
        stored_at=1_795_000_000,
    )
    part = receipt.Part(1, 10, "etag", "0" * 32)
    partial = receipt.PartialUpload(
        key=KEY, multipart_id="id", part_size=5, codec="c", sha256="0" * 64, parts={1: part}
    )
    return receipt.Receipt(
        upload_id=UPLOAD,
        state="done",
        method="cloud",
        success=True,
        system_id="laptop",
        machine_id="m",
        sequence=1,
        started=WHEN,
        finished=WHEN,
        destination=TARGET,
        files=(file,),
        files_uploaded=(KEY,),
        details={"stored": 1},
        snapshot="20261122_120000-1",
        partial={KEY: partial},
    )


LAST_SYNC = {"at": 1_795_000_000.0, "state": "failed", "method": "cloud", "error": "x", "hint": "y"}


DOCUMENTS: dict[str, dict[str, Any]] = {
    f"receipts/{UPLOAD}.json": json.loads(msgspec.json.encode(whole_receipt())),
    f"receipts/{UPLOAD}.journal": {
        "snapshot": "20261122_120000-1",
        "partial": json.loads(msgspec.json.encode(whole_receipt().partial)),
        "stored": json.loads(msgspec.json.encode(whole_receipt().files)),
    },
    "progress.json": {
        "phase": "upload",
        "pid": os.getpid(),
        "updated": 1_795_000_000.0,
        "until": 1_795_000_000.0,
        "file": "x",
        "total_bytes": 10,
        "done_bytes": 5,
        "wire_bytes": 5,
        "message": "m",
        "last": LAST_SYNC,
        "dropped": ["x"],
    },
    "backoff.json": {
        f"cloud {TARGET.endpoint} memories laptop": {
            "due": 1_795_000_000.0,
            "failures": 2,
            "reason": "r",
            "circumstances": "c",
        }
    },
    "machine.json": {"system_id": "laptop", "machine_id": "m", "sequence": 3},
    "notice.json": {"systemMessage": "m"},
    "collapsed.json": {
        "open": {
            f"{TARGET.endpoint} memories laptop": {
                "reflection.duckdb": {
                    "collapse": {
                        "name": "reflection.duckdb",
                        "what": "conversations",
                        "before": 20,
                        "now": 0,
                        "upload_id": UPLOAD,
                        "since": WHEN,
                    },
                    "seen": False,
                }
            }
        },
        "accepted": {f"{TARGET.endpoint} memories laptop": 1},
    },
    # What 0.1 called verification.json.
    "drill.json": {"at": WHEN, "success": True, "upload_id": UPLOAD, "system_id": "laptop"},
    "verification.json": {"at": WHEN, "success": True, "upload_id": UPLOAD, "size": 3},
    "prune.json": {"at": 1_795_000_000.0, "success": True, "freed_bytes": 3},
    "regions.json": {"s3.amazonaws.com memories": "eu-west-1"},
    "install.json": {"schema": 1, "version": "1", "entries": []},
}


def changed(name: str, steps: tuple[Any, ...], value: object) -> object:
    if not steps:
        return value
    document = copy.deepcopy(DOCUMENTS[name])
    place: Any = document
    for step in steps[:-1]:
        place = place[step]
    place[steps[-1]] = value
    return document


def fill(paths: Paths, name: str, data: bytes) -> None:
    """A state directory as it may be, but for the file `name`, which holds `data`."""
    files.remove_tree(paths.state)
    for each, document in DOCUMENTS.items():
        path = paths.state / each
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(data if each == name else json.dumps(document).encode())
