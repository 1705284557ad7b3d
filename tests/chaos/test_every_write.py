"""Killed, or out of disk, at any single write to our state: the same as at any request."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import uuid

import pytest

from tests.chaos.schedules import OTHER
from tests.chaos.support import DATABASE, MIB, Patient, write_database
from tests.support.s3 import make_bucket

# How many of the 70 or so writes are tried in a run; all where it is more.
POINTS = int(os.environ.get("AKOSHA_TEST_EXAMPLES", "5"))
UNTOUCHED = "knowledge_graph_old.duckdb"

# A worker whose writes below the first argument are counted; something happens at the given one.
# A disk that is full stays so, and files can still be removed from it.
_WORKER = """
import errno, os, signal, sys

root, kind, left = sys.argv[1], sys.argv[2], int(sys.argv[3])
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
seen = 0

def audit(event, arguments):
    global left, seen
    if event == "open":
        writes, takes_room = arguments[2] & WRITES, True
    else:
        writes = event in {"os.rename", "os.mkdir", "os.remove", "os.rmdir"}
        takes_room = event in {"os.rename", "os.mkdir"}
    path = arguments[0] if arguments else None
    if not writes or not isinstance(path, (str, bytes)) or not os.fsdecode(path).startswith(root):
        return
    seen += 1
    left -= 1
    if left < 0 and kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if left < 0 and kind == "full" and takes_room:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

from akosha_hook.worker import __main__ as worker, loop

loop.STAY_SECONDS = 0.0
sys.addaudithook(audit)
code = worker.main()
os.write(int(sys.argv[4]), str(seen).encode())
sys.exit(code)
"""


def worked(patient: Patient, kind: str, step: int) -> tuple[int, int]:
    """The worker's exit status, and how many writes it came to."""
    readable, writable = os.pipe()
    arguments = [str(patient.paths.state), kind, str(step), str(writable)]
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _WORKER, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=[writable],
    )
    os.close(writable)
    with process, os.fdopen(readable, "rb") as count:
        output, _ = process.communicate()
        assert output == b""
        return process.returncode, int(count.read() or b"0")


def scene(patient: Patient) -> dict[str, bytes]:
    """Three databases: one has to be sent in parts, one as a delta, one is referred to."""
    shutil.rmtree(patient.paths.state, ignore_errors=True)
    patient.bucket = make_bucket(patient.store.server, f"memories-{uuid.uuid4().hex[:12]}")
    patient.configure(akosha_cloud_bucket=patient.bucket.name, akosha_enable_delta=True)
    data = patient.paths.data
    patient.write(MIB, seed=1)
    other = write_database(data / OTHER, MIB, seed=2)
    untouched = write_database(data / UNTOUCHED, 1000, seed=3)
    assert patient.sync().success
    other = other[:-7] + b"changed"
    (data / OTHER).write_bytes(other)
    patient.happen()
    return {DATABASE: patient.write(6 * MIB, seed=4), OTHER: other, UNTOUCHED: untouched}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["kill", "full"])
def test_at_any_write_nothing_is_lost_and_the_next_sync_completes(
    patient: Patient, kind: str
) -> None:
    scene(patient)
    code, writes = worked(patient, "count", 0)
    assert (code, patient.events()) == (0, [])
    assert writes > 30
    steps = range(writes) if writes < POINTS else range(POINTS // 2, writes, writes // POINTS)
    killed = 0
    for step in steps:
        content = scene(patient)
        code, _ = worked(patient, kind, step)
        # How often progress is written depends on the time: the last writes may not come.
        assert code == 0 or (kind, code) == ("kill", -signal.SIGKILL), step
        killed += code != 0
        patient.every_manifest_is_whole()
        stored = patient.stored() == content
        assert stored or patient.events(), step
        patient.sync_by_hand()
        assert patient.stored() == content, step
        patient.every_manifest_is_whole()
        patient.nothing_is_left()
        assert not list(patient.paths.state.rglob("*.corrupt")), step
    assert killed > len(steps) / 2 or kind == "full"
