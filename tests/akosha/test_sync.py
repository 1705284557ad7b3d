"""Whole syncs that end, or do not end, at an Akosha server."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Literal

import duckdb
import pytest

from akosha_hook import settings
from akosha_hook.akosha.presence import SAMPLES
from akosha_hook.context import Context
from akosha_hook.demo.databases import add_conversations, make_databases
from akosha_hook.demo.s3_server import free_ports
from akosha_hook.errors import SettingsError
from akosha_hook.paths import Paths
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync.outcome import Outcome
from akosha_hook.sync.run import Request, run
from tests.support.akosha_server import AkoshaServer
from tests.support.home import pin
from tests.support.s3 import TestBucket

ROWS = 40  # conversations and reflections


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("pattern")
    make_databases(directory, conversations=20)
    return directory


@pytest.fixture
def data(paths: Paths, pattern: Path) -> Path:
    shutil.copytree(pattern, paths.data)
    paths.state.mkdir(mode=0o700, parents=True)
    return paths.data


@pytest.fixture
def broken() -> dict[str, str]:
    """A bucket on a server that is not there."""
    return {
        "SESSION_BUDDY_AKOSHA_CLOUD_BUCKET": "memories",
        "SESSION_BUDDY_AKOSHA_CLOUD_ENDPOINT": f"http://127.0.0.1:{free_ports(1)[0]}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }


AUTO = Request()


def sync(paths: Paths, akosha: AkoshaServer, request: Request = AUTO, **environ: str) -> Outcome:
    environ = {
        **os.environ,
        "SESSION_BUDDY_AKOSHA_HTTP_URL": akosha.url,
        "SESSION_BUDDY_AKOSHA_MAX_RETRIES": "0",
        **environ,
    }
    pin(paths, "akosha", **environ)
    loaded = settings.load_strict(environ, paths)
    return run(request, Context(loaded, paths, environ), Receipts(paths))


def add(data: Path, count: int) -> None:
    with duckdb.connect(str(data / "reflection.duckdb")) as connection:
        add_conversations(connection, count, start=1000)


def test_without_a_bucket_memories_go_to_akosha_and_then_only_new_ones(
    paths: Paths, data: Path, akosha: AkoshaServer
) -> None:
    first = sync(paths, akosha)
    assert (first.state, first.method, first.pending) == ("uploaded", "http", False)
    assert first.receipt is not None
    assert first.receipt.details["stored"] == ROWS
    assert first.receipt.files_uploaded == ()
    assert any("knowledge graph" in note for note in first.receipt.notes)
    akosha.requests.clear()
    assert sync(paths, akosha).state == "unchanged"
    assert akosha.requests == []
    add(data, 10)
    akosha.batches.clear()
    grown = sync(paths, akosha)
    assert grown.receipt is not None
    assert grown.receipt.details["stored"] == 10
    assert akosha.batches == [SAMPLES, 10]


def files_of(outcome: Outcome) -> list[tuple[str, str]]:
    assert outcome.receipt is not None
    assert outcome.receipt.files_uploaded == ()
    return [(each.name, each.status) for each in outcome.receipt.files]


def test_the_receipt_lists_what_was_pushed_now_and_what_is_unchanged_since_a_push(
    paths: Paths, data: Path, akosha: AkoshaServer
) -> None:
    assert files_of(sync(paths, akosha)) == [
        ("reflection.duckdb", "uploaded"),
        ("knowledge_graph.duckdb", "uploaded"),
    ]
    add(data, 10)
    assert files_of(sync(paths, akosha)) == [
        ("knowledge_graph.duckdb", "unchanged"),
        ("reflection.duckdb", "uploaded"),
    ]


def test_after_a_fallback_the_receipt_does_not_list_what_only_the_bucket_has(
    paths: Paths, data: Path, akosha: AkoshaServer, bucket: TestBucket
) -> None:
    assert sync(paths, akosha, AUTO, **bucket.environment).method == "cloud"
    add(data, 10)
    denied = {**bucket.environment, "AWS_SECRET_ACCESS_KEY": "another secret"}
    fallback = sync(paths, akosha, AUTO, **denied)
    assert fallback.method == "http"
    assert files_of(fallback) == [("reflection.duckdb", "uploaded")]


def test_full_sends_everything_again(paths: Paths, data: Path, akosha: AkoshaServer) -> None:
    sync(paths, akosha)
    again = sync(paths, akosha, Request(full=True))
    assert again.receipt is not None
    assert again.receipt.details["already_stored"] == ROWS
    akosha.memories.clear()
    anew = sync(paths, akosha, Request(full=True))
    assert anew.receipt is not None
    assert anew.receipt.details["stored"] == ROWS


def test_a_failure_is_in_the_receipt_with_what_was_stored(
    paths: Paths, data: Path, akosha: AkoshaServer
) -> None:
    akosha.refuse = lambda memory: (
        "no room" if memory["metadata"]["original_id"] == "reflection-1" else None
    )
    outcome = sync(paths, akosha)
    assert outcome.state == "failed"
    failed = next(iter(Receipts(paths).newest_first()))
    assert not failed.success
    assert "no room (1)" in (failed.error or "")
    assert failed.details["stored"] == ROWS - 1
    assert failed.details["failed"] == {"no room": 1}
    akosha.refuse = lambda _: None
    rest = sync(paths, akosha)
    assert rest.receipt is not None
    assert rest.receipt.details["stored"] == 1


def test_after_a_fallback_the_upload_to_the_cloud_is_still_pending(
    paths: Paths, data: Path, akosha: AkoshaServer, broken: dict[str, str], bucket: TestBucket
) -> None:
    first = sync(paths, akosha, AUTO, **broken)
    assert (first.state, first.method, first.pending) == ("uploaded", "http", True)
    assert len(akosha.memories) == ROWS
    second = sync(paths, akosha, AUTO, **bucket.environment)
    assert (second.state, second.method, second.pending) == ("uploaded", "cloud", False)
    assert len(bucket.object_keys()) == 3


def test_where_both_fail_the_outcome_is_the_preferred_ones_and_both_have_receipts(
    paths: Paths, data: Path, broken: dict[str, str]
) -> None:
    not_running = AkoshaServer(free_ports(1)[0])
    outcome = sync(paths, not_running, AUTO, **broken)
    assert (outcome.state, outcome.method, outcome.pending) == ("failed", "cloud", True)
    http = next(each for each in Receipts(paths).newest_first() if each.method == "http")
    assert "Akosha HTTP endpoint unreachable" in (http.error or "")
    assert "akosha mcp start" in http.hint


Method = Literal["auto", "cloud", "http"]
Where = Literal["none", "good", "broken"]
Ending = Literal["cloud", "http", "failed", "nothing set"]


@pytest.mark.parametrize(
    ("bucket_is", "forced", "method", "setting", "argument", "ending"),
    [
        # auto: the cloud, then Akosha where setting and argument allow it
        ("none", "auto", "auto", True, True, "http"),
        ("none", "auto", "auto", True, False, "nothing set"),
        ("none", "auto", "auto", False, True, "nothing set"),
        ("good", "auto", "auto", True, True, "cloud"),
        ("good", "auto", "auto", False, True, "cloud"),
        ("broken", "auto", "auto", True, True, "http"),
        ("broken", "auto", "auto", True, False, "failed"),
        ("broken", "auto", "auto", False, True, "failed"),
        # cloud and http never fall back; what the user types at a terminal beats the setting
        ("none", "cloud", "auto", True, True, "nothing set"),
        ("good", "cloud", "auto", True, True, "cloud"),
        ("broken", "cloud", "auto", True, True, "failed"),
        ("broken", "http", "cloud", True, True, "failed"),
        ("none", "http", "auto", False, False, "http"),
        ("good", "http", "auto", True, True, "http"),
        ("good", "cloud", "http", False, False, "http"),
    ],
)
def test_where_memories_go(
    paths: Paths,
    data: Path,
    akosha: AkoshaServer,
    bucket: TestBucket,
    broken: dict[str, str],
    bucket_is: Where,
    forced: Method,
    method: Method,
    setting: bool,
    argument: bool,
    ending: Ending,
) -> None:
    environ = {
        **{"none": {}, "good": bucket.environment, "broken": broken}[bucket_is],
        "SESSION_BUDDY_AKOSHA_FORCE_METHOD": forced,
        "SESSION_BUDDY_AKOSHA_ENABLE_FALLBACK": str(setting).lower(),
    }
    request = Request(method=method, allow_fallback=argument, typed=method != "auto")
    if ending == "nothing set":
        with pytest.raises(SettingsError, match="No bucket"):
            sync(paths, akosha, request, **environ)
    else:
        outcome = sync(paths, akosha, request, **environ)
        assert outcome.state == ("failed" if ending == "failed" else "uploaded")
        assert outcome.method == ("http" if ending == "http" else "cloud")
    assert bool(akosha.memories) == (ending == "http")
    assert bool(bucket.object_keys()) == (ending == "cloud")
