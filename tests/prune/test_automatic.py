"""The worker's own pruning: after an upload, at most daily."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import pytest

from akosha_hook import prune
from akosha_hook.cli.activity import activity
from akosha_hook.context import Context
from akosha_hook.errors import DeliveryError
from akosha_hook.hook import outbox
from akosha_hook.paths import Paths
from akosha_hook.prune import automatic
from akosha_hook.settings import Loaded, Settings
from akosha_hook.state import progress_file
from akosha_hook.state.pruning import Pruning, last, remember
from tests.prune.uploads import complete_uploads, grow, without
from tests.support.duck import change
from tests.support.later import hours_later, work_later
from tests.support.machines import another_machine
from tests.support.recovery import context, upload

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.home import Home


def test_the_worker_prunes_after_an_upload_at_most_daily(at_home: Home) -> None:
    assert at_home.bucket is not None
    at_home.configure(akosha_settle_seconds=0, akosha_min_interval_seconds=0, akosha_keep_last=1)
    first = upload(at_home.paths)
    change(at_home.paths.data / "reflection.duckdb", 3)
    outbox.record(at_home.paths, "manual", at_home.paths.claude, b"")
    assert work_later(at_home) == ""
    assert f"systems/laptop/uploads/{first}/manifest.json" not in at_home.bucket.object_keys()
    pruned = last(at_home.paths)
    assert pruned is not None
    assert (pruned.success, pruned.uploads_removed) == (True, 1)
    change(at_home.paths.data / "reflection.duckdb", 3)
    outbox.record(at_home.paths, "manual", at_home.paths.claude, b"")
    work_later(at_home)
    manifests = [key for key in at_home.bucket.object_keys() if key.endswith("/manifest.json")]
    assert len(manifests) == 2
    yesterday = time.time() - 90_000
    at_home.paths.prune.write_text(json.dumps({"at": yesterday, "success": True}))
    change(at_home.paths.data / "reflection.duckdb", 3)
    outbox.record(at_home.paths, "manual", at_home.paths.claude, b"")
    work_later(at_home)
    manifests = [key for key in at_home.bucket.object_keys() if key.endswith("/manifest.json")]
    assert len(manifests) == 1


def context_of(
    paths: Paths,
    keep_last: int = 1,
    *,
    max_retries: int = 0,
    backoff_seconds: float = 2,
    timeout_seconds: int = 300,
) -> Context:
    """A bucket that nothing listens at."""
    paths.state.mkdir(parents=True, exist_ok=True)
    values = Settings(
        akosha_cloud_bucket="memories",
        akosha_cloud_endpoint="http://127.0.0.1:9",
        akosha_keep_last=keep_last,
        akosha_max_retries=max_retries,
        akosha_retry_backoff_seconds=backoff_seconds,
        akosha_upload_timeout_seconds=timeout_seconds,
    )
    keys = {"AWS_ACCESS_KEY_ID": "an-access-key", "AWS_SECRET_ACCESS_KEY": "a-key-of-some-length"}
    return Context(Loaded(values, {}), paths, keys)


def test_nothing_is_pruned_unless_the_settings_say_what_to_keep(paths: Paths) -> None:
    prune.after_upload(context_of(paths, keep_last=0))
    assert last(paths) is None


def test_a_pruning_that_failed_is_remembered_and_not_repeated_the_same_day(paths: Paths) -> None:
    prune.after_upload(context_of(paths))
    failed = last(paths)
    assert failed is not None
    assert failed.success is False
    assert "The bucket could not be used" in (failed.error or "")
    assert failed.hint
    prune.after_upload(context_of(paths))
    assert last(paths) == failed


@pytest.mark.parametrize("hours", [-30, 30], ids=["a day ago", "still to come"])
def test_after_a_day_or_after_a_clock_was_set_back_it_is_tried_again(
    paths: Paths, hours: float
) -> None:
    context = context_of(paths)
    before = Pruning(at=time.time() + hours * 3600, success=True)
    remember(paths, before)
    prune.after_upload(context)
    assert last(paths) != before


def test_a_pruning_has_the_time_that_an_upload_has(paths: Paths) -> None:
    """The next retry, at least 30 seconds away, would be too late."""
    context = context_of(paths, max_retries=1, backoff_seconds=60, timeout_seconds=20)
    prune.after_upload(context)
    failed = last(paths)
    assert failed is not None
    assert failed.error == "Pruning was not done after 20 s."
    assert failed.hint.startswith("akosha-hook prune takes the time")


def test_while_it_prunes_status_says_so(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[progress_file.State] = []

    def look(*_: object) -> NoReturn:
        shown.append(progress_file.read(paths))
        raise DeliveryError("enough", hint="none", code="x", retryable=False)

    monkeypatch.setattr(automatic, "plan", look)
    progress = progress_file.ProgressFile(paths)
    progress.phase("upload")
    progress.file("reflection.duckdb", 10)
    prune.after_upload(replace(context_of(paths), progress=progress))
    (state,) = shown
    assert activity(state) == "pruning"


def test_within_the_day_no_server_is_asked(paths: Paths) -> None:
    context = context_of(paths)
    before = Pruning(at=time.time() - 3600, success=True)
    remember(paths, before)
    prune.after_upload(context)
    assert last(paths) == before


def test_it_leaves_another_machines_uploads_and_the_last_good_copy(
    at_home: Home, tmp_path: Path
) -> None:
    at_home.configure(akosha_keep_last=1)
    gone = upload(at_home.paths)
    good = grow(at_home, full=True)
    newest = grow(at_home, full=True)
    without(at_home, newest, "knowledge_graph.duckdb")
    theirs = upload(another_machine(at_home, tmp_path).paths)
    with hours_later():
        prune.after_upload(context(at_home.paths))
    pruned = last(at_home.paths)
    assert pruned is not None
    assert (pruned.success, pruned.uploads_removed) == (True, 1)
    assert complete_uploads(at_home) == {good, newest, theirs}
    assert gone not in complete_uploads(at_home)
