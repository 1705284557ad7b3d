"""A home behind a faulty network, and what must hold of it afterwards."""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import os
import random
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from akosha_hook import settings
from akosha_hook.context import Context
from akosha_hook.format import delta
from akosha_hook.hook import outbox
from akosha_hook.state.receipt import Receipt
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync import run as sync
from akosha_hook.sync.outcome import Outcome
from akosha_hook.util import files
from akosha_hook.worker import finish, loop
from tests.support.faults import FaultyProxy, error
from tests.support.home import Home
from tests.support.s3 import TestBucket

MIB = 1024 * 1024
DATABASE = "reflection.duckdb"


def write_database(path: Path, size: int, *, seed: int = 0) -> bytes:
    """Bytes that look like a database and are cheap to make; nobody opens them. Returns them."""
    content = b"\0" * 8 + b"DUCK" + random.Random(seed).randbytes(size - 12)
    path.parent.mkdir(parents=True, exist_ok=True)
    # In one step: a worker that is running must not find half of it.
    new = path.parent.parent / f"{path.name}.new"
    new.write_bytes(content)
    new.replace(path)
    return content


@dataclass
class FaultyHome(Home):
    """A home whose bucket lies behind a faulty proxy."""

    proxy: FaultyProxy | None = None

    @property
    def network(self) -> FaultyProxy:
        assert self.proxy is not None
        return self.proxy

    @property
    def store(self) -> TestBucket:
        assert self.bucket is not None
        return self.bucket

    @property
    def database(self) -> Path:
        return self.paths.data / DATABASE

    def write(self, size: int = MIB, *, seed: int = 0) -> bytes:
        return write_database(self.database, size, seed=seed)

    def happen(self, name: str = "post-commit") -> None:
        outbox.record(self.paths, name, None, b"")

    def sync(self, **request: Any) -> Outcome:
        """A sync by hand, in this process."""
        files.private_directory(self.paths.state)
        environ = dict(os.environ)
        loaded = settings.load_strict(environ, self.paths)
        context = Context(loaded, self.paths, environ)
        request_ = sync.Request(triggered_by=("manual",), **request)
        return sync.run(request_, context, Receipts(self.paths))

    def run_loop(self) -> None:
        """What a worker does, in this process, without its lock."""
        log_level = logging.getLogger("akosha_hook").level
        try:
            while rest := loop.run(self.paths, dict(os.environ)):
                assert rest.wait(lambda: False)
        finally:
            logging.getLogger("akosha_hook").setLevel(log_level)

    def run_loop_once(self) -> None:
        """The same, up to where it would sleep for a later moment."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loop, "STAY_SECONDS", 0.0)
            self.run_loop()

    def sync_by_hand(self) -> Outcome:
        """What `akosha-hook sync` does, in this process: events and notice included."""
        environ = dict(os.environ)
        files.private_directory(self.paths.state)
        loaded = settings.load_strict(environ, self.paths)
        context = Context(loaded, self.paths, environ)
        events = outbox.waiting(self.paths)
        receipts = Receipts(self.paths)
        outcome = sync.run(sync.Request(triggered_by=("manual",)), context, receipts)
        finish.finish(outcome, events, context, receipts)
        return outcome

    def killed_at(self, *operations: str, first: int = 1, carried_out: bool = False) -> None:
        """Start a worker and kill it when the request arrives, or when it has been carried out."""
        pause = self.network.pause(*operations, first=first, carried_out=carried_out)
        with self.start_worker() as worker:
            pause.wait()
            worker.kill()
            worker.wait()
        pause.drop()
        self.network.heal()

    def interrupted_at_part(self, number: int) -> Receipt:
        """An upload that failed at a part, and can be continued."""
        self.configure(akosha_parallel_uploads=1, akosha_max_retries=0)
        self.network.on("UploadPart", fault=error(503, "SlowDown"), first=number)
        assert not self.sync().success
        self.network.heal()
        (receipt,) = (each for each in self.receipts() if each.state == "uploading")
        return receipt

    def manifests(self) -> list[dict[str, Any]]:
        """Every upload that exists, the newest last."""
        keys = [key for key in self.store.object_keys() if key.endswith("/manifest.json")]
        documents = [json.loads(self.store.read(key)) for key in keys]
        return sorted(documents, key=lambda each: int(each["metadata"]["sequence"]))

    def stored(self) -> dict[str, bytes]:
        """The files of the newest upload, read back as a restore without us would."""
        return self.files_of(self.manifests()[-1])

    def files_of(self, manifest: dict[str, Any]) -> dict[str, bytes]:
        return {each["name"]: self._restored(each) for each in manifest["metadata"]["files"]}

    def _restored(self, file: dict[str, Any]) -> bytes:
        stored = _plain(self.store.read(file["key"]), file["compression"])
        if not file["delta"]:
            return stored
        base = file["delta"]
        with tempfile.TemporaryDirectory() as folder:
            before, changes, result = (Path(folder) / name for name in ("base", "delta", "result"))
            before.write_bytes(_plain(self.store.read(base["base_key"]), base["base_compression"]))
            changes.write_bytes(stored)
            delta.apply(before, changes, result)
            return result.read_bytes()

    def every_manifest_is_whole(self) -> None:
        """What is visible is complete: each file is there with the size and hash promised."""
        for manifest in self.manifests():
            for each in manifest["metadata"]["files"]:
                assert hashlib.sha256(self._restored(each)).hexdigest() == each["sha256"]

    def nothing_is_left(self) -> None:
        """No unfinished upload, no snapshot, no temporary file, no event."""
        assert self.store.open_uploads() == 0
        assert self.events() == []
        snapshots = self.paths.snapshots
        assert not snapshots.exists() or list(snapshots.iterdir()) == []
        assert list(self.paths.state.rglob("*.tmp")) == []
        assert all(each.state != "uploading" for each in self.receipts())
        assert list(self.paths.receipts.glob("*.journal")) == []


def _plain(data: bytes, compression: str) -> bytes:
    return gzip.decompress(data) if compression == "gzip" else data
