"""Many events at once: one worker, one or two uploads, and the last state is what is stored."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from akosha_hook.install import wrapper
from akosha_hook.state import progress_file as watch
from tests.chaos.support import MIB, Patient
from tests.support.hooks import install_script, record_interpreter
from tests.support.passing import PassingTime, passing_time
from tests.support.waiting import until

HOOKS = 200


@pytest.fixture
def hooked(patient: Patient) -> Patient:
    """The real hook script, and the real worker behind it."""
    install_script(patient.paths)
    record_interpreter(patient.paths, sys.executable)
    patient.configure(akosha_settle_seconds=0.5)
    return patient


def hook(patient: Patient, name: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [patient.paths.hook_script, name, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=patient.paths.claude,
    )


def until_calm(patient: Patient) -> None:
    """Until every event is dealt with and the worker has left."""
    until(lambda: not list(patient.paths.outbox.iterdir()), "the outbox is empty")
    patient.wait_for_worker()


def syncs(patient: Patient) -> int:
    return patient.paths.log.read_text().count("Sync for ")


def test_two_hundred_hooks_at_once_are_one_or_two_uploads(hooked: Patient) -> None:
    hooked.write(seed=1)
    names = ["post-commit", "session-end", "post-merge", "session-end"]
    running = [hook(hooked, names[number % 4]) for number in range(HOOKS - 1)]
    newest = hooked.write(seed=2)
    running.append(hook(hooked, "session-end"))
    for each in running:
        output, _ = each.communicate()
        assert (each.returncode, output) == (0, b"")
    until_calm(hooked)
    assert hooked.stored() == {"reflection.duckdb": newest}
    assert 1 <= len(hooked.manifests()) <= 2
    # Each event may have come after the sync before it; a loop would make thousands.
    assert syncs(hooked) < HOOKS / 4
    hooked.nothing_is_left()


def test_two_sessions_that_end_in_the_same_second_are_one_upload(hooked: Patient) -> None:
    content = hooked.write()
    for each in [hook(hooked, "session-end"), hook(hooked, "session-end")]:
        each.communicate()
    until_calm(hooked)
    assert hooked.stored() == {"reflection.duckdb": content}
    assert len(hooked.manifests()) == 1
    hooked.nothing_is_left()


def test_a_rebase_of_a_hundred_commits_is_one_event(hooked: Patient, tmp_path: Path) -> None:
    content = hooked.write()
    repository = tmp_path / "repository"
    git = ["git", "-C", str(repository), "-c", "user.name=U", "-c", "user.email=u@example.org"]
    subprocess.run(["git", "init", "-q", "-b", "main", repository], check=True)
    stream = "".join(
        f"commit refs/heads/main\ncommitter U <u@example.org> {1_700_000_000 + n} +0000\n"
        f"data 1\n{n % 10}\nM 100644 inline f{n}\ndata 1\n{n % 10}\n"
        for n in range(101)
    )
    subprocess.run([*git, "fast-import", "--quiet"], input=stream.encode(), check=True)
    subprocess.run([*git, "reset", "-q", "--hard"], check=True)
    for name in ("post-commit", "post-rewrite"):
        ours = wrapper.hook(wrapper.script_expression(hooked.paths.hook_script, shared=False), name)
        path = repository / ".git" / "hooks" / name
        path.write_bytes(ours.data)
        path.chmod(0o755)
    subprocess.run([*git, "rebase", "-q", "--force-rebase", "HEAD~100"], check=True)
    until_calm(hooked)
    (paper,) = hooked.receipts()
    assert paper.triggered_by == ("post-rewrite",)
    assert syncs(hooked) == 1
    assert hooked.stored() == {"reflection.duckdb": content}


def test_hooks_during_an_upload_bring_the_state_after_it(hooked: Patient) -> None:
    hooked.configure(akosha_settle_seconds=0, akosha_parallel_uploads=1)
    first = hooked.write(11 * MIB, seed=1)
    pause = hooked.network.pause("UploadPart", first=2)
    hook(hooked, "session-end").communicate()
    pause.wait()
    newest = hooked.write(seed=2)
    for each in [hook(hooked, "post-commit") for _ in range(5)]:
        output, _ = each.communicate()
        assert (each.returncode, output) == (0, b"")
    pause.resume()
    until_calm(hooked)
    older, newer = hooked.manifests()
    assert hooked.files_of(older) == {"reflection.duckdb": first}
    assert hooked.files_of(newer) == {"reflection.duckdb": newest}
    hooked.nothing_is_left()


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> PassingTime:
    """The worker's loop waits in no time."""
    return passing_time(monkeypatch, "akosha_hook.worker.loop")


def stored_once(patient: Patient) -> None:
    """An upload that the interval counts from, and a change after it."""
    patient.configure(akosha_min_interval_seconds=800)
    patient.write(seed=0)
    assert patient.sync().success
    patient.write(seed=1)


def test_the_interval_holds_and_the_last_state_is_not_lost(
    patient: Patient, passing: PassingTime
) -> None:
    """No event comes after the last commit: the worker itself has to come back."""
    stored_once(patient)
    patient.happen()

    def commit() -> None:
        patient.write(seed=len(passing.slept) + 1)
        patient.happen()

    passing.meanwhile += [commit, commit]
    patient.drain()
    assert 600 < sum(passing.slept) <= 801
    assert len(patient.manifests()) == 2
    assert patient.stored() == {"reflection.duckdb": patient.database.read_bytes()}
    patient.nothing_is_left()


def test_an_event_that_is_due_sooner_ends_the_sleep(patient: Patient, passing: PassingTime) -> None:
    """A session's end is held back for 30 seconds, a commit for the whole interval."""
    stored_once(patient)
    patient.happen("post-commit")
    passing.meanwhile.append(lambda: patient.happen("session-end"))
    patient.drain()
    assert sum(passing.slept) < 60
    assert len(patient.manifests()) == 2
    patient.nothing_is_left()


def test_an_event_between_the_look_and_the_sleep_ends_the_sleep(
    patient: Patient, passing: PassingTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor need the outbox get another timestamp: two events may come within its granularity."""
    stored_once(patient)
    patient.happen("post-commit")
    told = watch.ProgressFile.waiting

    def waiting(progress: watch.ProgressFile, until: float) -> None:
        told(progress, until)
        if not passing.slept and len(patient.events()) == 1:
            before = patient.paths.outbox.stat()
            patient.happen("session-end")
            os.utime(patient.paths.outbox, ns=(before.st_atime_ns, before.st_mtime_ns))

    monkeypatch.setattr(watch.ProgressFile, "waiting", waiting)
    patient.drain()
    assert sum(passing.slept) < 60
    assert len(patient.manifests()) == 2


def test_a_clock_that_is_set_back_does_not_make_the_sleep_longer(
    patient: Patient, passing: PassingTime
) -> None:
    stored_once(patient)
    patient.happen()

    def set_back() -> None:
        passing.set_back = 36_000

    passing.meanwhile.append(set_back)
    patient.drain()
    assert sum(passing.slept) <= 801
    assert len(patient.manifests()) == 2
    patient.nothing_is_left()


# The event of a hook whose own worker found the lock taken, after the last look at the outbox.
_LATE_EVENT = """
import sys
from akosha_hook.hook import outbox
from akosha_hook.worker import __main__ as worker, loop

real = loop.run
turns = []

def run_and_miss_one(paths, environ, dropped):
    real(paths, environ, dropped)
    turns.append(1)
    if len(turns) == 1:
        outbox.record(paths, "manual", None, b"")

loop.run = run_and_miss_one
worker.main()
print(len(turns))
"""


def test_an_event_between_the_last_look_and_the_unlock_is_not_left_behind(patient: Patient) -> None:
    patient.write()
    patient.happen()
    done = subprocess.run(
        [sys.executable, "-c", _LATE_EVENT], capture_output=True, text=True, check=True
    )
    assert done.stdout == "2\n"
    patient.nothing_is_left()


def test_waiting_for_a_later_moment_is_sleeping(patient: Patient, passing: PassingTime) -> None:
    """A worker that spins would use a processor until the event is due."""
    stored_once(patient)
    patient.happen()
    patient.drain()
    # The last sleep is what is left of the time.
    assert min(passing.slept[:-1]) >= 0.5
    assert len(patient.manifests()) == 2


def test_within_the_interval_a_worker_only_waits(patient: Patient) -> None:
    patient.configure(akosha_min_interval_seconds=800)
    patient.write(seed=1)
    assert patient.sync().success
    patient.write(seed=2)
    patient.happen()
    with patient.start_worker() as worker:
        until(
            lambda: worker.poll() is not None or watch.read(patient.paths).phase == "waiting",
            "the worker waits",
        )
        worker.kill()
        worker.wait()
    assert len(patient.events()) == 1
    assert len(patient.manifests()) == 1
