"""Planted keys, tokens and memories: after every success and failure they are nowhere but in the bucket."""

from __future__ import annotations

import json
import socket
import threading
from typing import TYPE_CHECKING

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from akosha_hook.util import files
from tests.support.canaries import (
    ACCESS,
    KEYS,
    MEMORY,
    PROXY,
    SECRET,
    SESSION,
    TOKEN,
    USERINFO,
    assert_nowhere,
    run_all,
)
from tests.support.home import Home
from tests.support.s3 import TestBucket

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug import Request


def test_after_a_success(planted: Home, bucket: TestBucket) -> None:
    server = bucket.server
    planted.configure(akosha_cloud_bucket=bucket.name, akosha_cloud_endpoint=server.endpoint)
    real = {"AWS_ACCESS_KEY_ID": server.access_key, "AWS_SECRET_ACCESS_KEY": server.secret_key}
    run_all(planted, AKOSHA_TOKEN=TOKEN, **real)
    assert [each.success for each in planted.receipts()] == [True]
    for key in bucket.object_keys():
        if key.endswith("manifest.json"):
            stored = bucket.read(key)
            assert MEMORY.encode() not in stored
            assert server.secret_key.encode() not in stored


def test_after_wrong_keys(planted: Home, bucket: TestBucket) -> None:
    planted.configure(akosha_cloud_bucket=bucket.name, akosha_cloud_endpoint=bucket.server.endpoint)
    run_all(planted, **KEYS)
    assert not any(each.success for each in planted.receipts())


def test_after_a_refused_connection_and_a_fallback_that_fails_too(planted: Home) -> None:
    run_all(planted, **KEYS)
    assert {each.method for each in planted.receipts()} == {"cloud", "http"}


@pytest.mark.parametrize(
    ("status", "kind"), [(400, "application/xml"), (403, "text/xml"), (500, "text/html")]
)
def test_after_answers_that_echo_what_was_sent(
    planted: Home, httpserver: HTTPServer, kind: str, status: int
) -> None:
    """As RGW and others do; and one that echoes more than any server could know."""
    echoed = f"{ACCESS} {SECRET} {SESSION}"

    def echo(request: Request) -> Response:
        sent = f"{echoed} {request.headers.get('Authorization', '')}"
        if request.path == "/mcp" or request.path.startswith("/mcp/"):
            return Response(f"{TOKEN} {sent}", status, content_type="text/plain")
        code = f"<Code>Odd</Code><Message>{sent}</Message><RequestId>{ACCESS}</RequestId>"
        return Response(f"<Error>{code}</Error>", status, content_type=kind)

    import re

    httpserver.expect_request(re.compile(".*")).respond_with_handler(echo)
    url = httpserver.url_for("").rstrip("/")
    planted.configure(akosha_cloud_endpoint=url, akosha_http_url=url)
    run_all(planted, **KEYS)
    assert httpserver.log


def refusal(how: str, said: str, rows: list[dict[str, str]]) -> dict[str, object] | Response:
    if how == "status":
        return Response(said, 500, content_type="text/plain")
    if how == "refusal":
        return {"code": -32000, "message": said}
    if how == "tool":
        return {"isError": True, "content": [{"type": "text", "text": said}]}
    named = [{"memory_id": each["memory_id"]} if how == "row" else {} for each in rows]
    errors = [
        {"error": f"Duplicate row, {row['text']}"} | name
        for row, name in zip(rows, named, strict=True)
    ]
    stored = {"stored": 0, "failed": len(rows), "errors": errors}
    return {"content": [{"type": "text", "text": json.dumps(stored)}]}


@pytest.mark.parametrize("how", ["tool", "row", "unnamed row", "refusal", "status"])
def test_after_an_akosha_that_quotes_a_row(planted: Home, httpserver: HTTPServer, how: str) -> None:
    """Not as validation errors do, which mark what they quote: as a database may."""
    import re

    quoting: list[str] = []

    def answer(request: Request) -> Response:
        document = request.get_json(silent=True) or {}
        method, id_ = document.get("method"), document.get("id")
        if request.method == "DELETE" or id_ is None:
            return Response("", 202)
        result: dict[str, object] = {
            "tools": [{"name": "batch_store_memories"}, {"name": "generate_batch_embeddings"}]
        }
        if method == "initialize":
            info = {"name": "akosha", "version": "1"}
            result = {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": info}
        if method == "tools/call":
            arguments = document["params"]["arguments"]
            if "texts" in arguments:
                made = {"embeddings": [[0.5] * 384 for _ in arguments["texts"]], "mode": "real"}
                result = {"content": [{"type": "text", "text": json.dumps(made)}]}
            else:
                said = next(
                    each["text"] for each in arguments["memories"] if MEMORY in each["text"]
                )
                quoting.append(said)
                failed = refusal(how, f"Duplicate row, {said}", arguments["memories"])
                if isinstance(failed, Response):
                    return failed
                if "code" in failed:
                    return Response(json.dumps({"jsonrpc": "2.0", "id": id_, "error": failed}))
                result = failed
        return Response(json.dumps({"jsonrpc": "2.0", "id": id_, "result": result}))

    httpserver.expect_request(re.compile(".*")).respond_with_handler(answer)
    planted.configure(
        akosha_force_method="http", akosha_http_url=httpserver.url_for("").rstrip("/")
    )
    run_all(planted, **KEYS)
    assert quoting
    assert any("it quotes a memory" in (each.error or "") for each in planted.receipts())


def test_after_a_proxy_that_refuses(planted: Home) -> None:
    planted.configure(akosha_cloud_endpoint="https://storage.invalid", akosha_enable_fallback=False)
    proxy = f"http://user:{PROXY}@127.0.0.1:9"
    run_all(planted, HTTPS_PROXY=proxy, HTTP_PROXY=proxy, **KEYS)


def test_after_credentials_in_the_wrong_place(planted: Home) -> None:
    planted.configure(
        akosha_cloud_endpoint=f"https://user:{USERINFO}@storage.invalid",
        akosha_secret_key=SECRET,
    )
    run_all(planted, **KEYS)


def test_after_corrupt_state(planted: Home) -> None:
    files.private_directory(planted.paths.receipts)
    for path in (planted.paths.machine, planted.paths.progress, planted.paths.regions):
        path.write_text("{")
    (planted.paths.receipts / "x.json").write_text("[]")
    run_all(planted, **KEYS)


@pytest.fixture
def black_hole() -> Iterator[str]:
    """A server that takes every connection and never says anything."""
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def take() -> None:
            while True:
                try:
                    taken.append(listening.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()
    for each in taken:
        each.close()


def test_after_servers_that_never_answer(planted: Home, black_hole: str) -> None:
    planted.configure(
        akosha_cloud_endpoint=black_hole,
        akosha_http_url=black_hole,
        akosha_upload_timeout_seconds=1,
        akosha_max_retries=0,
    )
    run_all(planted, **KEYS)
    assert {each.error_code for each in planted.receipts()} & {"timeout", "Timeout"}


def test_no_command_shows_what_a_server_sends_back(planted: Home, httpserver: HTTPServer) -> None:
    import re

    error = f"<Code>Odd</Code><Message>{' '.join(KEYS.values())}</Message>"
    httpserver.expect_request(re.compile(".*")).respond_with_handler(
        lambda _: Response(f"<Error>{error}</Error>", 400, content_type="application/xml")
    )
    url = httpserver.url_for("").rstrip("/")
    planted.configure(akosha_cloud_endpoint=url, akosha_http_url=url, akosha_keep_last=1)
    planted.akosha_hook("sync", **KEYS)
    texts: list[str] = []
    for command in (
        ("doctor",),
        ("doctor", "--json"),
        ("status", "--check"),
        ("history", "--json"),
        ("ls", "--json"),
        ("verify", "--json"),
        ("restore", "--json", "--to", str(planted.paths.claude / "restored")),
        ("restore", "20261122_120000_x"),
        ("prune", "--json"),
    ):
        done = planted.akosha_hook(*command, **KEYS)
        # doctor gives a server that is slow to answer a few seconds only.
        asks_patiently = command[0] not in {"doctor", "status"}
        assert not asks_patiently or "Odd" in done.stdout + done.stderr, command
        texts += [done.stdout, done.stderr]
    assert_nowhere(planted, *texts)
