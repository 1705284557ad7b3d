"""A bucket of any S3 as an ObjectStore."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

from akosha_hook.errors import DeliveryError, Kind
from akosha_hook.format import pack
from akosha_hook.state.journal import Journal
from akosha_hook.state.receipt import PartialUpload
from akosha_hook.stores.base import Description
from akosha_hook.stores.s3.exclusive import store_new
from akosha_hook.stores.s3.multipart import ObjectPlan, part_size_for, store
from akosha_hook.stores.s3.unfinished import abort, abort_one

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import TracebackType

    from akosha_hook.stores.base import Content, Info, Listed, Stored, Unfinished
    from akosha_hook.stores.s3.client import S3Client

RANGE_BYTES = 4 * 1024 * 1024
DELETERS = 8
# Without no-transform, Google's storage unpacks such objects for whoever reads them.
_COMPRESSED = {"Content-Encoding": "gzip", "Cache-Control": "no-transform"}


class S3Store:
    """A bucket, by the requests of `client`.

    `headers` are sent with every new object; `part_size` is in bytes, and `parallel` says how many
    parts are sent at once.
    """

    def __init__(
        self,
        client: S3Client,
        *,
        location: str,
        headers: Mapping[str, str],
        part_size: int,
        parallel: int,
    ) -> None:
        self._client = client
        self._location = location
        self._headers = dict(headers)
        self._part_size = part_size
        self._parallel = parallel

    def describe(self) -> Description:
        return Description("bucket", self._client.name, self._location)

    def put(
        self, key: str, content: Content, journal: Journal | None = None, *, only_new: bool = False
    ) -> Stored:
        if only_new:
            data = b"".join(content.chunks())
            return store_new(self._client, key, data, self._headers_of(content))
        size = part_size_for(content.size, self._part_size)
        plan = ObjectPlan(
            key,
            self._headers_of(content),
            content.codec,
            content.sha256,
            size,
            lambda: pack.parts(content.chunks(), size),
        )
        return store(self._client, plan, parallel=self._parallel, journal=journal or Journal(None))

    def _headers_of(self, content: Content) -> dict[str, str]:
        return {
            "Content-Type": content.media_type,
            **{f"x-amz-meta-{name}": value for name, value in content.metadata.items()},
            **(_COMPRESSED if content.encoding == "gzip" else {}),
            **self._headers,
        }

    def open(self, key: str, start: int = 0, end: int | None = None) -> S3Reader:
        return S3Reader(self._client, key, start, end)

    def stat(self, key: str) -> Info | None:
        return self._client.head(key)

    def list(self, prefix: str, *, start_after: str = "", delimiter: str = "") -> Iterator[Listed]:
        if delimiter:
            return self._client.prefixes(prefix, start_after=start_after)
        return self._client.objects(prefix, start_after=start_after)

    def copy(self, key: str, to: str) -> None:
        self._client.copy(key, to)

    def delete(self, keys: Iterable[str]) -> None:
        waiting = iter(keys)
        # The first alone: where deleting is denied, one refusal is enough.
        for key in itertools.islice(waiting, 1):
            self._client.delete(key)
        with ThreadPoolExecutor(DELETERS, thread_name_prefix="delete") as pool:
            for _ in pool.map(self._client.delete, waiting):
                pass

    def unfinished(self, prefix: str) -> tuple[Unfinished, ...]:
        try:
            return self._client.unfinished(prefix)
        except DeliveryError as error:
            if error.kind is Kind.STALE:
                return ()  # rclone's answer for a bucket that never had one
            raise

    def abort(self, upload: PartialUpload | Unfinished) -> str:
        if isinstance(upload, PartialUpload):
            return abort(self._client, upload)
        return abort_one(self._client, upload.key, upload.multipart_id)


class S3Reader:
    """The bytes of an object, asked for in ranges as they are read; each range is retried."""

    def __init__(self, client: S3Client, key: str, start: int, end: int | None) -> None:
        self._client = client
        self._key = key
        self._next = start
        self._end = end
        self._left = memoryview(b"")

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self.read(RANGE_BYTES), b""))
        if not self._left:
            self._left = memoryview(self._fetch())
        piece, self._left = bytes(self._left[:size]), self._left[size:]
        return piece

    def _fetch(self) -> bytes:
        length = RANGE_BYTES if self._end is None else min(RANGE_BYTES, self._end - self._next)
        if length <= 0:
            return b""
        data = self._client.get_range(self._key, self._next, length)
        self._next += len(data)
        if len(data) < length:
            self._end = self._next
        return data

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        self._left = memoryview(b"")
