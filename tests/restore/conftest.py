from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from akosha_hook.restore import fetch
from tests.restore.scene import NAMES, RANGE, WHOLE, Scene
from tests.support.duck import make_databases
from tests.support.faults import faulty_proxy
from tests.support.home import Home
from tests.support.recovery import upload

if TYPE_CHECKING:
    from akosha_hook.paths import Paths
    from tests.support.s3 import TestBucket


SYSTEM = "laptop"


@pytest.fixture
def at_home(paths: Paths, bucket: TestBucket) -> Home:
    """Two small databases, a bucket, and settings that name it."""
    make_databases(paths.data, conversations=10)
    home = Home(paths, bucket)
    home.configure(akosha_max_retries=0, akosha_enable_fallback=False, akosha_system_id=SYSTEM)
    return home


@pytest.fixture
def scene(at_home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """Two databases of many ranges in the bucket, and nothing of them here."""
    monkeypatch.setattr(fetch, "RANGE_BYTES", RANGE)
    # One after the other: what is asked for is what was needed.
    monkeypatch.setattr(fetch, "RANGES", 1)
    assert at_home.bucket is not None
    shutil.rmtree(at_home.paths.data)
    at_home.paths.data.mkdir()
    before = {}
    for seed, name in enumerate(NAMES):
        before[name] = b"\0" * 8 + b"DUCK" + random.Random(seed).randbytes(WHOLE - 12)
        (at_home.paths.data / name).write_bytes(before[name])
    with faulty_proxy(at_home.bucket.server.endpoint) as proxy:
        at_home.configure(
            akosha_cloud_endpoint=proxy.url,
            akosha_databases=list(NAMES),
            akosha_enable_compression=False,
        )
        upload(at_home.paths)
        for path in at_home.paths.data.iterdir():
            path.unlink()
        yield Scene(at_home, proxy, before)


@pytest.fixture
def holding() -> Iterator[Callable[[Path], int]]:
    """Lets a process open a SQLite database, read from it, and keep it open; its id."""
    code = (
        "import sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1])\n"
        "connection.execute('SELECT count(*) FROM sqlite_master').fetchall()\n"
        "print(flush=True)\n"
        "sys.stdin.read()"
    )
    processes = []

    def hold(database: Path) -> int:
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(database)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline()
        return process.pid

    yield hold
    for process in processes:
        process.communicate()
