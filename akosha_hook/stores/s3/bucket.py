"""The one adapter over minio-py: the calls we make on a bucket, each retried and classified.

minio-py's `put_object` cannot resume and hides the cause when an abort is denied, so the multipart
calls of its 7.2 line are used directly; they are private, which is why the version is pinned.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from minio.datatypes import Part as MinioPart

from akosha_hook.errors import DeliveryError
from akosha_hook.stores.s3.bounded import read_stored
from akosha_hook.stores.s3.failures import SYNC_FAILED, classify, endless
from akosha_hook.util.clock import MAX_EPOCH

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from minio import Minio

    from akosha_hook.state.receipt import Part
    from akosha_hook.util.retry import RetryPolicy

T = TypeVar("T")

PAGE = 1000
# Decades of uploads, and some 300 MB of memory: a longer listing is a server that never ends it.
MAX_LISTED = 1_000_000
MAX_PART_NUMBER = 10_000
MAX_OBJECT_BYTES = 10**15
_MD5 = re.compile(r"^[0-9a-f]{32}$")
_MULTIPART_ETAG = re.compile(r"^[0-9a-f]{32}-(\d+)$")


@dataclass(frozen=True, slots=True)
class Head:
    """What HEAD says of an object: stored size in bytes, ETag (may be empty), user metadata."""

    size: int
    etag: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Listed:
    """An object in a listing; `modified` is epoch seconds."""

    key: str
    size: int
    modified: float


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A multipart upload that is neither completed nor aborted; `started` is epoch seconds."""

    key: str
    multipart_id: str
    started: float


class Bucket:
    """A bucket as we use it. Every call retries under the policy and raises DeliveryError."""

    def __init__(
        self,
        client: Minio,
        name: str,
        retry: RetryPolicy,
        *,
        encrypted: bool = False,
        multipart_etag_is_md5: bool = True,
        failed: str = SYNC_FAILED,
    ) -> None:
        self._client = client
        self.name = name
        self._retry = retry
        # With KMS an ETag has MD5 form and is something else.
        self.encrypted = encrypted
        self.multipart_etag_is_md5 = multipart_etag_is_md5
        self._failed = failed

    def put(self, key: str, data: bytes, headers: Mapping[str, str]) -> str:
        """PutObject; the ETag, or "" where the server gives none."""
        result = self._call(
            f"storing {key}",
            lambda: self._client._put_object(self.name, key, data, dict(headers)),
        )
        return _etag(result.etag)

    def create_multipart(
        self,
        key: str,
        headers: Mapping[str, str],
        *,
        on_repeat: Callable[[], None] | None = None,
    ) -> str:
        """CreateMultipartUpload; its upload id.

        `on_repeat` is called before a second try: the first may have begun an upload unheard.
        """
        tries = 0

        def request() -> str:
            nonlocal tries
            tries += 1
            if tries > 1 and on_repeat:
                on_repeat()
            return _some(
                self._client._create_multipart_upload(self.name, key, dict(headers)),
                "upload id in the answer",
            )

        return self._call(f"starting the upload of {key}", request)

    def put_part(self, key: str, multipart_id: str, number: int, data: bytes, md5: str) -> str:
        """UploadPart; the ETag. One that has MD5 form must be `md5`, the part's own."""

        def request() -> str:
            etag = _etag(
                self._client._upload_part(
                    self.name, key, data, _content_md5(md5), multipart_id, number
                )
            )
            if _MD5.match(etag) and etag != md5 and not self.encrypted:
                raise DeliveryError(
                    f"Part {number} of {key} arrived damaged.", code="BadDigest", retryable=True
                )
            return etag or md5

        return self._call(f"sending part {number} of {key}", request)

    def complete_multipart(self, key: str, multipart_id: str, parts: Sequence[Part]) -> None:
        """CompleteMultipartUpload. A doubtful answer is settled by the caller's HEAD."""
        listed = [MinioPart(part.number, part.etag) for part in parts]

        def request() -> None:
            result = self._client._complete_multipart_upload(self.name, key, multipart_id, listed)
            # S3 may answer 200 and then an error document, which minio-py reads as a result.
            _some(result.object_name or _etag(result.etag), "result in the answer")

        self._call(f"completing {key}", request)

    def abort_multipart(self, key: str, multipart_id: str) -> None:
        self._call(
            f"aborting an upload of {key}",
            lambda: self._client._abort_multipart_upload(self.name, key, multipart_id),
        )

    def list_parts(self, key: str, multipart_id: str) -> dict[int, tuple[int, str]]:
        """ListParts, all pages: size in bytes and ETag by part number."""
        found: dict[int, tuple[int, str]] = {}
        marker: str | None = None
        while True:
            page = self._call(
                f"listing the parts of {key}",
                partial(
                    self._client._list_parts,
                    self.name,
                    key,
                    multipart_id,
                    part_number_marker=marker,
                ),
            )
            before = len(found)
            found |= {
                int(part.part_number): (int(part.size or 0), _etag(part.etag))
                for part in page.parts
            }
            if not page.is_truncated or not page.parts:
                return found
            if len(found) == before or len(found) > MAX_PART_NUMBER:
                raise self._endless(f"listing the parts of {key}")
            marker = str(page.next_part_number_marker or page.parts[-1].part_number)

    def unfinished(self, prefix: str) -> list[Unfinished]:
        """ListMultipartUploads below `prefix`, all pages; MinIO finds them by exact key only."""
        found: list[Unfinished] = []
        key_marker: str | None = None
        id_marker: str | None = None
        while True:
            page = self._call(
                "listing unfinished uploads",
                partial(
                    self._client._list_multipart_uploads,
                    self.name,
                    prefix=prefix,
                    key_marker=key_marker,
                    upload_id_marker=id_marker,
                    max_uploads=PAGE,
                ),
            )
            found += [
                Unfinished(
                    str(each.object_name),
                    str(each.upload_id),
                    _moment(each.initiated_time),
                )
                for each in page.uploads
            ]
            if not page.is_truncated or not page.uploads:
                return found
            if len(found) > MAX_LISTED:
                raise self._endless("listing unfinished uploads")
            key_marker, id_marker = page.next_key_marker, page.next_upload_id_marker

    def head(self, key: str) -> Head | None:
        """HeadObject; None where the object is not there."""

        def request() -> Head:
            found = self._client.stat_object(self.name, key)
            metadata = {
                name.lower().removeprefix("x-amz-meta-"): value
                for name, value in (found.metadata or {}).items()
            }
            return Head(_size(found.size), _etag(found.etag), metadata)

        try:
            return self._call(f"looking at {key}", request)
        except DeliveryError as error:
            if error.code in {"NoSuchKey", "NoSuchObject", "HTTP404"}:
                return None
            raise

    def get(self, key: str, *, limit: int) -> bytes | None:
        """A small object's stored bytes, at most `limit`; None where it is not there."""
        try:
            return self._call(f"reading {key}", lambda: self._read(key, 0, limit))
        except DeliveryError as error:
            if error.code in {"NoSuchKey", "NoSuchObject", "HTTP404"}:
                return None
            if error.code in {"InvalidRange", "HTTP416"}:
                return b""  # an empty object has no first byte
            raise

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """`length` stored bytes of an object from `offset`, never decoded."""

        def request() -> bytes:
            data = self._read(key, offset, length)
            if len(data) != length:
                raise DeliveryError(f"{key} ended early.", code="IncompleteBody", retryable=True)
            return data

        return self._call(f"reading {key}", request)

    def _read(self, key: str, offset: int, length: int) -> bytes:
        # http.client asks for the identity encoding by itself, unsigned: Google rewrites that header.
        # Content-Encoding is ours to undo: decoding a range of a gzip object would fail.
        response = self._client.get_object(
            self.name,
            key,
            offset=offset,
            length=length,
        )
        try:
            return read_stored(response, length, self._retry.deadline)
        finally:
            response.close()
            response.release_conn()

    def objects(self, prefix: str, *, start_after: str = "") -> Iterator[Listed]:
        """Every object below `prefix`, in key order."""
        last = start_after
        for _ in range(MAX_LISTED // PAGE):
            page = self._call("listing the bucket", partial(self._page, prefix, last))
            yield from page
            if len(page) < PAGE:
                return
            last = page[-1].key
        raise self._endless("listing the bucket")

    def _page(self, prefix: str, start_after: str) -> list[Listed]:
        # A generator that has raised is spent: every page, and every retry, starts a new one.
        found = self._client.list_objects(
            self.name, prefix=prefix, recursive=True, start_after=start_after or None
        )
        return [
            Listed(
                str(each.object_name),
                _size(each.size),
                _moment(each.last_modified),
            )
            for each in itertools.islice(found, PAGE)
        ]

    def prefixes(self, prefix: str) -> list[str]:
        """The "folders" directly below `prefix`, each ending in a slash."""

        def request() -> list[str]:
            found = self._client.list_objects(self.name, prefix=prefix, recursive=False)
            names = [
                str(each.object_name) for each in itertools.islice(found, MAX_LISTED) if each.is_dir
            ]
            if next(found, None) is not None:
                raise endless("listing the bucket")
            return names

        return self._call("listing the bucket", request)

    def delete(self, key: str) -> None:
        self._call(f"deleting {key}", lambda: self._client.remove_object(self.name, key))

    def _endless(self, what: str) -> DeliveryError:
        return classify(endless(what), what=what, failed=self._failed)

    def _call(self, what: str, request: Callable[[], T]) -> T:
        def once() -> T:
            try:
                return request()
            except Exception as error:
                raise classify(error, what=what, failed=self._failed) from error

        return self._retry.call(once)


def multipart_etag(parts: Sequence[Part]) -> str:
    """The ETag S3 gives an object of these parts: MD5 of the parts' MD5s, and their number."""
    joined = b"".join(bytes.fromhex(part.md5) for part in parts)
    return f"{hashlib.md5(joined, usedforsecurity=False).hexdigest()}-{len(parts)}"


def is_multipart_etag(etag: str, count: int) -> bool:
    found = _MULTIPART_ETAG.match(etag)
    return bool(found and int(found.group(1)) == count)


def is_md5(etag: str) -> bool:
    return bool(_MD5.match(etag))


def _content_md5(md5: str) -> dict[str, str | list[str] | tuple[str]]:
    return {"Content-MD5": base64.b64encode(bytes.fromhex(md5)).decode()}


def _size(value: object) -> int:
    """A size in bytes; raises ValueError for one that no object has."""
    size = int(str(value or 0))
    if not 0 <= size <= MAX_OBJECT_BYTES:
        raise ValueError("no size")
    return size


def _moment(value: dt.datetime | None) -> float:
    """Epoch seconds, 0 where the server does not say, or says what no calendar has."""
    moment = value.timestamp() if value else 0.0
    return moment if 0 <= moment <= MAX_EPOCH else 0.0


def _etag(value: object) -> str:
    return str(value or "").strip('"')


def _some(value: str | None, what: str) -> str:
    if not value:
        raise ValueError(f"no {what}")
    return value
