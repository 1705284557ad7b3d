"""Odd places, clocks that jump, workers that are stopped: no hang, no loss."""

from __future__ import annotations

import json
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
from akosha_hook.paths import Paths
from akosha_hook.state import backoff, identity, progress_file
from akosha_hook.state.receipt import Receipt
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync import select as selection
from tests.support.faults import error
from tests.support.faulty_home import MIB, FaultyHome
from tests.support.hooks import install_script, record_interpreter
from tests.support.waiting import until

# Longer than a busy machine takes for one part.
TIMEOUT = 6


def in_a_year() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() + 365 * 86_400))


def test_after_a_clock_was_set_back_the_newest_upload_is_still_the_newest(
    faulty_home: FaultyHome,
) -> None:
    """And nothing is due in a year: not the interval, not the backoff."""
    faulty_home.configure(akosha_min_interval_seconds=900)
    faulty_home.write(seed=1)
    assert faulty_home.sync().success
    (receipt,) = faulty_home.receipts()
    sequence = _into_the_future(faulty_home, receipt)
    newest = faulty_home.write(seed=2)
    faulty_home.happen()
    faulty_home.run_loop()
    assert faulty_home.events() == []
    assert faulty_home.stored() == {"reflection.duckdb": newest}
    assert faulty_home.manifests()[-1]["metadata"]["sequence"] == sequence + 1
    assert faulty_home.sync().state == "unchanged"


def _into_the_future(faulty_home: FaultyHome, receipt: Receipt) -> int:
    """As if everything so far had happened while the clock was a year ahead; its number then."""
    Receipts(faulty_home.paths).path_of(receipt.upload_id).unlink()
    changed = msgspec.structs.replace(
        receipt,
        upload_id="2" + receipt.upload_id,
        started=in_a_year(),
        finished=in_a_year(),
        sequence=receipt.sequence + 365 * 86_400,
    )
    Receipts(faulty_home.paths).save(changed)
    faulty_home.paths.machine.unlink()
    values = settings.load_strict(dict(os.environ), faulty_home.paths).settings
    me = identity.load(faulty_home.paths, values)
    target = selection.target_of(values, "cloud", me.system_id)
    now = backoff.config_hash(values, dict(os.environ))
    backoff.failed(faulty_home.paths, target, "then", now)
    text = faulty_home.paths.backoff.read_text()
    (entry,) = backoff.entries(faulty_home.paths).values()
    faulty_home.paths.backoff.write_text(
        text.replace(str(entry.due), str(entry.due + 365 * 86_400))
    )
    return changed.sequence


def test_a_place_with_spaces_and_unicode(
    faulty_home: FaultyHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claude = tmp_path / "Mémoires d'été — 猫 \U0001f408" / "a b"
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(claude))
    faulty_home.paths = Paths.from_environment(os.environ)
    faulty_home.configure()
    content = faulty_home.write()
    install_script(faulty_home.paths)
    record_interpreter(faulty_home.paths, sys.executable)
    subprocess.run([faulty_home.paths.hook_script, "session-end"], input=b"{}", check=True)
    until(lambda: not list(faulty_home.paths.outbox.iterdir()), "the outbox is empty")
    faulty_home.wait_for_worker()
    assert faulty_home.stored() == {"reflection.duckdb": content}
    faulty_home.nothing_is_left()


def test_two_users_of_one_name_overwrite_nothing(
    faulty_home: FaultyHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even when both upload in the same second."""
    monkeypatch.setattr("akosha_hook.sync.record.stamp", lambda _: "20260101_000000")
    faulty_home.configure(akosha_system_id="laptop")
    one = faulty_home.write(seed=1)
    assert faulty_home.sync().success
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "other"))
    other = FaultyHome(
        Paths.from_environment(os.environ),
        faulty_home.bucket,
        settings=dict(faulty_home.settings),
        proxy=faulty_home.network,
    )
    other.configure()
    two = other.write(seed=2)
    assert other.sync().success
    stored = [faulty_home.files_of(each)["reflection.duckdb"] for each in faulty_home.manifests()]
    assert sorted(stored) == sorted([one, two])
    assert len({each["metadata"]["machine_id"] for each in faulty_home.manifests()}) == 2


@pytest.mark.parametrize("listing", ["allowed", "denied"])
def test_uploads_of_one_second_overwrite_nothing(
    faulty_home: FaultyHome, monkeypatch: pytest.MonkeyPatch, listing: str
) -> None:
    """Where the first name is another machine's, and where the bucket may not be listed."""
    monkeypatch.setattr("akosha_hook.sync.record.stamp", lambda _: "20260101_000000")
    faulty_home.configure(akosha_system_id="laptop")
    contents = [faulty_home.write(seed=1)]
    assert faulty_home.sync().success
    shutil.rmtree(faulty_home.paths.state)
    shutil.rmtree(faulty_home.paths.receipts, ignore_errors=True)
    if listing == "denied":
        faulty_home.network.on("ListObjects", fault=error(403, "AccessDenied"))
    faulty_home.configure()
    for seed in range(2, 5):
        contents.append(faulty_home.write(seed=seed))
        assert faulty_home.sync().success
    stored = [faulty_home.files_of(each)["reflection.duckdb"] for each in faulty_home.manifests()]
    assert sorted(stored) == sorted(contents)
    assert len({each["metadata"]["upload_id"] for each in faulty_home.manifests()}) == len(contents)


def test_a_stopped_worker_goes_on_and_nobody_else_starts_meanwhile(faulty_home: FaultyHome) -> None:
    faulty_home.configure(akosha_parallel_uploads=1)
    content = faulty_home.write(16 * MIB)
    faulty_home.happen()
    pause = faulty_home.network.pause("UploadPart", first=2)
    with faulty_home.start_worker() as worker:
        pause.wait()
        worker.send_signal(signal.SIGSTOP)
        pause.resume()
        faulty_home.happen()
        faulty_home.work()  # The second worker leaves at once.
        assert faulty_home.manifests() == []
        shown = json.loads(faulty_home.akosha_hook("status", "--json").stdout)["worker"]
        assert (shown["phase"], shown["pid"], shown["trouble"]) == ("upload", worker.pid, "stopped")
        assert f"kill -CONT {worker.pid}" in faulty_home.akosha_hook("status").stdout
        worker.send_signal(signal.SIGCONT)
        worker.wait()
    assert faulty_home.stored() == {"reflection.duckdb": content}
    assert faulty_home.network.parts() == [1, 2, 3, 4]
    faulty_home.nothing_is_left()


def test_a_machine_that_sleeps_in_mid_upload_resumes_it(faulty_home: FaultyHome) -> None:
    """The deadline has passed when it wakes, and the server has hung up."""
    faulty_home.configure(akosha_parallel_uploads=1, akosha_upload_timeout_seconds=TIMEOUT)
    content = faulty_home.write(11 * MIB)
    faulty_home.happen()
    pause = faulty_home.network.pause("UploadPart", first=2)
    with faulty_home.start_worker() as worker:
        pause.wait()
        worker.send_signal(signal.SIGSTOP)
        pause.drop()
        asleep = time.monotonic()
        until(lambda: time.monotonic() > asleep + TIMEOUT, "the deadline passes")
        worker.send_signal(signal.SIGCONT)
        until(lambda: progress_file.read(faulty_home.paths).phase == "waiting", "the worker waits")
        worker.kill()
        worker.wait()
    assert len(faulty_home.events()) == 1
    faulty_home.configure(akosha_upload_timeout_seconds=60)
    assert faulty_home.sync_by_hand().success
    assert faulty_home.stored() == {"reflection.duckdb": content}
    assert faulty_home.network.operations("CreateMultipartUpload") == ["CreateMultipartUpload"]
    faulty_home.nothing_is_left()


def test_without_a_home_a_hook_is_silent(faulty_home: FaultyHome) -> None:
    script = install_script(faulty_home.paths).rename(faulty_home.paths.claude / "akosha-hook.sh")
    done = subprocess.run(
        [script, "session-end"],
        env={"PATH": os.environ["PATH"]},
        input=b"{}",
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
