"""Answers of a made-up S3 server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from werkzeug import Response

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer
    from werkzeug import Request

XML = "application/xml"


def error(status: int, code: str) -> Response:
    """S3's error document, without a message."""
    return Response(f"<Error><Code>{code}</Code></Error>", status, content_type=XML)


def serve_object(server: HTTPServer, path: str, data: bytes) -> list[str]:
    """Give out `data` in the ranges that are asked for; the list of those so far."""
    asked: list[str] = []

    def answer(request: Request) -> Response:
        wanted = request.headers["Range"]
        asked.append(wanted)
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", wanted)
        assert match is not None
        start, end = int(match[1]), min(int(match[2]) + 1, len(data))
        if start >= len(data):
            return error(416, "InvalidRange")
        where = {"Content-Range": f"bytes {start}-{end - 1}/{len(data)}"}
        return Response(data[start:end], 206, where)

    server.expect_request(path, method="GET").respond_with_handler(answer)
    return asked
