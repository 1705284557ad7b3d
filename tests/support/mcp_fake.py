"""An MCP server on pytest-httpserver that answers tool calls as a test says."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

Answer = Callable[[int], Response]
TOOLS = ("batch_store_memories", "generate_batch_embeddings")


def as_json(document: object) -> Response:
    return Response(json.dumps(document), content_type="application/json")


def as_events(*documents: object) -> Response:
    events = "".join(f"event: message\r\ndata: {json.dumps(each)}\r\n\r\n" for each in documents)
    return Response(events, content_type="text/event-stream; charset=utf-8")


def result_of(id_: int, result: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": id_, "result": result}


def error_of(id_: int, code: int, message: str) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": id_, "error": {"code": code, "message": message}}


def tool_result(structured: object) -> dict[str, object]:
    text = {"type": "text", "text": json.dumps(structured)}
    return {"content": [text], "structuredContent": structured, "isError": False}


def tool_failure(text: str) -> dict[str, object]:
    return {"content": [{"type": "text", "text": text}], "isError": True}


def plain(response: Response) -> Answer:
    """The same response whatever the request's id."""
    return lambda _: response


def answering(result: object) -> Answer:
    """A successful answer to any request."""
    return lambda id_: as_json(result_of(id_, result))


@dataclass
class FakeMcp:
    """`answers` are given to tool calls in order; after the last, `{"ok": true}`."""

    answers: list[Answer] = field(default_factory=list)
    list_tools: Callable[[int, str | None], dict[str, object]] = lambda id_, _: result_of(
        id_, {"tools": [{"name": name} for name in TOOLS]}
    )
    sessions: int = 0
    requests: list[Request] = field(default_factory=list)
    documents: list[dict[str, Any]] = field(default_factory=list)

    def attach(self, server: HTTPServer) -> None:
        server.expect_request("/mcp").respond_with_handler(self)

    def methods(self) -> list[str]:
        return [str(each.get("method", "")) for each in self.documents]

    def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        if request.method == "DELETE":
            self.documents.append({"method": "DELETE"})
            return Response(status=204)
        document = json.loads(request.get_data())
        self.documents.append(document)
        id_, method = document.get("id", 0), document["method"]
        if method == "initialize":
            self.sessions += 1
            response = as_json(
                result_of(
                    id_,
                    {
                        "protocolVersion": "2025-03-26",
                        "capabilities": {},
                        "serverInfo": {"name": "fake", "version": "9.9"},
                    },
                )
            )
            response.headers["Mcp-Session-Id"] = f"session-{self.sessions}"
            return response
        if method == "notifications/initialized":
            return Response(status=202)
        if method == "tools/list":
            cursor = document.get("params", {}).get("cursor")
            return as_json(self.list_tools(id_, cursor))
        if self.answers:
            return self.answers.pop(0)(id_)
        return as_json(result_of(id_, tool_result({"ok": True})))
