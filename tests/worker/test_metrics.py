from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from akosha_hook.hook import outbox
from akosha_hook.paths import Paths
from tests.support.duck import make_databases
from tests.support.home import Home
from tests.support.s3 import TestBucket


@pytest.fixture
def textfile(tmp_path: Path) -> Path:
    directory = tmp_path / "textfile"
    directory.mkdir()
    return directory / "akosha.prom"


@pytest.fixture
def at_home(paths: Paths, bucket: TestBucket, textfile: Path) -> Home:
    make_databases(paths.data, conversations=5)
    home = Home(paths, bucket)
    home.configure(akosha_metrics_file=str(textfile), akosha_settle_seconds=0)
    return home


def values(textfile: Path) -> dict[str, float]:
    metrics = {}
    for family in text_string_to_metric_families(textfile.read_text()):
        for sample in family.samples:
            label = "".join(f"/{each}" for each in sample.labels.values())
            metrics[sample.name.removeprefix("akosha_hook_") + label] = sample.value
    return metrics


def test_a_foreground_sync_writes_what_it_came_to(at_home: Home, textfile: Path) -> None:
    assert at_home.akosha_hook("sync").returncode == 0
    metrics = values(textfile)
    (receipt,) = at_home.receipts()
    assert metrics["last_delivery_bytes"] == receipt.bytes_transferred > 0
    assert metrics["last_delivery_duration_seconds"] == receipt.duration_seconds
    assert metrics["last_success_timestamp_seconds/cloud"] > 0
    assert metrics["last_sync_outcome/uploaded"] == 1
    assert metrics["last_sync_outcome/failed"] == 0
    assert metrics["pending_events"] == 0
    assert metrics["failures_in_a_row"] == 0


def test_a_worker_writes_them_too(at_home: Home, textfile: Path) -> None:
    outbox.record(at_home.paths, "session-end", None, b"")
    at_home.work()
    assert values(textfile)["last_sync_outcome/uploaded"] == 1


def test_a_failure_counts_and_keeps_the_last_success(at_home: Home, textfile: Path) -> None:
    at_home.akosha_hook("sync")
    before = values(textfile)["last_success_timestamp_seconds/cloud"]
    outbox.record(at_home.paths, "post-commit", None, b"")
    at_home.configure(akosha_cloud_bucket="there-is-no-such-bucket", akosha_enable_fallback=False)
    assert at_home.akosha_hook("sync", "--full").returncode != 0
    metrics = values(textfile)
    assert metrics["last_sync_outcome/failed"] == 1
    assert metrics["failures_in_a_row"] == 1
    assert metrics["pending_events"] == 1
    assert metrics["oldest_pending_event_age_seconds"] >= 0
    assert metrics["last_success_timestamp_seconds/cloud"] == before


def test_failures_of_a_fallback_that_nobody_runs_do_not_count_for_ever(
    at_home: Home, textfile: Path
) -> None:
    """The cloud failed once, and Akosha with it; Akosha is not tried again where the cloud works."""
    works = at_home.settings["akosha_cloud_bucket"]
    at_home.configure(
        akosha_cloud_bucket="there-is-no-such-bucket",
        akosha_http_url="http://127.0.0.1:1",
        akosha_max_retries=0,
    )
    assert at_home.akosha_hook("sync").returncode != 0
    assert values(textfile)["failures_in_a_row"] == 1
    at_home.configure(akosha_cloud_bucket=works)
    assert at_home.akosha_hook("sync").returncode == 0
    assert values(textfile)["failures_in_a_row"] == 0


def test_a_sync_that_could_not_begin_is_a_failure(at_home: Home, textfile: Path) -> None:
    for database in at_home.paths.data.iterdir():
        database.unlink()
    at_home.akosha_hook("sync")
    assert values(textfile)["last_sync_outcome/failed"] == 1


def test_another_user_may_read_it_whatever_the_umask(at_home: Home, textfile: Path) -> None:
    before = os.umask(0o077)
    try:
        at_home.akosha_hook("sync")
    finally:
        os.umask(before)
    assert stat.S_IMODE(textfile.stat().st_mode) == 0o644
    assert list(textfile.parent.iterdir()) == [textfile]


def test_a_place_that_cannot_be_written_costs_a_line_in_the_log_only(
    at_home: Home, tmp_path: Path
) -> None:
    nowhere = tmp_path / "missing" / "akosha.prom"
    at_home.configure(akosha_metrics_file=str(nowhere))
    assert at_home.akosha_hook("sync").returncode == 0
    assert f"Metrics could not be written to {nowhere}" in at_home.paths.log.read_text()


def test_without_the_setting_nothing_is_imported_for_it(paths: Paths, bucket: TestBucket) -> None:
    make_databases(paths.data, conversations=5)
    home = Home(paths, bucket)
    home.configure()
    result = home.akosha_hook("sync", PYTHONPROFILEIMPORTTIME="1")
    assert result.returncode == 0
    assert "prometheus_client" not in result.stderr
