"""A session of the Model Context Protocol over streamable HTTP: what calling tools needs of it.

Specification 2025-06-18, "Transports" and "Tools": initialize, the session header on every later
request, answers as JSON or as a stream of events, and a new session where the server lost ours.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from akosha_hook.akosha.client import documents, failures
from akosha_hook.akosha.client.events import EventStream
from akosha_hook.akosha.client.memory_text import without_memories
from akosha_hook.errors import DeliveryError
from akosha_hook.util.retry import Deadline
from akosha_hook.util.text import one_line
from akosha_hook.version import __version__

if TYPE_CHECKING:
    from akosha_hook.akosha.client.transport import Response, Transport
    from akosha_hook.util.retry import RetryPolicy

T = TypeVar("T")

PROTOCOL_VERSION = "2025-06-18"
PATH = "/mcp"
MAX_TOOL_PAGES = 20
MAX_TOOL_NAME = 128
MAX_TOOLS = 10_000
MAX_VERSION = 64
CLOSE_SECONDS = 2.0
_OK = range(200, 300)
_BAD_REQUEST, _NOT_FOUND, _TOO_LARGE = 400, 404, 413
# JSON-RPC: internal error, and the codes that servers define, such as FastMCP's rate limit.
_RETRYABLE_CODES = frozenset({-32603, *range(-32099, -31999)})
_METHOD_NOT_FOUND = -32601
_NOTHING = frozenset({b"", b"null"})
# The server's words: MCP has no code of its own for either of these.
_UNKNOWN_TOOL = re.compile(r"(?i)unknown tool|tool .*not found")
_DENIED = re.compile(r"(?i)\b(unauthori[sz]ed|authentication (required|failed)|invalid token)\b")


class _Error(msgspec.Struct):
    code: int = 0
    message: str = ""


class _Message(msgspec.Struct):
    id: int | str | None = None
    result: msgspec.Raw = msgspec.Raw()
    error: _Error | None = None


class _ServerInfo(msgspec.Struct):
    name: str = ""
    version: str = ""


class _Initialized(msgspec.Struct, rename="camel"):
    protocol_version: str = PROTOCOL_VERSION
    server_info: _ServerInfo = msgspec.field(default_factory=_ServerInfo)


class _Tool(msgspec.Struct):
    name: str


class _Tools(msgspec.Struct, rename="camel"):
    tools: list[_Tool] = msgspec.field(default_factory=list)
    next_cursor: str | None = None


class _Content(msgspec.Struct):
    type: str = ""
    text: str = ""


class _ToolResult(msgspec.Struct, rename="camel"):
    content: list[_Content] = msgspec.field(default_factory=list)
    structured_content: msgspec.Raw = msgspec.Raw()
    is_error: bool = False


class Session:
    """One session, opened by the first request; every request is retried as `retry` says."""

    def __init__(self, transport: Transport, retry: RetryPolicy) -> None:
        self._transport = transport
        self._retry = retry
        self._headers: dict[str, str] | None = None
        self._last_id = 0
        self.server_version = ""

    @property
    def is_open(self) -> bool:
        return self._headers is not None

    def tools(self) -> frozenset[str] | None:
        """The names of the server's tools; None where it cannot list them."""
        names: set[str] = set()
        cursor: str | None = None
        for _ in range(MAX_TOOL_PAGES):
            try:
                page = self._request("tools/list", {"cursor": cursor} if cursor else {}, _Tools)
            except failures.UnsupportedError:
                return None
            names.update(each.name for each in page.tools if len(each.name) <= MAX_TOOL_NAME)
            cursor = page.next_cursor
            if not cursor or len(names) > MAX_TOOLS:
                break
        return frozenset(names)

    def call(self, tool: str, arguments: object, answer: type[T]) -> T:
        """Run a tool and decode its result as `answer`.

        Raises ToolError where the tool fails, another DeliveryError or CredentialsError where the
        request does.
        """
        parameters = {"name": tool, "arguments": arguments}
        result = self._request("tools/call", parameters, _ToolResult)
        text = next((each.text for each in result.content if each.type == "text"), "")
        if result.is_error:
            raise self._tool_failure(tool, without_memories(text, arguments) or "no reason given")
        structured = bytes(result.structured_content)
        document = text.encode() if structured in _NOTHING else structured
        try:
            return documents.decode(document, answer)
        except documents.BadDocumentError as error:
            raise failures.BadAnswerError(
                self._transport.base, f"{tool} with something other than its result ({error})"
            ) from error

    def close(self) -> None:
        """End the session on the server; a failure to do so is ignored."""
        headers, self._headers = self._headers, None
        if not headers or "Mcp-Session-Id" not in headers:
            return
        self._transport.deadline = Deadline(CLOSE_SECONDS)
        with (
            contextlib.suppress(DeliveryError),
            self._transport.open("DELETE", PATH, headers=headers),
        ):
            pass

    def _request(self, method: str, parameters: dict[str, Any], answer: type[T]) -> T:
        return self._retry.call(lambda: self._in_session(method, parameters, answer))

    def _in_session(self, method: str, parameters: dict[str, Any], answer: type[T]) -> T:
        try:
            return self._exchange(method, parameters, answer, self._open())
        except failures.StaleSessionError:
            self._headers = None
            return self._exchange(method, parameters, answer, self._open())

    def _open(self) -> dict[str, str]:
        if self._headers is not None:
            return self._headers
        parameters = {
            "protocolVersion": PROTOCOL_VERSION,
            "capabilities": {},
            "clientInfo": {"name": "akosha-hook", "version": __version__},
        }
        received: dict[str, str] = {}
        hello = self._exchange("initialize", parameters, _Initialized, {}, received)
        base = self._transport.base
        if not documents.is_protocol_version(hello.protocol_version):
            raise failures.BadAnswerError(base, "initialize with a protocolVersion that is none")
        headers = {"MCP-Protocol-Version": hello.protocol_version}
        if session := received.get("mcp-session-id"):
            if not documents.is_session_id(session):
                raise failures.BadAnswerError(base, "initialize with a session id that is none")
            headers["Mcp-Session-Id"] = session
        self.server_version = one_line(hello.server_info.version, MAX_VERSION)
        document = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        with self._post(document, headers) as response:
            self._refuse_unless_ok(response, headers, {})
        self._headers = headers
        return headers

    def _exchange(
        self,
        method: str,
        parameters: dict[str, Any],
        answer: type[T],
        headers: dict[str, str],
        received: dict[str, str] | None = None,
    ) -> T:
        """Send one request and decode its answer; `received` is filled with the response's headers."""
        self._last_id += 1
        document = {
            "jsonrpc": "2.0",
            "id": self._last_id,
            "method": method,
            "params": parameters,
        }
        with self._post(document, headers) as response:
            self._refuse_unless_ok(response, headers, parameters)
            if received is not None:
                received.update(response.headers)
            message = self._answer(response, self._last_id)
        if message.error is not None:
            raise self._refusal(method, parameters, message.error)
        try:
            return documents.decode(bytes(message.result) or b"{}", answer)
        except documents.BadDocumentError as error:
            raise failures.BadAnswerError(
                self._transport.base, f"{method} with something other than MCP ({error})"
            ) from error

    def _post(
        self, document: dict[str, Any], headers: dict[str, str]
    ) -> contextlib.AbstractContextManager[Response]:
        return self._transport.open(
            "POST",
            PATH,
            headers={
                "Content-Type": "application/json",
                "Accept": "application/json, text/event-stream",
                **headers,
            },
            body=msgspec.json.encode(document),
        )

    def _refuse_unless_ok(
        self, response: Response, headers: dict[str, str], parameters: dict[str, Any]
    ) -> None:
        if response.status in _OK:
            return
        excerpt = response.excerpt()
        base = self._transport.base
        if "Mcp-Session-Id" in headers and (
            response.status == _NOT_FOUND
            or (response.status == _BAD_REQUEST and "session" in excerpt.lower())
        ):
            raise failures.StaleSessionError(base)
        if response.status == _TOO_LARGE:
            raise failures.TooLargeError(base)
        raise failures.bad_status(
            base,
            response.status,
            without_memories(excerpt, parameters.get("arguments")),
            with_token=self._transport.token is not None,
            withheld=self._transport.token_withheld,
        )

    def _answer(self, response: Response, id_: int) -> _Message:
        """The message in the response that answers request `id_`."""
        base = self._transport.base
        if response.media_type == "text/event-stream":
            events = EventStream()
            for chunk in response.chunks():
                for data in events.feed(chunk):
                    if message := _with_id(_messages(base, data), id_):
                        return message
            raise failures.BadAnswerError(base, "with a stream that ended before the answer")
        body = response.body()
        if response.media_type == "text/html" or body.lstrip()[:1] == b"<":
            raise failures.web_page(base)
        message = _with_id(_messages(base, body), id_)
        if message is None:
            raise failures.BadAnswerError(base, "with JSON that does not answer the request")
        return message

    def _refusal(self, method: str, parameters: dict[str, Any], error: _Error) -> Exception:
        """What a JSON-RPC error means, as the answer to `method` with `parameters`."""
        what = parameters.get("name", method)
        text = without_memories(error.message, parameters.get("arguments"))
        if error.code == _METHOD_NOT_FOUND:
            return failures.UnsupportedError(what)
        if _UNKNOWN_TOOL.search(text) or _DENIED.search(text):
            return self._tool_failure(what, text)
        return failures.ToolError(what, text, retryable=error.code in _RETRYABLE_CODES)

    def _tool_failure(self, tool: str, text: str) -> Exception:
        base = self._transport.base
        if _UNKNOWN_TOOL.search(text):
            return failures.missing_tools(base)
        if _DENIED.search(text):
            return failures.denied(
                base,
                text,
                with_token=self._transport.token is not None,
                withheld=self._transport.token_withheld,
            )
        return failures.ToolError(tool, text)


def _messages(base: str, document: bytes) -> list[_Message]:
    try:
        if document.lstrip()[:1] == b"[":
            return documents.decode(document, list[_Message])
        return [documents.decode(document, _Message)]
    except documents.BadDocumentError as error:
        raise failures.BadAnswerError(base, f"with something other than JSON ({error})") from error


def _with_id(messages: list[_Message], id_: int) -> _Message | None:
    """The answer to request `id_`; the others are the server's own requests and notifications.

    An error without an id answers a request that the server could not read.
    """
    for message in messages:
        if message.id == id_ and (bytes(message.result) or message.error is not None):
            return message
        if message.id is None and message.error is not None:
            return message
    return None
