"""What the worker does with the events that wait."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path

import pytest

from akosha_hook.hook import outbox
from akosha_hook.paths import Paths
from tests.support.duck import change, make_databases
from tests.support.events import happen
from tests.support.home import Home
from tests.support.waiting import until


def test_without_events_nothing_is_done(at_home: Home) -> None:
    at_home.paths.state.mkdir(exist_ok=True)
    assert at_home.work() == ""
    assert at_home.receipts() == []


def test_an_unchanged_database_is_not_sent_and_the_event_is_acknowledged(at_home: Home) -> None:
    happen(at_home)
    at_home.work()
    happen(at_home)
    at_home.work()
    assert at_home.events() == []
    assert len(at_home.receipts()) == 1


def test_what_changes_between_two_workers_is_sent(at_home: Home) -> None:
    happen(at_home)
    at_home.work()
    change(at_home.paths.data / "reflection.duckdb", 1)
    happen(at_home)
    at_home.work()
    assert len(at_home.receipts()) == 2


def test_a_commit_within_the_interval_waits_and_a_worker_stays_for_it(at_home: Home) -> None:
    """The trailing edge: nobody else would come back for it."""
    happen(at_home)
    at_home.work()
    change(at_home.paths.data / "reflection.duckdb", 1)
    at_home.configure(akosha_min_interval_seconds=2)
    happen(at_home)
    at_home.work()
    assert at_home.events() == []
    first, second = sorted(dt.datetime.fromisoformat(each.started) for each in at_home.receipts())
    assert second - first >= dt.timedelta(seconds=2)


def test_an_event_further_away_than_a_quarter_of_an_hour_is_left_for_the_next_one(
    at_home: Home,
) -> None:
    happen(at_home)
    at_home.work()
    change(at_home.paths.data / "reflection.duckdb", 1)
    at_home.configure(akosha_min_interval_seconds=7200)
    happen(at_home)
    at_home.work()
    assert len(at_home.events()) == 1


def test_a_disabled_event_is_acknowledged_without_a_sync(at_home: Home) -> None:
    at_home.configure(akosha_upload_on_session_end=False, akosha_upload_on_commit=False)
    happen(at_home)
    happen(at_home, "session-end")
    at_home.work()
    assert at_home.events() == []
    assert at_home.receipts() == []


def test_a_repository_that_asks_not_to_is_left_alone(at_home: Home, tmp_path: Path) -> None:
    repository = tmp_path / "quiet"
    (repository / ".git").mkdir(parents=True)
    (repository / ".akosha-hook.toml").write_text("akosha_upload_on_commit = false\n")
    happen(at_home, directory=repository)
    at_home.work()
    assert at_home.events() == []
    assert at_home.receipts() == []


def test_broken_settings_keep_the_event_and_status_says_why(at_home: Home) -> None:
    at_home.paths.settings_yaml.write_text("akosha_force_method: cluod\n")
    happen(at_home)
    assert at_home.work() == ""
    assert len(at_home.events()) == 1
    status = json.loads(at_home.akosha_hook("status", "--json").stdout)
    assert "akosha_force_method" in status["problems"][0]


def test_a_failure_keeps_the_event_backs_off_and_leaves_a_notice(at_home: Home) -> None:
    at_home.configure(
        akosha_cloud_bucket="no-such-bucket", akosha_enable_fallback=False, akosha_max_retries=0
    )
    happen(at_home)
    with at_home.start_worker() as worker:
        # It stays, asleep, for the next try: only its first one is of interest here.
        until(at_home.paths.notice.exists, "a notice")
        worker.kill()
        worker.wait()
    assert len(at_home.events()) == 1
    notice = json.loads(at_home.paths.notice.read_text())
    assert "the bucket does not exist" in notice["systemMessage"]
    assert next(iter(json.loads(at_home.paths.backoff.read_text()))).startswith("cloud ")
    assert [each.state for each in at_home.receipts()] == ["failed"]


def test_a_success_takes_the_notice_away(at_home: Home) -> None:
    at_home.paths.state.mkdir(exist_ok=True)
    at_home.paths.notice.write_text('{"systemMessage": "old"}')
    happen(at_home)
    at_home.work()
    assert not at_home.paths.notice.exists()


def test_without_any_setup_one_notice_is_left_and_events_collapse(
    paths: Paths,
) -> None:
    make_databases(paths.data, conversations=1)
    home = Home(paths)
    home.configure(akosha_settle_seconds=0, akosha_enable_fallback=False)
    for _ in range(3):
        happen(home)
    home.work()
    assert len(home.events()) == 1
    assert "config set akosha_cloud_bucket" in paths.notice.read_text()


def test_no_database_is_no_reason_to_wait(at_home: Home) -> None:
    for path in at_home.paths.data.iterdir():
        path.unlink()
    happen(at_home)
    at_home.work()
    assert at_home.events() == []
    status = json.loads(at_home.akosha_hook("status", "--json").stdout)
    assert "no database" in status["last_check"]["error"]


def test_an_event_of_garbage_is_set_aside_and_the_others_count(at_home: Home) -> None:
    happen(at_home)
    garbage = at_home.paths.outbox / "1-1-post-commit.event"
    garbage.write_bytes(os.urandom(100))
    at_home.work()
    assert at_home.events() == []
    assert len(list(at_home.paths.outbox.glob("*.corrupt"))) == 1
    assert len(at_home.receipts()) == 1


def test_a_mistyped_retry_count_holds_nothing_up_and_is_reported(at_home: Home) -> None:
    at_home.configure(akosha_max_retries="many")
    happen(at_home)
    at_home.work()
    (receipt,) = at_home.receipts()
    assert receipt.success
    assert at_home.events() == []
    assert "akosha_max_retries" in at_home.akosha_hook("status").stdout
    assert at_home.paths.log.read_text().count('akosha_max_retries is "many"') == 1


@pytest.mark.parametrize("name", ["akosha_cloud_endpoint", "akosha_data_dir", "akosha_databases"])
def test_a_setting_that_leaves_in_doubt_where_or_which_puts_the_upload_on_hold(
    at_home: Home, name: str
) -> None:
    at_home.configure(**{name: 7})
    happen(at_home)
    at_home.work()
    assert at_home.receipts() == []
    assert len(at_home.events()) == 1
    status = at_home.akosha_hook("status").stdout
    assert "on hold" in status
    assert "at AWS" not in status


def test_events_that_cannot_be_removed_do_not_keep_a_worker_busy(
    at_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that turned read-only; without the protection this never ends."""
    from akosha_hook.worker import loop

    happen(at_home)
    monkeypatch.setattr(outbox, "acknowledge", lambda events: None)
    loop.run(at_home.paths, dict(os.environ))
    assert len(at_home.events()) == 1
    assert len(at_home.receipts()) == 1
