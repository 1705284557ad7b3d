"""Waiting for a backoff to end, and what ends it sooner."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from akosha_hook.hook import outbox
from akosha_hook.paths import Paths
from akosha_hook.util import files
from akosha_hook.worker.rest import Rest, watched_files
from tests.support.passing import PassingTime, passing_time


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> PassingTime:
    return passing_time(monkeypatch, "akosha_hook.worker.rest")


def rest_of(paths: Paths, *, seconds: float = 600, environ: dict[str, str] | None = None) -> Rest:
    outbox.record(paths, "post-commit", None, b"")
    watched = watched_files(paths, environ or {"HOME": str(paths.claude.parent)})
    return Rest(time.time() + seconds, paths.outbox, watched, files.stamps(watched))


def not_superseded() -> bool:
    return False


def test_it_ends_when_the_time_has_come(paths: Paths, passing: PassingTime) -> None:
    assert rest_of(paths).wait(not_superseded) is True
    assert 599 < sum(passing.slept) <= 600


def test_a_clock_that_is_set_back_does_not_make_it_longer(
    paths: Paths, passing: PassingTime
) -> None:
    def set_back() -> None:
        passing.set_back = 36_000

    passing.meanwhile.append(set_back)
    assert rest_of(paths).wait(not_superseded) is True
    assert sum(passing.slept) <= 601


def test_another_worker_that_waits_ends_it_for_good(paths: Paths, passing: PassingTime) -> None:
    assert rest_of(paths).wait(lambda: len(passing.slept) > 2) is False
    assert len(passing.slept) == 3


def test_new_events_have_workers_of_their_own(paths: Paths, passing: PassingTime) -> None:
    passing.meanwhile.append(lambda: outbox.record(paths, "session-end", None, b""))
    assert rest_of(paths).wait(not_superseded) is True
    assert sum(passing.slept) > 599


def test_an_empty_outbox_ends_it(paths: Paths, passing: PassingTime) -> None:
    passing.meanwhile.append(lambda: outbox.acknowledge(outbox.waiting(paths)))
    assert rest_of(paths).wait(not_superseded) is True
    assert len(passing.slept) == 1


@pytest.mark.parametrize(
    "name",
    [
        ".aws/credentials",
        ".aws/config",
        ".mc/config.json",
        "elsewhere",
        ".claude/settings/session-buddy.yaml",
        ".claude/settings/local.yaml",
        ".claude/akosha/backoff.json",
        "user.toml",
        "session-buddy/local.yaml",
        "session-buddy/config.yaml",
    ],
)
@pytest.mark.parametrize("existed", [True, False], ids=["written again", "made"])
def test_a_corrected_file_ends_it(
    tmp_path: Path, passing: PassingTime, name: str, existed: bool
) -> None:
    paths = Paths(tmp_path / ".claude", tmp_path / "user.toml", tmp_path / "session-buddy")
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if existed:
        path.write_text("wrong")
    environ = {"HOME": str(tmp_path)}
    if name == "elsewhere":
        environ["AWS_SHARED_CREDENTIALS_FILE"] = str(path)
    passing.meanwhile += [lambda: None, lambda: path.write_text("right")]
    assert rest_of(paths, environ=environ).wait(not_superseded) is True
    assert len(passing.slept) == 2
