"""The worst that a server can say takes at most 64 MiB of memory, measured on a whole process."""

from __future__ import annotations

import gzip
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from akosha_hook.akosha.client import documents
from akosha_hook.akosha.client.transport import MAX_ANSWER_BYTES
from akosha_hook.errors import DeliveryError, Kind
from akosha_hook.stores.s3.bounded import MAX_ATTRIBUTES, MAX_DOCUMENT_BYTES, MAX_TAGS
from tests.akosha.client.conftest import call, session_to
from tests.support.raw_http import raw_server
from tests.support.s3_client import open_plain

if TYPE_CHECKING:
    import socket

    from tests.support.raw_http import Turn

MAX_GROWTH = 64 * 1024 * 1024
XML, JSON, EVENTS = "application/xml", "application/json", "text/event-stream"
# Prints the growth of the process in bytes; what went wrong is not the question here.
_PROGRAM = """
import re, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from tests.support.s3_client import open_plain
from tests.akosha.client.conftest import call, session_to
def peak():  # of this program alone: getrusage counts what the one that started it took
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text()).group(1)) * 1024
def ask():
    try:
        if sys.argv[1] == "s3":
            list(open_plain(sys.argv[2]).objects("systems/"))
        elif sys.argv[1] == "put":
            open_plain(sys.argv[2]).put("systems/k", b"x", {})
        else:
            call(session_to(sys.argv[2]))
    except Exception as error:
        print(type(error).__name__, error, file=sys.stderr)
ask()  # loads what is loaded late; its connection is refused by the first turn
before = peak()
ask()
print(peak() - before)
"""


def saying(kind: str, body: bytes, headers: str = "", status: str = "200 OK") -> Turn:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    )

    def say(connection: socket.socket) -> None:
        connection.sendall(head.encode("latin-1") + body)

    return say


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")


def growth(what: str, turn: Turn, root: str) -> int:
    with raw_server(saying(XML, b"<a/>"), turn) as url:
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, what, url, root],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
    return int(done.stdout)


def entities(levels: int = 8) -> bytes:
    """Each entity is ten of the one before."""
    declared = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, levels))
    return f'<!DOCTYPE a [<!ENTITY e0 "{"x" * 1000}">{declared}]><a>&e{levels - 1};</a>'.encode()


FULL = MAX_DOCUMENT_BYTES - 100
HUGE_HEADERS = "".join(f"X-{n}: {'y' * 65_000}\r\n" for n in range(95))
S3_ANSWERS = {
    "tags": b"<a>" + b"<b/>" * (FULL // 4) + b"</a>",
    "as many tags as pass": b"<a>" + b"<b/>" * (MAX_TAGS - 10) + b" " * 3_000_000 + b"</a>",
    "attributes": b"<a" + b"".join(b' a%d=""' % n for n in range(300_000)) + b"/>",
    "as many attributes as pass": b"<a>"
    + (b"<b " + b"".join(b'a%d="" ' % n for n in range(1000)) + b"/>")
    * (MAX_ATTRIBUTES // 1000 - 1)
    + b"</a>",
    "wide text": b"<a><Name>\xf0\x9f\x98\x80" + b"x" * (FULL - 100) + b"</Name></a>",
    "nesting": b"<a>" * (MAX_TAGS - 10),
    "entities": entities(),
}


@linux_only
@pytest.mark.parametrize("body", list(S3_ANSWERS.values()), ids=list(S3_ANSWERS))
def test_the_memory_for_an_answer_of_a_bucket(body: bytes, request: pytest.FixtureRequest) -> None:
    assert growth("s3", saying(XML, body), str(request.config.rootpath)) <= MAX_GROWTH


@linux_only
def test_the_memory_for_headers(request: pytest.FixtureRequest) -> None:
    turn = saying(XML, b"", HUGE_HEADERS)
    assert growth("put", turn, str(request.config.rootpath)) <= MAX_GROWTH


LIMIT = MAX_ANSWER_BYTES - 100
AKOSHA_ANSWERS = {
    "objects": (JSON, b"[" + b"{}," * (LIMIT // 3) + b"{}]"),
    "as many objects as pass": (JSON, b"[" + b"{}," * (documents.MAX_ITEMS - 1) + b"{}]"),
    "wide text": (
        JSON,
        b'{"id":1,"error":{"message":"\xf0\x9f\x98\x80' + b"x" * (LIMIT - 99) + b'"}}',
    ),
    "a line": (EVENTS, b"data: " + b"x" * (LIMIT - 99)),
    "lines": (EVENTS, b"data:xy\n" * (LIMIT // 8)),
    "nesting": (JSON, b'{"id":1,"result":' + b"[" * (LIMIT - 99)),
}


@linux_only
@pytest.mark.parametrize("answer", list(AKOSHA_ANSWERS.values()), ids=list(AKOSHA_ANSWERS))
def test_the_memory_for_an_answer_of_akosha(
    answer: tuple[str, bytes], request: pytest.FixtureRequest
) -> None:
    assert growth("akosha", saying(*answer), str(request.config.rootpath)) <= MAX_GROWTH


@linux_only
def test_the_memory_for_a_compressed_answer(request: pytest.FixtureRequest) -> None:
    bomb = gzip.compress(b"[" + b"{}," * 60_000_000, 9)
    turn = saying(JSON, bomb, "Content-Encoding: gzip\r\n")
    assert growth("akosha", turn, str(request.config.rootpath)) <= MAX_GROWTH


@pytest.mark.parametrize(
    "body",
    [
        entities(2),
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x"><a/>',
        entities(2).decode().encode("utf-16"),
        entities(2).decode().encode("utf-32"),
    ],
)
@pytest.mark.parametrize("status", ["200 OK", "403 Forbidden"])
def test_xml_with_a_doctype_is_refused(body: bytes, status: str) -> None:
    with (
        raw_server(saying(XML, body, status=status)) as url,
        pytest.raises(DeliveryError, match="cannot be understood") as caught,
    ):
        list(open_plain(url).objects("systems/"))
    assert caught.value.kind is Kind.BAD_ANSWER
    assert not caught.value.retryable


def test_an_answer_in_an_encoding_that_was_not_asked_for_is_refused() -> None:
    turn = saying(JSON, gzip.compress(b"{}"), "Content-Encoding: gzip\r\n")
    with raw_server(turn) as url, pytest.raises(DeliveryError, match="encoding"):
        call(session_to(url))


def test_json_nested_too_deeply_is_an_error_with_a_message() -> None:
    body = b'{"id":1,"result":' + b"[" * 100_000
    with raw_server(saying(JSON, body)) as url, pytest.raises(DeliveryError, match="too deeply"):
        call(session_to(url))
