from __future__ import annotations

import json
import os
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from akosha_hook.demo.s3_server import free_ports
from akosha_hook.paths import Paths
from akosha_hook.util.lock import Lock
from tests.support.duck import make_databases
from tests.support.home import Home
from tests.support.s3 import TestBucket
from tests.support.terminal import run_on_a_terminal
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_httpserver import HTTPServer

GUIDE_KEYS = {
    "method",
    "success",
    "files_uploaded",
    "bytes_transferred",
    "duration_seconds",
    "upload_id",
    "error",
}


@pytest.fixture
def at_home(paths: Paths, bucket: TestBucket) -> Home:
    make_databases(paths.data, conversations=20)
    home = Home(paths, bucket)
    home.configure(akosha_max_retries=0, akosha_enable_fallback=False)
    return home


def test_sync_says_what_it_sent_and_where(at_home: Home) -> None:
    result = at_home.akosha_hook("sync")
    assert result.returncode == 0
    assert result.stderr == ""
    assert result.stdout.startswith("Uploaded 2 of 2 files to memories-")
    assert "Upload id: " in result.stdout


def test_a_second_sync_says_that_nothing_changed(at_home: Home) -> None:
    at_home.akosha_hook("sync")
    result = at_home.akosha_hook("sync")
    assert (
        result.stdout
        == "Unchanged since the last upload: reflection.duckdb, knowledge_graph.duckdb.\n"
    )
    assert result.returncode == 0


def test_json_has_the_guides_keys(at_home: Home) -> None:
    document = json.loads(at_home.akosha_hook("sync", "--json").stdout)
    assert document.keys() >= GUIDE_KEYS
    assert document["success"] is True
    assert document["method"] == "cloud"
    assert len(document["files_uploaded"]) == 2
    again = json.loads(at_home.akosha_hook("sync", "--json").stdout)
    assert again["success"] is True
    assert again["files_uploaded"] == []
    assert again["upload_id"] is None


def test_dry_run_sends_nothing_and_changes_nothing(at_home: Home) -> None:
    result = at_home.akosha_hook("sync", "--dry-run")
    assert "send" in result.stdout
    assert "reflection.duckdb" in result.stdout
    assert at_home.bucket is not None
    assert at_home.bucket.object_keys() == []
    assert not at_home.paths.receipts.exists()
    at_home.akosha_hook("sync")
    assert "unchanged" in at_home.akosha_hook("sync", "--dry-run").stdout


def test_full_sends_everything_again(at_home: Home) -> None:
    at_home.akosha_hook("sync")
    document = json.loads(at_home.akosha_hook("sync", "--full", "--json").stdout)
    assert len(document["files_uploaded"]) == 2


def test_a_misspelt_setting_is_named(at_home: Home) -> None:
    at_home.configure(akosha_max_retrys=1)
    result = at_home.akosha_hook("sync")
    assert result.returncode == 0
    assert "akosha_max_retrys is not a setting; did you mean akosha_max_retries?" in result.stderr
    assert json.loads(at_home.akosha_hook("sync", "--json").stdout)["success"] is True


def test_where_only_akosha_is_left_it_says_that_no_bucket_is_set(at_home: Home) -> None:
    nobody = "http://127.0.0.1:1"
    at_home.configure(akosha_cloud_bucket="", akosha_enable_fallback=True, akosha_http_url=nobody)
    output = at_home.akosha_hook("sync").stderr
    assert "Akosha HTTP endpoint unreachable" in output
    assert "akosha-hook config set akosha_cloud_bucket NAME" in output
    assert "config set" not in at_home.akosha_hook("sync", "--method", "http").stderr


def test_detach_leaves_it_to_the_worker(at_home: Home) -> None:
    at_home.configure(akosha_settle_seconds=0)
    result = at_home.akosha_hook("sync", "--detach")
    assert result.returncode == 0
    until(lambda: bool(at_home.receipts()), "a receipt")
    at_home.wait_for_worker()
    assert [each.triggered_by for each in at_home.receipts()] == [("manual",)]
    assert at_home.events() == []


def test_sync_waits_for_the_one_that_is_running(at_home: Home) -> None:
    at_home.paths.state.mkdir(mode=0o700, exist_ok=True)
    lock = Lock(at_home.paths.sync_lock)
    assert lock.acquire()
    results: list[str] = []
    waiter = threading.Thread(target=lambda: results.append(at_home.akosha_hook("sync").stdout))
    waiter.start()
    # It can only end after the lock is given back: nothing is uploaded before.
    assert at_home.bucket is not None
    assert at_home.bucket.object_keys() == []
    lock.release()
    waiter.join()
    assert results[0].startswith("Uploaded")


def test_waiting_events_are_acknowledged_by_a_sync_in_the_foreground(at_home: Home) -> None:
    from akosha_hook.hook import outbox

    outbox.record(at_home.paths, "post-commit", None, b"")
    at_home.akosha_hook("sync")
    assert at_home.events() == []


def test_status_knows_what_a_sync_at_a_terminal_left_out(at_home: Home) -> None:
    (at_home.paths.data / "broken.db").write_bytes(b"SQLite format 3\0" + bytes(5000))
    screen = run_on_a_terminal(["sync"], dict(os.environ))
    assert "broken.db is damaged" in screen
    shown = at_home.akosha_hook("status").stdout
    assert "Not backed up: broken.db is damaged" in shown


def test_a_bar_is_drawn_on_a_terminal_only(at_home: Home) -> None:
    screen = run_on_a_terminal(["sync"], dict(os.environ))
    assert "reflection.duckdb" in screen
    assert "100%" in screen
    at_home.akosha_hook("sync", "--full")


@pytest.fixture
def deaf() -> Iterator[str]:
    """An endpoint that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def refusing() -> str:
    """An endpoint where nobody listens."""
    return f"http://127.0.0.1:{free_ports(1)[0]}"


def failure(home: Home, **environ: str) -> tuple[int, str]:
    """Exit code and stderr of a sync that fails; it keeps what waits and status repeats the error."""
    from akosha_hook.hook import outbox

    waiting = outbox.record(home.paths, "post-commit", None, b"")
    result = home.akosha_hook("sync", **environ)
    assert waiting.exists()
    assert "Traceback" not in result.stderr
    lines = result.stderr.strip().splitlines()
    errors = [line for line in lines if line.startswith("Error: ")]
    assert len(errors) == 1
    status = home.akosha_hook("status").stdout
    assert errors[0].removeprefix("Error: ")[:40] in status
    return result.returncode, result.stderr


def test_a_refusing_endpoint(at_home: Home, refusing: str) -> None:
    at_home.configure(akosha_cloud_endpoint=refusing)
    code, message = failure(at_home)
    assert code == 5
    assert "it refuses connections" in message
    assert "Try: Check akosha_cloud_endpoint" in message


def test_an_endpoint_that_never_answers(at_home: Home, deaf: str) -> None:
    at_home.configure(akosha_cloud_endpoint=deaf, akosha_upload_timeout_seconds=1)
    code, message = failure(at_home)
    assert code == 5
    assert "Upload timed out after 1 s." in message
    assert "Try: Raise akosha_upload_timeout_seconds" in message


def test_an_endpoint_that_answers_html(at_home: Home, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/", method="PUT")
    httpserver.no_handler_status_code = 200
    at_home.configure(akosha_cloud_endpoint=httpserver.url_for("").rstrip("/"))
    code, message = failure(at_home)
    assert code == 5
    assert "Try: " in message


def test_a_login_page_in_between(at_home: Home, httpserver: HTTPServer) -> None:
    import re

    httpserver.expect_request(re.compile(".*")).respond_with_data(
        "<html>Please log in</html>", status=403, content_type="text/html"
    )
    at_home.configure(akosha_cloud_endpoint=httpserver.url_for("").rstrip("/"))
    code, message = failure(at_home)
    assert code == 5
    assert "is not an S3 server" in message
    assert "captive portal" in message


def test_wrong_keys(at_home: Home) -> None:
    code, message = failure(at_home, AWS_ACCESS_KEY_ID="nobody", AWS_SECRET_ACCESS_KEY="hush-hush")
    assert code == 4
    assert "Cloud sync failed: Authentication failed" in message
    assert "hush-hush" not in message


def test_no_keys_at_all(at_home: Home) -> None:
    (Path(os.environ["HOME"]) / ".aws" / "credentials").unlink()
    code, message = failure(at_home)
    assert code == 4
    assert "AWS_ACCESS_KEY_ID" in message


def test_a_bucket_that_does_not_exist(at_home: Home) -> None:
    at_home.configure(akosha_cloud_bucket="nobody-made-this-one")
    code, message = failure(at_home)
    assert code == 1
    assert "the bucket does not exist" in message


def test_no_bucket(at_home: Home) -> None:
    at_home.configure(akosha_cloud_bucket="")
    code, message = failure(at_home)
    assert code == 3
    assert "akosha-hook config set akosha_cloud_bucket" in message


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"just some text, long enough", "is neither a DuckDB nor a SQLite database"),
    ],
)
def test_a_file_that_is_no_database(at_home: Home, content: bytes, reason: str) -> None:
    (at_home.paths.data / "reflection.duckdb").write_bytes(content)
    result = at_home.akosha_hook("sync")
    assert result.returncode == 1
    assert f"reflection.duckdb {reason}" in result.stderr
    assert result.stdout.startswith("Uploaded 1 of 1 files")
    status = at_home.akosha_hook("status").stdout
    assert f"reflection.duckdb {reason}" in status


def test_no_database(at_home: Home) -> None:
    for path in at_home.paths.data.iterdir():
        path.unlink()
    result = at_home.akosha_hook("sync")
    assert result.returncode == 3
    assert "There is no database to back up" in result.stderr
    assert "Try: Set akosha_data_dir" in result.stderr


def test_settings_of_the_wrong_type(at_home: Home) -> None:
    at_home.paths.settings_yaml.write_text("akosha_chunk_size_mb: large\n")
    code = at_home.akosha_hook("sync")
    assert code.returncode == 3
    assert "session-buddy.yaml" in code.stderr
    assert "akosha_chunk_size_mb" in code.stderr
