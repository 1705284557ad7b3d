"""The one adapter over minio-py: the requests we make of a bucket, each retried and classified.

minio-py's `put_object` cannot resume and hides the cause when an abort is denied, so the multipart
calls of its 7.2 line are used directly; they are private, which is why the version is pinned.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from minio.commonconfig import CopySource
from minio.datatypes import Part as MinioPart

from akosha_hook.errors import DeliveryError, Kind
from akosha_hook.stores.base import SYNC_FAILED, Info, Listed, Unfinished
from akosha_hook.stores.s3 import answers
from akosha_hook.stores.s3.bounded import read_stored
from akosha_hook.stores.s3.etag import is_md5
from akosha_hook.stores.s3.failures import (
    DamagedPartError,
    EndlessError,
    classify,
    verification_failed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from minio import Minio

    from akosha_hook.state.receipt import Part
    from akosha_hook.util.retry import RetryPolicy

T = TypeVar("T")

PAGE = 1000
# Decades of uploads, and some 300 MB of memory: a longer listing is a server that never ends it.
MAX_LISTED = 1_000_000
MAX_PART_NUMBER = 10_000


class S3Client:
    """A bucket as we use it. Every call retries under the policy and raises DeliveryError."""

    def __init__(
        self,
        client: Minio,
        name: str,
        retry: RetryPolicy,
        *,
        encrypted: bool = False,
        multipart_etag_is_md5: bool = True,
        subject: str = SYNC_FAILED,
    ) -> None:
        self._client = client
        self.name = name
        self._retry = retry
        # With KMS an ETag has MD5 form and is something else.
        self.encrypted = encrypted
        self.multipart_etag_is_md5 = multipart_etag_is_md5
        self._subject = subject

    def create_bucket(self) -> None:
        """CreateBucket, in the region of the settings."""
        self._call("creating the bucket", lambda: self._client.make_bucket(self.name))

    def put(self, key: str, data: bytes, headers: Mapping[str, str]) -> str:
        """PutObject; the ETag, or "" where the server gives none."""
        if "x-amz-object-lock-mode" in headers and "Content-MD5" not in headers:
            # S3 takes a retention only with a checksum of the body.
            headers = {**headers, "Content-MD5": _base64_md5(data)}
        result = self._call(
            f"storing {key}",
            lambda: self._client._put_object(self.name, key, data, dict(headers)),
        )
        return answers.etag(result.etag)

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
            return answers.some(
                self._client._create_multipart_upload(self.name, key, dict(headers)),
                "upload id in the answer",
            )

        return self._call(f"starting the upload of {key}", request)

    def put_part(self, key: str, multipart_id: str, number: int, data: bytes, md5: str) -> str:
        """UploadPart; the ETag. One that has MD5 form must be `md5`, the part's own."""

        def request() -> str:
            etag = answers.etag(
                self._client._upload_part(
                    self.name, key, data, _content_md5(md5), multipart_id, number
                )
            )
            if is_md5(etag) and etag != md5 and not self.encrypted:
                raise DamagedPartError("BadDigest", f"part {number} of {key} arrived damaged")
            return etag or md5

        return self._call(f"sending part {number} of {key}", request)

    def complete_multipart(self, key: str, multipart_id: str, parts: Sequence[Part]) -> None:
        """CompleteMultipartUpload. An ambiguous answer is settled by the caller's HEAD."""
        listed = [MinioPart(part.number, part.etag) for part in parts]

        def request() -> None:
            result = self._client._complete_multipart_upload(self.name, key, multipart_id, listed)
            # S3 may answer 200 and then an error document, which minio-py reads as a result.
            answers.some(result.object_name or answers.etag(result.etag), "result in the answer")

        self._call(f"completing {key}", request)

    def abort_multipart(self, key: str, multipart_id: str) -> None:
        self._call(
            f"aborting an upload of {key}",
            lambda: self._client._abort_multipart_upload(self.name, key, multipart_id),
        )

    def list_parts(self, key: str, multipart_id: str) -> dict[int, tuple[int, str]]:
        """ListParts, all pages: size in bytes and ETag by part number."""
        parts: dict[int, tuple[int, str]] = {}
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
            before = len(parts)
            parts |= {
                int(part.part_number): (int(part.size or 0), answers.etag(part.etag))
                for part in page.parts
            }
            if not page.is_truncated or not page.parts:
                return parts
            if len(parts) == before or len(parts) > MAX_PART_NUMBER:
                raise self._failure(EndlessError(), f"listing the parts of {key}")
            marker = str(page.next_part_number_marker or page.parts[-1].part_number)

    def unfinished(self, prefix: str) -> tuple[Unfinished, ...]:
        """ListMultipartUploads below `prefix`, all pages; MinIO finds them by exact key only."""
        uploads: list[Unfinished] = []
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
            uploads += [
                Unfinished(
                    str(each.object_name),
                    str(each.upload_id),
                    answers.moment(each.initiated_time),
                )
                for each in page.uploads
            ]
            if not page.is_truncated or not page.uploads:
                return tuple(uploads)
            if len(uploads) > MAX_LISTED:
                raise self._failure(EndlessError(), "listing unfinished uploads")
            key_marker, id_marker = page.next_key_marker, page.next_upload_id_marker

    def head(self, key: str) -> Info | None:
        """HeadObject; None where the object is not there."""

        def request() -> Info:
            status = self._client.stat_object(self.name, key)
            metadata = {
                name.lower().removeprefix("x-amz-meta-"): value
                for name, value in (status.metadata or {}).items()
            }
            return Info(answers.size(status.size), answers.etag(status.etag), metadata)

        try:
            return self._call(f"looking at {key}", request, reads=True)
        except DeliveryError as error:
            if error.kind is Kind.MISSING:
                return None
            raise

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """Up to `length` stored bytes of an object from `offset`, never decoded.

        Empty behind the object's end. An answer that breaks off is asked for again.
        """
        try:
            return self._call(
                f"reading {key}", partial(self._read, key, offset, length), reads=True
            )
        except DeliveryError as error:
            if error.kind is Kind.OUT_OF_RANGE:
                return b""
            raise

    def _read(self, key: str, offset: int, length: int) -> bytes:
        # http.client asks for the identity encoding by itself, unsigned: Google rewrites that header.
        # Content-Encoding is ours to undo: decoding a range of a gzip object would fail.
        response = self._client.get_object(self.name, key, offset=offset, length=length)
        try:
            data = read_stored(response, length, self._retry.deadline)
        finally:
            response.close()
            response.release_conn()
        total = answers.total(response.headers)
        if total is None and len(data) < length:
            # The end of the object, or of the connection?
            total = self._client.stat_object(self.name, key).size
        if total is not None and len(data) != min(length, max(0, total - offset)):
            raise DamagedPartError("IncompleteBody", f"{key} ended early")
        return data

    def copy(self, key: str, to: str) -> None:
        """CopyObject, with UploadPartCopy where S3's limit of 5 GiB is passed."""
        source = CopySource(self.name, key)
        self._call(f"copying {key}", lambda: self._client.copy_object(self.name, to, source))

    def objects(self, prefix: str, *, start_after: str = "") -> Iterator[Listed]:
        """Every object below `prefix`, in key order."""
        last = start_after
        for _ in range(MAX_LISTED // PAGE):
            page = self._call("listing the bucket", partial(self._page, prefix, last))
            yield from page
            if len(page) < PAGE:
                return
            last = page[-1].key
        raise self._failure(EndlessError(), "listing the bucket")

    def _page(self, prefix: str, start_after: str) -> list[Listed]:
        # A generator that has raised is spent: every page, and every retry, starts a new one.
        entries = self._client.list_objects(
            self.name, prefix=prefix, recursive=True, start_after=start_after or None
        )
        return [
            Listed(
                str(each.object_name),
                answers.size(each.size),
                answers.moment(each.last_modified),
            )
            for each in itertools.islice(entries, PAGE)
        ]

    def prefixes(self, prefix: str, *, start_after: str = "") -> Iterator[Listed]:
        """What is directly below `prefix`: objects, and "folders" that end in a slash."""

        def request() -> list[Listed]:
            entries = self._client.list_objects(
                self.name, prefix=prefix, recursive=False, start_after=start_after or None
            )
            listed = [
                Listed(
                    str(each.object_name),
                    answers.size(each.size),
                    answers.moment(each.last_modified),
                    each.is_dir,
                )
                for each in itertools.islice(entries, MAX_LISTED)
            ]
            if next(entries, None) is not None:
                raise EndlessError
            # minio-py gives what lies in folders after the objects of the same page.
            return sorted(listed, key=lambda each: each.key)

        yield from self._call("listing the bucket", request)

    def delete(self, key: str) -> None:
        self._call(f"deleting {key}", lambda: self._client.remove_object(self.name, key))

    def damaged(self, reason: str) -> DeliveryError:
        """What is stored is not what was sent."""
        return verification_failed(self._subject, reason)

    def _failure(self, error: Exception, what: str, *, reads: bool = False) -> DeliveryError:
        return classify(error, what=what, subject=self._subject, reads=reads)

    def _call(self, what: str, request: Callable[[], T], *, reads: bool = False) -> T:
        def once() -> T:
            try:
                return request()
            except Exception as error:
                raise self._failure(error, what, reads=reads) from error

        return self._retry.call(once)


def _base64_md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def _content_md5(md5: str) -> dict[str, str | list[str] | tuple[str]]:
    return {"Content-MD5": base64.b64encode(bytes.fromhex(md5)).decode()}
