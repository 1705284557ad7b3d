"""What can go wrong with an Akosha server, each with its kind and what to type next."""

from __future__ import annotations

import errno
import os
import re
from typing import TYPE_CHECKING

from akosha_hook.errors import (
    CredentialsError,
    DeliveryError,
    ExitCode,
    ForeignListenerError,
    Kind,
)
from akosha_hook.util.text import one_line

if TYPE_CHECKING:
    import urllib3.exceptions

START = "AKOSHA_TOOL_PROFILE=full akosha mcp start"
# From Akosha's guide; it starts the server of early versions.
START_GUIDE = "cd /path/to/akosha && python -m akosha.mcp.server"
START_HINT = f"Start it with: {START} (early versions: {START_GUIDE}), or set akosha_http_url."
TOKEN = "AKOSHA_TOKEN"  # noqa: S105 - the variable's name

_TOO_MANY = 429
_RETRYABLE = frozenset({408, 425, _TOO_MANY, 500, 502, 503, 504})
_DENIED = frozenset({401, 403})
_NOT_FOUND = 404
_KINDS = {
    408: Kind.TIMED_OUT,
    _TOO_MANY: Kind.THROTTLED,
    502: Kind.UNREACHABLE,
    503: Kind.UNREACHABLE,
    504: Kind.TIMED_OUT,
}

_MAX_QUOTED = 200
# Validation errors quote what was sent: the text of a memory.
_INPUT = re.compile(r"input_value=.*?(?=, input_type=|$)", re.DOTALL)


def quoted(text: str) -> str:
    """A server's words for a message, a log or a receipt: one short line without memory text."""
    return one_line(" ".join(_INPUT.sub("input_value=...", text).split()), _MAX_QUOTED)


class NotRunningError(DeliveryError):
    """Nothing listens at the server's port."""


class BadAnswerError(DeliveryError):
    """An answer that the protocol does not allow; asking again may help.

    `what` continues the sentence "URL answered ...".
    """

    kind = Kind.INVALID

    def __init__(self, url: str, what: str) -> None:
        super().__init__(f"{url} answered {what}.", code="bad-answer", retryable=True)


class StaleSessionError(DeliveryError):
    """The server no longer knows the session: it was restarted, or the session was idle."""

    kind = Kind.STALE

    def __init__(self, url: str) -> None:
        super().__init__(
            f"{url} drops every session as soon as it is opened.",
            code="stale-session",
            retryable=True,
        )


class TooLargeError(DeliveryError):
    """The server rejects a request of this size; a smaller one may pass."""

    kind = Kind.INVALID

    def __init__(self, url: str) -> None:
        super().__init__(f"{url} does not accept requests of this size.", code="too-large")


class ToolError(DeliveryError):
    """A tool, or another method of the server, ran and failed."""

    kind = Kind.FAILED

    def __init__(self, tool: str, message: str, *, retryable: bool = False) -> None:
        super().__init__(
            f"Akosha's {tool} failed: {quoted(message)}", code="tool-error", retryable=retryable
        )


class NoModelError(ToolError):
    """The server embeds no text at all."""


class UnsupportedError(DeliveryError):
    """The server does not have a method."""

    kind = Kind.UNSUPPORTED

    def __init__(self, method: str) -> None:
        super().__init__(f"The Akosha server does not support {method}.", code="unsupported")


def unreachable(url: str, reason: str) -> DeliveryError:
    return DeliveryError(
        f"Akosha HTTP endpoint unreachable: {url} ({reason}).",
        hint=START_HINT,
        kind=Kind.UNREACHABLE,
        code="unreachable",
        retryable=True,
    )


def foreign_listener(address: str, uid: int) -> DeliveryError:
    return ForeignListenerError(
        f"Nothing was sent to Akosha: the program that listens at {address} belongs to another "
        f"user of this machine ({_user(uid)}).",
        hint="Have that program stopped, or let your own Akosha server listen at another port and "
        "set akosha_http_url to it.",
    )


def unknown_listener(address: str, reason: str) -> DeliveryError:
    return DeliveryError(
        f"Nothing was sent to Akosha: whose program listens at {address} cannot be told "
        f"({reason}).",
        hint="Set akosha_http_url to a server on another machine, or akosha_enable_fallback to "
        "false.",
        kind=Kind.DENIED,
        code="unknown-listener",
    )


def _user(uid: int) -> str:
    import pwd

    try:
        return f"uid {uid}, {one_line(pwd.getpwuid(uid).pw_name)}"
    except KeyError:
        return f"uid {uid}"


def missing_tools(url: str) -> DeliveryError:
    return DeliveryError(
        f"The Akosha server at {url} has no tool that stores memories.",
        hint=f"Start it with its full tool profile: {START}",
        kind=Kind.UNSUPPORTED,
        code="missing-tools",
        exit_code=ExitCode.FAILED,
    )


def denied(url: str, reason: str, *, with_token: bool, withheld: bool = False) -> CredentialsError:
    """`withheld` says that there is a token, and that it was not sent."""
    if withheld:
        return CredentialsError(
            f"The Akosha server at {url} requires a token ({reason}). {TOKEN} is not sent to it, "
            "since akosha_http_url is not set.",
            hint=f"If that is your server: akosha-hook config set akosha_http_url {url}",
        )
    if with_token:
        message = f"The Akosha server at {url} refused the token in {TOKEN} ({reason})."
    else:
        message = f"The Akosha server at {url} requires a token, and {TOKEN} is not set ({reason})."
    return CredentialsError(message, hint=f"export {TOKEN}=...")


def web_page(url: str) -> DeliveryError:
    return DeliveryError(
        f"{url} answered with a web page: a captive portal, or another program on that port.",
        hint="Open it in a browser; if it is not an Akosha server, set akosha_http_url.",
        kind=Kind.UNREACHABLE,
        code="web-page",
        retryable=True,
    )


def redirected(url: str, target: str) -> DeliveryError:
    return DeliveryError(
        f"{url} redirects to {target or 'nowhere'}; nothing was sent there.",
        hint="If that is your Akosha server, set akosha_http_url to it.",
        kind=Kind.INVALID,
        code="redirect",
    )


def bad_status(
    url: str, status: int, excerpt: str, *, with_token: bool, withheld: bool = False
) -> DeliveryError | CredentialsError:
    """The error for an HTTP status; `excerpt` is the beginning of the body."""
    answer = f"HTTP {status}: {excerpt}" if excerpt else f"HTTP {status}"
    if status in _DENIED:
        return denied(url, answer, with_token=with_token, withheld=withheld)
    if status == _NOT_FOUND:
        return DeliveryError(
            f"There is no MCP server at {url} ({answer}).",
            hint="Set akosha_http_url to the Akosha server.",
            kind=Kind.MISSING,
            code="not-found",
        )
    return DeliveryError(
        f"{url} answered {answer}.",
        kind=_KINDS.get(status, Kind.FAILED),
        code="rate-limited" if status == _TOO_MANY else f"http-{status}",
        retryable=status in _RETRYABLE,
    )


def no_response(url: str, error: urllib3.exceptions.HTTPError) -> DeliveryError:
    """The error for an exception of urllib3."""
    from urllib3 import exceptions

    if isinstance(error, exceptions.SSLError):
        return DeliveryError(
            f"The certificate of {url} is not trusted: {_cause(error)}.",
            hint="If a private authority issued it, set akosha_ca_file.",
            kind=Kind.UNREACHABLE,
            code="tls",
        )
    if reason := _no_connection(error):
        failure = unreachable(url, reason)
        if _errno(error) == errno.ECONNREFUSED and not isinstance(error, exceptions.ProxyError):
            failure = NotRunningError(
                failure.message, hint=failure.hint, code=failure.code, retryable=True
            )
        return failure
    if isinstance(error, exceptions.TimeoutError):
        return DeliveryError(
            f"{url} did not answer in time.", kind=Kind.TIMED_OUT, code="timeout", retryable=True
        )
    return DeliveryError(
        f"The connection to {url} was lost: {_cause(error)}.",
        kind=Kind.UNREACHABLE,
        code="connection",
        retryable=True,
    )


def _no_connection(error: urllib3.exceptions.HTTPError) -> str:
    """Why there is no connection; empty where there was one."""
    from urllib3 import exceptions

    if isinstance(error, exceptions.ProxyError):
        return f"the proxy failed: {_cause(error)}"
    if isinstance(error, exceptions.NameResolutionError):
        return "unknown host name"
    if isinstance(error, exceptions.NewConnectionError):  # a subclass of the next
        return _cause(error)
    return "connection timed out" if isinstance(error, exceptions.ConnectTimeoutError) else ""


def _chain(error: BaseException) -> list[BaseException]:
    """`error` and what caused it, outermost first; urllib3 keeps some causes in `reason`."""
    chain: list[BaseException] = []
    while error not in chain:
        chain.append(error)
        reason = getattr(error, "reason", None)
        inner = reason if isinstance(reason, BaseException) else error.__cause__
        error = inner or error.__context__ or error
    return chain


def _errno(error: BaseException) -> int | None:
    numbers = [each.errno for each in _chain(error) if isinstance(each, OSError) and each.errno]
    return numbers[-1] if numbers else None


def _cause(error: BaseException) -> str:
    """The system's text where there is one: urllib3's own texts contain object addresses."""
    number = _errno(error)
    if number is not None and number in errno.errorcode:
        return os.strerror(number).lower()
    return str(_chain(error)[-1]).strip() or type(error).__name__
