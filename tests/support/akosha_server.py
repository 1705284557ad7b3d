"""A stand-in for the Akosha server: the official SDK's streamable HTTP, and Akosha's own answers.

The answers of the tools are those of Akosha 0.11.0, or of 0.24.5 where the version says so. The SDK
enforces sessions, the Accept header and the limit of a request's size.
"""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import uvicorn
from mcp.server.mcpserver import MCPServer
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

VERSION = "0.11.0"
TODAY = "0.24.5"
EMBEDDING = 384
MAX_ROWS = 1000
MAX_CHARACTERS = 10_000
MAX_TEXTS_CHARACTERS = 1_000_000


@dataclass
class AkoshaServer:
    """A server's options and what it received; `memories` is its store, by memory_id.

    `refuse` returns the error of a row that is to fail. `embeds` is the mode of the embedding
    tool, None where the server has no such tool. The store takes vectors of `dimension` numbers;
    the embedding tool makes such, or of `embedded_dimension`, and fails where `cannot_embed`.
    `health_answer` is status and body of the health page.
    """

    port: int
    version: str = VERSION
    dimension: int = EMBEDDING
    embedded_dimension: int | None = None
    cannot_embed: Callable[[str], bool] = lambda _: False
    health_answer: tuple[int, dict[str, Any]] = (200, {"status": "ok"})
    full_profile: bool = True
    token: str | None = None
    json_response: bool = False
    health: str = "/health"
    prefix: str = ""
    embeds: str | None = "real"
    refuse: Callable[[dict[str, Any]], str | None] = lambda _: None
    memories: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: list[dict[str, Any]] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    embedded: list[str] = field(default_factory=list)
    embed_calls: list[int] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def restart(self) -> None:
        """Lose what a restart loses: the store is in memory."""
        self.memories.clear()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def store(self, memories: list[dict[str, Any]]) -> dict[str, Any]:
        self.batches.append(len(memories))
        if len(memories) > MAX_ROWS:
            return {
                "status": "failed",
                "total": len(memories),
                "stored": 0,
                "failed": len(memories),
                "error": f"Batch size exceeds maximum of {MAX_ROWS} memories",
            }
        errors = [
            {"memory_id": each.get("memory_id"), "error": error}
            for each in memories
            if (error := self._store_one(each)) is not None
        ]
        stored = len(memories) - len(errors)
        return {
            "status": "completed" if not errors else "partial" if stored else "failed",
            "total": len(memories),
            "stored": stored,
            "failed": len(errors),
            "errors": errors,
            "stored_at": datetime.now().astimezone().isoformat(),
        }

    def _store_one(self, memory: dict[str, Any]) -> str | None:
        id_ = memory.get("memory_id")
        error = self._problem(memory)
        if error is None and id_ in self.memories:
            error = (
                f'Constraint Error: Duplicate key "conversation_id: {id_}" '
                "violates primary key constraint."
            )
        error = error or self.refuse(memory)
        if error is None:
            self.memories[str(id_)] = memory
        else:
            self.refused.append(memory)
        return error

    def _problem(self, memory: dict[str, Any]) -> str | None:
        """Why Akosha would refuse a row, whatever it has stored; None where it would not."""
        embedding = memory.get("embedding")
        if not memory.get("memory_id") or not memory.get("text"):
            return "Missing required field (memory_id or text)"
        if embedding is None:
            return "Embedding is required: must be a 384-dimensional vector"
        try:
            datetime.fromisoformat(memory["metadata"]["created_at"])
        except (KeyError, ValueError) as error:
            return str(error)
        if len(embedding) == self.dimension:
            return None
        if self.version == VERSION:
            return (
                f"Conversion Error: Cannot cast list with length {len(embedding)} "
                f"to array with length {self.dimension}"
            )
        return (
            "DuckdbHotStore.insert: embedding dim mismatch "
            f"(expected {self.dimension}, got {len(embedding)})"
        )

    def embed(self, texts: list[str], batch_size: int = 32) -> dict[str, Any]:
        if not 1 <= batch_size <= 128:
            raise ValueError("batch_size must be between 1 and 128")
        self.embed_calls.append(len(texts))
        for index, text in enumerate(texts):
            if not text or len(text) > MAX_CHARACTERS or "\0" in text:
                raise ValueError(f"Text at index {index} is empty, too long or has null bytes")
            if self.cannot_embed(text):
                raise ValueError(f"cannot embed {text!r}")
        if sum(map(len, texts)) > MAX_TEXTS_CHARACTERS:
            raise ValueError("Total text size too large")
        self.embedded.extend(texts)
        dimension = self.embedded_dimension or self.dimension
        return {
            "count": len(texts),
            "embedding_dim": dimension,
            "embeddings": [embedding_of(text, dimension) for text in texts],
            "mode": self.embeds,
        }


def embedding_of(text: str, dimension: int) -> list[float]:
    """What the server's model makes of a text."""
    source = random.Random(text)
    return [source.uniform(-0.1, 0.1) for _ in range(dimension)]


class _Gate:
    """Records every request, and refuses those without the token."""

    def __init__(self, app: ASGIApp, akosha: AkoshaServer) -> None:
        self._app = app
        self._akosha = akosha

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope)
            self._akosha.requests.append(f"{request.method} {request.url.path}")
            token, given = self._akosha.token, request.headers.get("authorization")
            if token is not None and given != f"Bearer {token}":
                refused = JSONResponse({"error": "invalid_token"}, status_code=401)
                await refused(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _app(akosha: AkoshaServer) -> ASGIApp:
    server = MCPServer("akosha-mcp", version=akosha.version, log_level="CRITICAL")

    def batch_store_memories(memories: list[dict[str, Any]]) -> dict[str, Any]:
        return akosha.store(memories)

    def generate_batch_embeddings(texts: list[str], batch_size: int = 32) -> dict[str, Any]:
        return akosha.embed(texts, batch_size)

    def list_skills() -> dict[str, Any]:
        return {}

    async def health(_: Request) -> Response:
        status, body = akosha.health_answer
        document = {"service": "akosha", "version": akosha.version, **body}
        return JSONResponse(document, status_code=status)

    server.add_tool(list_skills)
    if akosha.full_profile:
        server.add_tool(batch_store_memories, name=akosha.prefix + "batch_store_memories")
        if akosha.embeds is not None:
            server.add_tool(
                generate_batch_embeddings, name=akosha.prefix + "generate_batch_embeddings"
            )
    if akosha.health:
        server.custom_route(akosha.health, methods=["GET"])(health)
    return _Gate(server.streamable_http_app(json_response=akosha.json_response), akosha)


@contextlib.contextmanager
def serve(akosha: AkoshaServer) -> Iterator[AkoshaServer]:
    """Listen on the server's port until the end of the block; its sessions end there too."""
    listening = socket.create_server(("127.0.0.1", akosha.port))
    config = uvicorn.Config(_app(akosha), log_level="critical", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield akosha
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
