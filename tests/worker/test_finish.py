"""What a sync that could not be tried leaves behind, and that none of it holds a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from akosha_hook import settings
from akosha_hook.context import Context
from akosha_hook.errors import AkoshaHookError, BusyError
from akosha_hook.hook import outbox
from akosha_hook.state import backoff, progress_file
from akosha_hook.state.receipts import Receipts
from akosha_hook.util import log
from akosha_hook.util.secret import Secret
from akosha_hook.worker.finish import defer, remember_failure
from tests.support.home import Home

if TYPE_CHECKING:
    from akosha_hook.paths import Paths


SECRET = "canary/secret+0123456789"
URL = "https://user:canary-userinfo@storage.test"


@pytest.fixture
def context(paths: Paths) -> Context:
    Home(paths).configure(
        akosha_cloud_bucket="memories", akosha_cloud_endpoint="http://127.0.0.1:9"
    )
    paths.state.mkdir(mode=0o700, exist_ok=True)
    log.configure(paths)
    log.protect(Secret(SECRET))
    return Context(settings.load({}, paths), paths, {})


def error() -> AkoshaHookError:
    return BusyError(f"The answer was {SECRET}, at {URL}.", hint=f"Not with {SECRET}.")


def written(paths: Paths) -> str:
    texts = [path.read_text() for path in sorted(paths.state.rglob("*")) if path.is_file()]
    return "\n".join(texts)


def test_a_sync_that_could_not_be_tried_leaves_no_key_in_any_file(context: Context) -> None:
    paths = context.paths
    outbox.record(paths, "session-end", None, b"")
    defer(error(), outbox.waiting(paths), context, Receipts(paths))
    left = written(paths)
    for name in ("notice", "progress", "backoff"):
        assert "The answer was ***" in getattr(paths, name).read_text(), name
    assert SECRET not in left
    assert "canary-userinfo" not in left


def test_a_failure_by_hand_leaves_no_key_in_any_file(context: Context) -> None:
    remember_failure(error(), context, Receipts(context.paths))
    last = progress_file.read(context.paths).last
    assert last is not None
    assert last.error == "The answer was ***, at https://***@storage.test."
    assert last.hint == "Not with ***."
    assert SECRET not in written(context.paths)


def test_progress_tells_no_key_that_a_retry_or_a_fallback_names(context: Context) -> None:
    progress = progress_file.ProgressFile(context.paths)
    progress.retry(f"echoed {SECRET}", 1, 2.0)
    assert progress_file.read(context.paths).message == "retry 1 in 2 s: echoed ***"
    progress.fallback(f"echoed {SECRET}")
    assert progress_file.read(context.paths).message == "falling back to Akosha: echoed ***"


def test_a_log_opened_anew_still_knows_the_keys(context: Context) -> None:
    """The worker opens it before every sync, with the settings as they are then."""
    log.configure(context.paths, debug=True)
    assert log.redacted(f"it is {SECRET}") == "it is ***"


def test_the_events_wait_and_the_destination_is_held_back(context: Context) -> None:
    paths = context.paths
    outbox.record(paths, "session-end", None, b"")
    defer(error(), outbox.waiting(paths), context, Receipts(paths))
    assert len(outbox.waiting(paths)) == 1
    assert [each.failures for each in backoff.entries(paths).values()] == [1]
