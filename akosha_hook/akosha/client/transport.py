"""HTTP to one Akosha server: bounded responses, no redirect to another host, errors by kind."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from akosha_hook.akosha.client import failures
from akosha_hook.errors import DeadlinePassedError, DeliveryError
from akosha_hook.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import urllib3

    from akosha_hook.util.retry import Deadline
    from akosha_hook.util.secret import Secret

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
# The largest that an honest server gives is 10 MB: 500 errors that each quote a row of 10,000
# characters, twice. Decoded, an answer takes several times its size.
MAX_ANSWER_BYTES = 10 * 1_048_576
MAX_REDIRECTS = 3
EXCERPT = 200
_CHUNK = 65_536
# After 301 and 302 many clients repeat a POST as a GET, so only these two are safe to follow.
_SAME_METHOD = frozenset({307, 308})
_REDIRECTS = range(300, 400)


def base_of(url: str) -> str:
    """The server's URL without `/mcp` and trailing slashes."""
    return url.strip().rstrip("/").removesuffix("/mcp").rstrip("/")


@dataclass(frozen=True, slots=True)
class Response:
    """A response whose body has not been read yet. Header names are lower-case."""

    url: str
    status: int
    headers: Mapping[str, str]
    _raw: urllib3.BaseHTTPResponse
    _deadline: Deadline

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def chunks(self) -> Iterator[bytes]:
        """The body as it arrives.

        Raises DeliveryError where it is too large or breaks off, DeadlinePassedError where it is
        too slow.
        """
        from urllib3.exceptions import HTTPError

        if self.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise failures.BadAnswerError(self.url, "in an encoding that was not asked for")
        size = 0
        while True:
            if self._deadline.passed:
                raise DeadlinePassedError(self._deadline.seconds)
            try:
                chunk = self._raw.read1(_CHUNK, decode_content=False)
            except HTTPError as error:
                raise failures.no_response(self.url, error) from error
            if not chunk:
                return
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                raise failures.BadAnswerError(
                    self.url, f"with more than {MAX_ANSWER_BYTES:,} bytes"
                )
            yield chunk

    def body(self) -> bytes:
        return b"".join(self.chunks())

    def excerpt(self) -> str:
        """The beginning of the body on one line, for a message."""
        with contextlib.suppress(DeliveryError):
            for chunk in self.chunks():
                return " ".join(chunk[:EXCERPT].decode("utf-8", "replace").split())
        return ""


@dataclass(slots=True)
class Transport:
    """Sends requests to the server at `base`; `token` never goes to another host.

    `token_withheld` says that there is a token, and that this server is not to get it.
    """

    base: str
    pool: urllib3.PoolManager
    token: Secret | None
    deadline: Deadline
    token_withheld: bool = False
    bytes_sent: int = field(default=0)

    @contextlib.contextmanager
    def open(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Iterator[Response]:
        """Send a request; redirects within the server are followed.

        A response of any status is returned. Raises DeliveryError where there is none.
        """
        url = self.base + path
        for _ in range(MAX_REDIRECTS):
            response = self._send(method, url, headers or {}, body)
            try:
                if response.status not in _REDIRECTS:
                    yield response
                    return
                target = _target(url, response.headers.get("location", ""))
            finally:
                response._raw.close()  # a stream may never end
            may_follow = method == "GET" or response.status in _SAME_METHOD
            if not may_follow or _origin(target) != _origin(self.base):
                raise failures.redirected(url, target)
            url = target
        raise failures.redirected(self.base + path, url)

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Response:
        import urllib3
        from urllib3.exceptions import HTTPError

        remaining = self.deadline.remaining
        if remaining <= 0:
            raise DeadlinePassedError(self.deadline.seconds)
        all_headers = {
            "User-Agent": f"akosha-hook/{__version__}",
            "Accept-Encoding": "identity",
            **headers,
        }
        if self.token is not None:
            all_headers["Authorization"] = f"Bearer {self.token.reveal()}"
        self.bytes_sent += len(body or b"")
        try:
            raw = self.pool.request(
                method,
                url,
                body=body,
                headers=all_headers,
                preload_content=False,
                redirect=False,
                retries=False,
                timeout=urllib3.Timeout(
                    connect=min(CONNECT_SECONDS, remaining), read=min(READ_SECONDS, remaining)
                ),
            )
        except HTTPError as error:
            raise failures.no_response(self.base, error) from error
        lower_headers = {name.lower(): value for name, value in raw.headers.items()}
        return Response(self.base, raw.status, lower_headers, raw, self.deadline)


def _target(url: str, location: str) -> str:
    """Where a redirect leads; "" where it leads to no URL."""
    try:
        target = urljoin(url, location)
        _origin(target)
    except ValueError:
        return ""
    return target


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname, port
