"""HTTP as minio-py asks for it, bounded: bodies in pieces, answers of a sane size, all in time."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import urllib3

from akosha_hook.errors import DeadlinePassedError
from akosha_hook.stores.s3.failures import NotS3Error, TooLongError, UnsafeDocumentError

if TYPE_CHECKING:
    from collections.abc import Callable

    from akosha_hook.util.retry import Deadline

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
# A page of 1000 keys of 1024 bytes fits.
MAX_DOCUMENT_BYTES = 4 * 1024 * 1024
# Parsed, an element or an attribute takes a hundred times what it takes in the document. A page of
# 1000 uploads with owner and initiator has some 40,000 tags.
MAX_TAGS = 100_000
MAX_ATTRIBUTES = 50_000
MAX_ERROR_BYTES = 64 * 1024
PIECE_BYTES = 1024 * 1024
OK = 200
SUCCESS = frozenset({200, 204, 206})
HTML = "text/html"


class _Body(io.BytesIO):
    """A request body read in pieces, so that the deadline can cut it and timeouts are per piece.

    A socket's timeout covers all of one `sendall`: a whole part in one piece would have to leave
    within the connect timeout.
    """

    def __init__(self, data: bytes, deadline: Deadline, sent: Callable[[int], None] | None) -> None:
        super().__init__(data)
        self._deadline = deadline
        self._sent = sent

    def read(self, size: int | None = -1, /) -> bytes:
        if self._deadline.passed:
            raise DeadlinePassedError(self._deadline.seconds)
        piece = super().read(size)
        if self._sent and piece:
            self._sent(len(piece))
        return piece


class BoundedHttp:
    """Stands in for minio-py's pool.

    What minio-py would read whole is read here, up to a limit; only the body of an object is left
    to its reader, who takes no more than was asked for.
    """

    def __init__(
        self,
        pool: urllib3.PoolManager,
        deadline: Deadline,
        sent: Callable[[int], None] | None,
        *,
        max_document: int = MAX_DOCUMENT_BYTES,
    ) -> None:
        self._pool = pool
        self._deadline = deadline
        self._sent = sent
        self._max_document = max_document

    def urlopen(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        *,
        preload_content: bool = True,
        **options: Any,
    ) -> Any:
        """One request, never repeated or redirected; HTML in a success is an error."""
        left = self._deadline.remaining
        if left <= 0:
            raise DeadlinePassedError(self._deadline.seconds)
        timeout = urllib3.Timeout(connect=min(CONNECT_SECONDS, left), read=min(READ_SECONDS, left))
        stream = _Body(body, self._deadline, self._sent) if body else None
        response = self._pool.urlopen(
            method,
            url,
            body=stream,
            timeout=timeout,
            retries=False,
            redirect=False,
            preload_content=False,
            **options,
        )
        if response.status == OK and response.headers.get("Content-Type", "").startswith(HTML):
            # A captive portal: minio-py takes any 200 to a PUT for a success.
            response.close()
            raise NotS3Error(response.status)
        if not preload_content and response.status in SUCCESS:
            return response
        return self._whole(response, method)

    def _whole(self, response: urllib3.BaseHTTPResponse, method: str) -> urllib3.HTTPResponse:
        limit = self._max_document if response.status in SUCCESS else MAX_ERROR_BYTES
        try:
            data = read_stored(response, limit + 1, self._deadline)
        except BaseException:
            response.close()
            raise
        if len(data) > limit:
            response.close()
            raise TooLongError(response.status)
        if is_bomb(data):
            response.close()
            raise UnsafeDocumentError
        response.release_conn()
        return urllib3.HTTPResponse(
            body=io.BytesIO(data),
            headers=response.headers,
            status=response.status,
            reason=response.reason,
            preload_content=False,
            decode_content=False,
            enforce_content_length=False,
            request_method=method,
        )

    def clear(self) -> None:
        self._pool.clear()


def is_bomb(document: bytes) -> bool:
    """Whether parsing an XML document could take far more memory than it has bytes.

    S3 never sends a DOCTYPE, which is where entities are declared. Zero bytes are looked past:
    in UTF-16 and UTF-32 they stand between the letters.
    """
    letters = document.replace(b"\0", b"")
    return (
        b"<!DOCTYPE" in letters
        or b"<!ENTITY" in letters
        or letters.count(b"<") > MAX_TAGS
        or letters.count(b"=") > MAX_ATTRIBUTES
    )


def read_stored(response: urllib3.BaseHTTPResponse, limit: int, deadline: Deadline) -> bytes:
    """Up to `limit` bytes of a body as they came, never decoded; raises DeadlinePassedError.

    In pieces, since a server that sends a byte a minute never runs into a timeout.
    """
    pieces: list[bytes] = []
    left = limit
    while left:
        if deadline.passed:
            raise DeadlinePassedError(deadline.seconds)
        piece = response.read1(min(left, PIECE_BYTES), decode_content=False)
        if not piece:
            break
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)
