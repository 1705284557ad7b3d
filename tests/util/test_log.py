"""What the guide's section on sync logs promises, by `tail | grep -i akosha`."""

from __future__ import annotations

import logging
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus

import duckdb
import pytest
from pytest_httpserver import HTTPServer

from akosha_hook.demo.s3_server import free_ports
from akosha_hook.paths import Paths
from akosha_hook.util.log import RedactingFormatter
from akosha_hook.util.secret import Secret
from tests.support.duck import make_databases
from tests.support.home import Home
from tests.support.s3 import TestBucket

MEMORY = "a memory nobody may read"
SECRET = "a-secret-key-nobody-may-read"


@pytest.fixture
def at_home(paths: Paths, bucket: TestBucket) -> Home:
    make_databases(paths.data, conversations=5)
    home = Home(paths, bucket)
    home.configure(akosha_enable_fallback=False)
    return home


@pytest.fixture
def broken(paths: Paths, httpserver: HTTPServer) -> Home:
    """A home whose S3 server answers every request with 503."""
    make_databases(paths.data, conversations=5)
    httpserver.expect_request("/").respond_with_data("", status=503)
    httpserver.no_handler_status_code = 503
    home = Home(paths)
    home.configure(
        akosha_cloud_bucket="memories",
        akosha_cloud_endpoint=httpserver.url_for("").rstrip("/"),
        akosha_max_retries=2,
        akosha_retry_backoff_seconds=0,
        akosha_enable_fallback=False,
    )
    return home


def keys(home: Path) -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": "AKIAABCDEFGHIJKLMNOP", "AWS_SECRET_ACCESS_KEY": SECRET}


def test_an_upload_tells_files_bytes_and_duration(at_home: Home) -> None:
    at_home.akosha_hook("sync")
    message = at_home.paths.session_buddy_log.read_text()
    (receipt,) = at_home.receipts()
    for file in receipt.files:
        assert f"Sending {file.name}: {file.size} bytes" in message
        assert f"Stored {file.key}: {file.size} bytes as {file.stored_bytes} in " in message
    assert (
        f"2 files, {receipt.bytes_transferred} bytes sent in {receipt.duration_seconds:.1f} s"
        in message
    )


def test_retries_are_told_with_their_delay_and_the_error_at_the_end(
    broken: Home, home: Path
) -> None:
    broken.akosha_hook("sync", **keys(home))
    message = broken.paths.session_buddy_log.read_text()
    assert "Retry 1 in 0.0 s" in message
    assert "Retry 2 in 0.0 s" in message
    assert "ERROR" in message
    assert "HTTP 503" in message


def test_every_line_of_ours_carries_the_word_that_the_guide_greps_for(
    broken: Home, home: Path
) -> None:
    broken.configure(enable_debug_mode=True)
    broken.akosha_hook("sync", **keys(home))
    lines = broken.paths.session_buddy_log.read_text().splitlines()
    assert all("akosha" in line for line in lines)
    assert any("Traceback" in line for line in lines)


def test_without_debug_mode_stack_traces_are_in_our_own_log_only(broken: Home, home: Path) -> None:
    broken.akosha_hook("sync", **keys(home))
    assert "Traceback" not in broken.paths.session_buddy_log.read_text()
    assert "Traceback" in broken.akosha_hook("logs", "-n", "500").stdout


@pytest.mark.parametrize(("level", "there"), [("ERROR", False), ("INFO", True)])
def test_the_level_decides_what_reaches_session_buddys_log(
    at_home: Home, level: str, there: bool
) -> None:
    at_home.configure(log_level=level)
    at_home.akosha_hook("sync")
    assert ("Stored " in at_home.paths.session_buddy_log.read_text()) is there
    assert "Stored " in at_home.paths.log.read_text()


def test_neither_keys_nor_memories_are_logged(at_home: Home, home: Path) -> None:
    with duckdb.connect(str(at_home.paths.data / "reflection.duckdb")) as connection:
        connection.execute("INSERT INTO conversations_v2 (id, content) VALUES ('x', ?)", [MEMORY])
    at_home.configure(enable_debug_mode=True, log_level="DEBUG")
    assert at_home.akosha_hook("sync", **keys(home)).returncode != 0
    assert at_home.akosha_hook("sync").returncode == 0
    message = at_home.paths.session_buddy_log.read_text() + at_home.paths.log.read_text()
    assert at_home.bucket is not None
    for secret in (SECRET, "AKIAABCDEFGHIJKLMNOP", at_home.bucket.server.secret_key, MEMORY):
        assert secret not in message


def test_a_fallback_is_told(broken: Home, home: Path) -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    broken.configure(akosha_enable_fallback=True, akosha_http_url=url)
    broken.akosha_hook("sync", **keys(home))
    message = broken.paths.session_buddy_log.read_text()
    assert "Falling back to http: Cloud sync failed" in message
    assert "Akosha HTTP endpoint unreachable" in message


def test_a_key_that_is_part_of_another_leaves_nothing_of_it() -> None:
    keys = [Secret("memo"), Secret("memo-key"), Secret("my-memo-key-2"), Secret("key-2")]
    for order in (keys, keys[::-1]):
        formatter = RedactingFormatter(order, tracebacks=True)
        assert formatter.redact("It said my-memo-key-2.") == "It said ***."


FORMS = {
    "in a URL": lambda key: quote(key, safe=""),
    "in a URL, in lower case": lambda key: re.sub(
        "%..", lambda match: match[0].lower(), quote(key, safe="")
    ),
    "in a query": quote_plus,
    "in base64": lambda key: b64encode(key.encode()).decode(),
    "in base64 without padding": lambda key: b64encode(key.encode()).decode().rstrip("="),
    "in base64 for URLs": lambda key: urlsafe_b64encode(key.encode()).decode(),
    "in base64, after one byte": lambda key: b64encode(f"a{key}b".encode()).decode(),
    "in base64, after two bytes": lambda key: b64encode(f"ab{key}c".encode()).decode(),
    "as basic authentication": lambda key: b64encode(f"user:{key}:more".encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("key", ["canary/secret+0123456789", "ÿ~canary?\u00fe>0123456789"])
def test_a_key_is_redacted_however_it_is_encoded(form: Callable[[str], str], key: str) -> None:
    """But for a character at each end in base64, where it shares bits with what is beside it."""
    formatter = RedactingFormatter([Secret(key)], tracebacks=True)
    encoded = form(key)
    left = formatter.redact(f"It said {encoded}.")
    assert "***" in left
    assert not any(encoded[at : at + 8] in left for at in range(4, len(encoded) - 12))


def test_a_key_is_redacted_where_only_some_of_it_is_encoded_in_whatever_case() -> None:
    formatter = RedactingFormatter([Secret("k/ey+with/=two lines")], tracebacks=True)
    for each in (
        "k%2Fey%2bwith%2f%3dtwo%20lines",
        "k%2fey+with/%3Dtwo+lines",
        "%6b/ey%2Bwith/=two lines",
    ):
        assert formatter.redact(f"It said {each}.") == "It said ***."


def test_nothing_in_a_log_acts_on_a_terminal() -> None:
    record = logging.LogRecord(
        "akosha_hook",
        logging.INFO,
        "",
        0,
        "%s",
        ("a\x1b[2J\x9b1m\x7f\u202eb\u200bc\rd\ne\u2028f",),
        None,
    )
    text = RedactingFormatter(tracebacks=True).format(record)
    first, second = text.split("\n")
    assert first.isprintable()
    assert second.isprintable()
    assert "akosha" in second
    assert r"a\x1b[2J\x9b1m\x7f\u202eb\u200bc\rd" in first
