"""What can go wrong with an Akosha server, in words that say what to type next."""

from __future__ import annotations

import errno
import os
import re
from typing import TYPE_CHECKING

from akosha_hook.errors import CredentialsError, DeliveryError, ExitCode
from akosha_hook.util.text import one_line

if TYPE_CHECKING:
    import urllib3.exceptions

START = "AKOSHA_TOOL_PROFILE=full akosha mcp start"
# The guide's own words; they start the server of Akosha's early versions.
START_GUIDE = "cd /path/to/akosha && python -m akosha.mcp.server"
START_HINT = f"Start it with: {START} (early versions: {START_GUIDE}), or set akosha_http_url."
TOKEN = "AKOSHA_TOKEN"  # noqa: S105 - the variable's name

_TOO_MANY = 429
_PASSING = frozenset({408, 425, _TOO_MANY, 500, 502, 503, 504})
_DENIED = frozenset({401, 403})
_NOT_FOUND = 404
_REDIRECT = range(300, 400)


_MAX_QUOTED = 200
# Validation errors quote what was sent, and that is the user's.
_INPUT = re.compile(r"input_value=.*?(?=, input_type=|$)", re.DOTALL)


def quoted(text: str) -> str:
    """A server's words for a message, a log or a receipt: short, on one line, no memory in them."""
    return one_line(" ".join(_INPUT.sub("input_value=...", text).split()), _MAX_QUOTED)


class NotRunningError(DeliveryError):
    """Nothing listens at the server's port."""


class BadAnswerError(DeliveryError):
    """An answer that is not what the protocol says; asking again may help."""

    def __init__(self, url: str, what: str) -> None:
        super().__init__(f"{url} answered {what}.", code="bad-answer", retryable=True)


class StaleSessionError(DeliveryError):
    """The server has forgotten the session: it was restarted, or the session was idle."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"{url} forgets every session at once.", code="stale-session", retryable=True
        )


class TooLargeError(DeliveryError):
    """The server takes no request of this size; a smaller one may pass."""

    def __init__(self, url: str) -> None:
        super().__init__(f"{url} takes no request of this size.", code="too-large")


class ToolError(DeliveryError):
    """A tool, or another method of the server, ran and failed."""

    def __init__(self, tool: str, message: str, *, retryable: bool = False) -> None:
        super().__init__(
            f"Akosha's {tool} failed: {quoted(message)}", code="tool-error", retryable=retryable
        )


class UnsupportedError(DeliveryError):
    """A method the server does not have."""

    def __init__(self, method: str) -> None:
        super().__init__(f"The Akosha server does not have {method}.", code="unsupported")


def unreachable(url: str, reason: str) -> DeliveryError:
    return DeliveryError(
        f"Akosha HTTP endpoint unreachable: {url} ({reason}).",
        hint=START_HINT,
        code="unreachable",
        retryable=True,
    )


def missing_tools(url: str) -> DeliveryError:
    return DeliveryError(
        f"The Akosha server at {url} has no tool that stores memories.",
        hint=f"Start it with its full tool profile: {START}",
        code="missing-tools",
        exit_code=ExitCode.FAILED,
    )


def denied(url: str, reason: str, *, with_token: bool) -> CredentialsError:
    if with_token:
        message = f"The Akosha server at {url} refused the token in {TOKEN} ({reason})."
    else:
        message = f"The Akosha server at {url} wants a token, and {TOKEN} is not set ({reason})."
    return CredentialsError(message, hint=f"export {TOKEN}=...")


def web_page(url: str) -> DeliveryError:
    return DeliveryError(
        f"{url} answered with a web page: a captive portal, or another program on that port.",
        hint="Open it in a browser; if it is no Akosha server, set akosha_http_url.",
        code="web-page",
        retryable=True,
    )


def redirected(url: str, target: str) -> DeliveryError:
    return DeliveryError(
        f"{url} sends elsewhere, to {target or 'nowhere'}; nothing was sent there.",
        hint="If that is your Akosha server, set akosha_http_url to it.",
        code="redirect",
    )


def status(url: str, code: int, excerpt: str, *, with_token: bool) -> Exception:
    """The failure that an HTTP status means; `excerpt` is the beginning of the body."""
    said = f"HTTP {code}: {excerpt}" if excerpt else f"HTTP {code}"
    if code in _DENIED:
        return denied(url, said, with_token=with_token)
    if code == _NOT_FOUND:
        return DeliveryError(
            f"There is no MCP server at {url} ({said}).",
            hint="Set akosha_http_url to the Akosha server.",
            code="not-found",
        )
    return DeliveryError(
        f"{url} answered {said}.",
        code="rate-limited" if code == _TOO_MANY else f"http-{code}",
        retryable=code in _PASSING,
    )


def transport(url: str, error: urllib3.exceptions.HTTPError) -> DeliveryError:
    """The failure that an exception of urllib3 means."""
    from urllib3 import exceptions

    if isinstance(error, exceptions.SSLError):
        return DeliveryError(
            f"{url} has no certificate that can be trusted: {_cause(error)}.",
            hint="For a private authority set akosha_ca_file.",
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
        return DeliveryError(f"{url} did not answer in time.", code="timeout", retryable=True)
    return DeliveryError(
        f"The connection to {url} broke: {_cause(error)}.", code="connection", retryable=True
    )


def _no_connection(error: urllib3.exceptions.HTTPError) -> str:
    """Why there is no connection; empty where there was one."""
    from urllib3 import exceptions

    if isinstance(error, exceptions.ProxyError):
        return f"the proxy failed: {_cause(error)}"
    if isinstance(error, exceptions.NameResolutionError):
        return "its name is not known"
    if isinstance(error, exceptions.NewConnectionError):  # a subclass of the next
        return _cause(error)
    return "no connection in time" if isinstance(error, exceptions.ConnectTimeoutError) else ""


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    while error not in found:
        found.append(error)
        reason = getattr(error, "reason", None)
        inner = reason if isinstance(reason, BaseException) else error.__cause__
        error = inner or error.__context__ or error
    return found


def _errno(error: BaseException) -> int | None:
    numbers = [each.errno for each in _chain(error) if isinstance(each, OSError) and each.errno]
    return numbers[-1] if numbers else None


def _cause(error: BaseException) -> str:
    """The system's own words where there are some: urllib3's hold object addresses."""
    number = _errno(error)
    if number is not None and number in errno.errorcode:
        return os.strerror(number).lower()
    return str(_chain(error)[-1]).strip() or type(error).__name__
