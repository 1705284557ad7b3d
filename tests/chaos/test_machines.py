"""Full disks, odd places, clocks that jump, workers that are stopped: no hang, no loss."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from akosha_hook import settings
from akosha_hook.errors import AkoshaHookError
from akosha_hook.paths import Paths
from akosha_hook.state import backoff, identity, notice
from akosha_hook.state import progress_file as watch
from akosha_hook.state.receipt import Receipt
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync import select as selection
from tests.chaos.support import MIB, Patient
from tests.support.faults import error
from tests.support.hooks import install_script, record_interpreter
from tests.support.waiting import until

# Longer than a busy machine takes for one part.
TIMEOUT = 6


def on_a_disk_of(size: int, *command: str | Path) -> list[str]:
    """`command` where no file can grow above `size` bytes: writing more fails like a full disk."""
    limit = f'trap "" XFSZ; ulimit -f {size // 512}; exec "$@"'
    return ["sh", "-c", limit, "sh", *map(str, command)]


def worker_on_a_disk_of(size: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        on_a_disk_of(size, sys.executable, "-P", "-m", "akosha_hook.worker"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )


def test_a_disk_that_fills_up_during_the_snapshot_is_told_and_loses_nothing(
    patient: Patient,
) -> None:
    content = patient.write(4 * MIB)
    patient.happen("session-end")
    with worker_on_a_disk_of(MIB) as worker:
        until(lambda: watch.read(patient.paths).phase == "waiting", "the worker waits")
        worker.kill()
        worker.wait()
    assert len(patient.events()) == 1
    assert "could not be written" in patient.paths.notice.read_text()
    assert patient.manifests() == []
    assert patient.sync_by_hand().success
    assert patient.stored() == {"reflection.duckdb": content}
    assert not patient.paths.notice.exists()
    patient.nothing_is_left()


def test_a_disk_without_room_for_the_snapshot_is_not_filled(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the file system says is free is all that is pretended here."""
    import shutil

    patient.write(4 * MIB)
    free = shutil.disk_usage(patient.paths.claude)._replace(free=5 * MIB)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: free)
    patient.happen()
    patient.drain_once()
    assert "too full for a snapshot" in patient.paths.notice.read_text()
    assert len(patient.events()) == 1
    assert list(patient.paths.snapshots.rglob("*.duckdb")) == []


def test_what_filled_the_disk_does_not_stay_there(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither half a snapshot, nor that of a killed run: else no later one would find room."""
    import shutil

    patient.write(4 * MIB)
    killed = patient.paths.snapshots / "20260101_000000-1"
    killed.mkdir(parents=True)
    (killed / "reflection.duckdb").write_bytes(bytes(MIB))
    patient.happen()
    with worker_on_a_disk_of(2 * MIB) as worker:
        until(lambda: watch.read(patient.paths).phase == "waiting", "the worker waits")
        worker.kill()
        worker.wait()
    assert list(patient.paths.snapshots.iterdir()) == []
    killed.mkdir()
    free = shutil.disk_usage(patient.paths.claude)._replace(free=MIB)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: free)
    with pytest.raises(AkoshaHookError, match="too full"):
        patient.sync()
    assert list(patient.paths.snapshots.iterdir()) == []


def test_where_nothing_at_all_can_be_written_the_worker_leaves(patient: Patient) -> None:
    patient.write()
    patient.happen()
    with worker_on_a_disk_of(0) as worker:
        assert worker.wait() == 0
    assert len(patient.events()) == 1
    patient.drain()
    assert len(patient.manifests()) == 1
    patient.nothing_is_left()


def test_a_hook_that_cannot_write_its_event_is_silent(patient: Patient) -> None:
    install_script(patient.paths)
    record_interpreter(patient.paths, sys.executable)
    done = subprocess.run(
        on_a_disk_of(0, patient.paths.hook_script, "session-end"),
        input=b"{}" * 1000,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize("name", ["snapshots", "receipts"])
def test_a_directory_of_ours_that_cannot_be_written_ends_the_worker(
    patient: Patient, name: str
) -> None:
    """A file in its place stops root, too."""
    content = patient.write()
    patient.happen()
    (patient.paths.state / name).write_text("in the way")
    with patient.start_worker() as worker:
        until(
            lambda: worker.poll() is not None or watch.read(patient.paths).phase == "waiting",
            "the worker waits or leaves",
        )
        worker.kill()
        worker.wait()
    assert len(patient.events()) == 1
    (patient.paths.state / name).unlink()
    assert patient.sync_by_hand().success
    assert patient.stored() == {"reflection.duckdb": content}
    patient.nothing_is_left()


def in_a_year() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() + 365 * 86_400))


def test_after_a_clock_was_set_back_the_newest_upload_is_still_the_newest(
    patient: Patient,
) -> None:
    """And nothing is due in a year: not the interval, not the backoff."""
    patient.configure(akosha_min_interval_seconds=900)
    patient.write(seed=1)
    assert patient.sync().success
    (paper,) = patient.receipts()
    sequence = _into_the_future(patient, paper)
    newest = patient.write(seed=2)
    patient.happen()
    patient.drain()
    assert patient.events() == []
    assert patient.stored() == {"reflection.duckdb": newest}
    assert patient.manifests()[-1]["metadata"]["sequence"] == sequence + 1
    assert patient.sync().state == "unchanged"


def _into_the_future(patient: Patient, paper: Receipt) -> int:
    """As if everything so far had happened while the clock was a year ahead; its number then."""
    Receipts(patient.paths).path_of(paper.upload_id).unlink()
    changed = msgspec.structs.replace(
        paper,
        upload_id="2" + paper.upload_id,
        started=in_a_year(),
        finished=in_a_year(),
        sequence=paper.sequence + 365 * 86_400,
    )
    Receipts(patient.paths).save(changed)
    patient.paths.machine.unlink()
    values = settings.load_strict(dict(os.environ), patient.paths).settings
    me = identity.load(patient.paths, values)
    target = selection.target_of(values, "cloud", me.system_id)
    now = backoff.config_hash(values, dict(os.environ))
    backoff.failed(patient.paths, target, "then", now)
    text = patient.paths.backoff.read_text()
    (entry,) = backoff.entries(patient.paths).values()
    patient.paths.backoff.write_text(text.replace(str(entry.due), str(entry.due + 365 * 86_400)))
    return changed.sequence


def test_a_place_with_spaces_and_unicode(
    patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claude = tmp_path / "Mémoires d'été — 猫 \U0001f408" / "a b"
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(claude))
    patient.paths = Paths.from_environment(os.environ)
    patient.configure()
    content = patient.write()
    install_script(patient.paths)
    record_interpreter(patient.paths, sys.executable)
    subprocess.run([patient.paths.hook_script, "session-end"], input=b"{}", check=True)
    until(lambda: not list(patient.paths.outbox.iterdir()), "the outbox is empty")
    patient.wait_for_worker()
    assert patient.stored() == {"reflection.duckdb": content}
    patient.nothing_is_left()


def test_two_users_of_one_name_overwrite_nothing(
    patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even when both upload in the same second."""
    monkeypatch.setattr("akosha_hook.sync.record.stamp", lambda: "20260101_000000")
    patient.configure(akosha_system_id="laptop")
    one = patient.write(seed=1)
    assert patient.sync().success
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "other"))
    other = Patient(
        Paths.from_environment(os.environ),
        patient.bucket,
        settings=dict(patient.settings),
        proxy=patient.network,
    )
    other.configure()
    two = other.write(seed=2)
    assert other.sync().success
    stored = [patient.files_of(each)["reflection.duckdb"] for each in patient.manifests()]
    assert sorted(stored) == sorted([one, two])
    assert len({each["metadata"]["machine_id"] for each in patient.manifests()}) == 2


@pytest.mark.parametrize("listing", ["allowed", "denied"])
def test_uploads_of_one_second_overwrite_nothing(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, listing: str
) -> None:
    """Where the first name is another machine's, and where the bucket may not be listed."""
    monkeypatch.setattr("akosha_hook.sync.record.stamp", lambda: "20260101_000000")
    patient.configure(akosha_system_id="laptop")
    contents = [patient.write(seed=1)]
    assert patient.sync().success
    shutil.rmtree(patient.paths.state)
    shutil.rmtree(patient.paths.receipts, ignore_errors=True)
    if listing == "denied":
        patient.network.on("ListObjects", fault=error(403, "AccessDenied"))
    for seed in range(2, 5):
        contents.append(patient.write(seed=seed))
        assert patient.sync().success
    stored = [patient.files_of(each)["reflection.duckdb"] for each in patient.manifests()]
    assert sorted(stored) == sorted(contents)
    assert len({each["metadata"]["upload_id"] for each in patient.manifests()}) == len(contents)


def test_a_stopped_worker_goes_on_and_nobody_else_starts_meanwhile(patient: Patient) -> None:
    patient.configure(akosha_parallel_uploads=1)
    content = patient.write(16 * MIB)
    patient.happen()
    pause = patient.network.pause("UploadPart", first=2)
    with patient.start_worker() as worker:
        pause.wait()
        worker.send_signal(signal.SIGSTOP)
        pause.resume()
        patient.happen()
        patient.work()  # The second worker leaves at once.
        assert patient.manifests() == []
        worker.send_signal(signal.SIGCONT)
        worker.wait()
    assert patient.stored() == {"reflection.duckdb": content}
    assert patient.network.parts() == [1, 2, 3, 4]
    patient.nothing_is_left()


def test_a_machine_that_sleeps_in_mid_upload_resumes_it(patient: Patient) -> None:
    """The deadline has passed when it wakes, and the server has hung up."""
    patient.configure(akosha_parallel_uploads=1, akosha_upload_timeout_seconds=TIMEOUT)
    content = patient.write(11 * MIB)
    patient.happen()
    pause = patient.network.pause("UploadPart", first=2)
    with patient.start_worker() as worker:
        pause.wait()
        worker.send_signal(signal.SIGSTOP)
        pause.drop()
        asleep = time.monotonic()
        until(lambda: time.monotonic() > asleep + TIMEOUT, "the deadline passes")
        worker.send_signal(signal.SIGCONT)
        until(lambda: watch.read(patient.paths).phase == "waiting", "the worker waits")
        worker.kill()
        worker.wait()
    assert len(patient.events()) == 1
    patient.configure(akosha_upload_timeout_seconds=60)
    assert patient.sync_by_hand().success
    assert patient.stored() == {"reflection.duckdb": content}
    assert patient.network.operations("CreateMultipartUpload") == ["CreateMultipartUpload"]
    patient.nothing_is_left()


def test_without_a_home_a_hook_is_silent(patient: Patient) -> None:
    script = install_script(patient.paths).rename(patient.paths.claude / "akosha-hook.sh")
    done = subprocess.run(
        [script, "session-end"],
        env={"PATH": os.environ["PATH"]},
        input=b"{}",
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_notice_that_cannot_be_written_stops_nothing(patient: Patient) -> None:
    content = patient.write()
    patient.paths.notice.mkdir(parents=True)
    notice.leave(patient.paths, "no")
    assert patient.sync().success
    assert patient.stored() == {"reflection.duckdb": content}
