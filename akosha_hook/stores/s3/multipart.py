"""Storing one object: a single PUT when it fits in a part, else a resumable multipart upload."""

from __future__ import annotations

import hashlib
import logging
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook.errors import DeadlinePassedError, DeliveryError
from akosha_hook.state.receipt import Part, PartialUpload
from akosha_hook.stores.s3.bucket import is_md5, is_multipart_etag, multipart_etag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from akosha_hook.stores.base import Journal
    from akosha_hook.stores.s3.bucket import Bucket

MAX_PARTS = 10_000
MIB = 1024 * 1024
_GONE = frozenset({"NoSuchUpload", "InvalidPart", "InvalidPartOrder", "EntityTooSmall"})
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ObjectPlan:
    """An object to be stored: its key, the headers it gets, and how its bytes are made.

    `parts()` yields the same parts every time. `codec` names what makes them so, `sha256` is of
    the plain bytes: together they say whether a partial upload can be continued.
    """

    key: str
    headers: Mapping[str, str]
    codec: str
    sha256: str
    part_size: int
    parts: Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Stored:
    """An object that is in the bucket. `verified` says how that was checked; `size` in bytes."""

    key: str
    size: int
    verified: str


def part_size_for(size: int, configured: int) -> int:
    """`configured`, or the whole number of MiB that keeps `size` within S3's 10,000 parts."""
    least = -(-size // MAX_PARTS)
    return max(configured, -(-least // MIB) * MIB)


def store(bucket: Bucket, plan: ObjectPlan, *, parallel: int, journal: Journal) -> Stored:
    """Store the object and verify it; continue what `journal` says was begun.

    Raises DeliveryError; what was stored until then is in the journal.
    """
    try:
        return _store_once(bucket, plan, parallel=parallel, journal=journal)
    except DeliveryError as error:
        if error.code not in _GONE:
            raise
        if found := _completed(bucket, plan, journal):
            return found
        # The server forgot the upload or its parts (R2 after 7 days, MinIO after 24 h).
        logger.info("Upload of %s cannot be continued (%s); starting over", plan.key, error.code)
        _forget(bucket, plan.key, journal)
        return _store_once(bucket, plan, parallel=parallel, journal=journal)


def _store_once(bucket: Bucket, plan: ObjectPlan, *, parallel: int, journal: Journal) -> Stored:
    stream = plan.parts()
    first = [next(stream)]
    if len(first[0]) < plan.part_size:
        _forget(bucket, plan.key, journal)
        etag = bucket.put(plan.key, first[0], plan.headers)
        return _verified_put(bucket, plan, first[0], etag)
    partial = _resumable(bucket, plan, journal)
    pending = _Sender(bucket, plan, partial, journal)
    with ThreadPoolExecutor(parallel, thread_name_prefix="part") as pool:
        pending.run(pool, parallel, _put_back(first, stream))
    parts = [partial.parts[number] for number in sorted(partial.parts)]
    stored = _complete(bucket, plan, partial, parts)
    if partial.doubtful:
        _abort_all(bucket, plan.key)
    journal.partial.pop(plan.key, None)
    journal.save()
    return stored


def _put_back(first: list[bytes], rest: Iterator[bytes]) -> Iterator[bytes]:
    """All the parts; none is kept that was handed on, so that it is freed once it is stored."""
    yield first.pop()
    yield from rest


class _Sender:
    """Sends parts with a bounded number in flight and writes down each one that is stored."""

    def __init__(
        self, bucket: Bucket, plan: ObjectPlan, partial: PartialUpload, journal: Journal
    ) -> None:
        self._bucket = bucket
        self._plan = plan
        self._partial = partial
        self._journal = journal

    def run(self, pool: ThreadPoolExecutor, parallel: int, stream: Iterator[bytes]) -> None:
        flying: deque[Future[Part]] = deque()
        failure: DeliveryError | None = None
        for number, data in enumerate(stream, start=1):
            if self._kept(number, data):
                continue
            flying.append(pool.submit(self._send, number, data))
            del data
            if len(flying) >= parallel:
                failure = self._land(flying)
                if failure:
                    break
        while flying:
            failure = self._land(flying) or failure
        if failure:
            raise failure

    def _kept(self, number: int, data: bytes) -> bool:
        """Whether the server already has this very part."""
        part = self._partial.parts.get(number)
        if part is None:
            return False
        if part.size == len(data) and part.md5 == _md5(data):
            return True
        del self._partial.parts[number]
        return False

    def _send(self, number: int, data: bytes) -> Part:
        md5 = _md5(data)
        etag = self._bucket.put_part(self._plan.key, self._partial.multipart_id, number, data, md5)
        return Part(number, len(data), etag, md5)

    def _land(self, flying: deque[Future[Part]]) -> DeliveryError | None:
        """Wait for the oldest part; its failure is returned so that the others still land."""
        try:
            part = flying.popleft().result()
        except DeliveryError as error:
            return error
        self._partial.parts[part.number] = part
        self._journal.save()
        logger.debug("Part %d of %s: %d bytes", part.number, self._plan.key, part.size)
        return None


def _resumable(bucket: Bucket, plan: ObjectPlan, journal: Journal) -> PartialUpload:
    """The upload to continue, its parts checked against the server's list; else a new one."""
    partial = journal.partial.get(plan.key)
    if partial is not None and partial.multipart_id and _fits(partial, plan):
        try:
            listed = bucket.list_parts(plan.key, partial.multipart_id)
        except DeliveryError as error:
            if error.code in _GONE or error.retryable:
                raise
            # ListParts may be denied: the ETags written down are trusted instead.
            logger.info("Cannot list the parts of %s (%s)", plan.key, error.code)
        else:
            partial.parts = {
                number: part
                for number, part in partial.parts.items()
                if listed.get(number) == (part.size, part.etag)
            }
        return partial
    if partial is not None:
        _forget(bucket, plan.key, journal)
    return _begin(bucket, plan, journal)


def _begin(bucket: Bucket, plan: ObjectPlan, journal: Journal) -> PartialUpload:
    """A new multipart upload, announced in the journal before the server is asked for it.

    Killed in between, nobody would know its id: the empty one has it looked for and aborted.
    """
    partial = PartialUpload(
        key=plan.key,
        multipart_id="",
        part_size=plan.part_size,
        codec=plan.codec,
        sha256=plan.sha256,
    )
    journal.partial[plan.key] = partial
    journal.save()

    def on_repeat() -> None:
        partial.doubtful = True

    partial.multipart_id = bucket.create_multipart(plan.key, plan.headers, on_repeat=on_repeat)
    journal.save()
    return partial


def _fits(partial: PartialUpload, plan: ObjectPlan) -> bool:
    return (partial.part_size, partial.codec, partial.sha256) == (
        plan.part_size,
        plan.codec,
        plan.sha256,
    )


def _forget(bucket: Bucket, key: str, journal: Journal) -> None:
    partial = journal.partial.get(key)
    if partial is not None:
        abort(bucket, partial)
        del journal.partial[key]
        journal.save()


def abort(bucket: Bucket, partial: PartialUpload) -> str | None:
    """Abort an upload of ours; a note where that is denied, None where it is gone.

    Raises DeliveryError where a later try may do it.
    """
    if partial.doubtful or not partial.multipart_id:
        return _abort_all(bucket, partial.key)
    return abort_one(bucket, partial.key, partial.multipart_id)


def _abort_all(bucket: Bucket, key: str) -> str | None:
    """Abort what is unfinished at `key`, which only our own upload ever uses."""
    try:
        found = bucket.unfinished(key)
    except DeliveryError as error:
        if error.retryable:
            raise
        if error.code == "NoSuchUpload":
            return None  # rclone's answer for a bucket that never had one
        logger.warning("Could not look for unfinished uploads of %s: %s", key, error.message)
        return f"unfinished uploads of {key} could not be looked for ({error.code})"
    notes = [abort_one(bucket, key, each.multipart_id) for each in found if each.key == key]
    return next((note for note in notes if note), None)


def abort_one(bucket: Bucket, key: str, multipart_id: str) -> str | None:
    """Abort one multipart upload; answers and raises as `abort` does."""
    try:
        bucket.abort_multipart(key, multipart_id)
    except DeliveryError as error:
        if error.retryable:
            raise
        if error.code == "NoSuchUpload":
            return None
        logger.warning("Could not abort the unfinished upload of %s: %s", key, error.message)
        return f"the unfinished upload of {key} could not be aborted ({error.code})"
    return None


def _complete(
    bucket: Bucket, plan: ObjectPlan, partial: PartialUpload, parts: list[Part]
) -> Stored:
    size = sum(part.size for part in parts)
    try:
        bucket.complete_multipart(plan.key, partial.multipart_id, parts)
    except DeadlinePassedError:
        raise
    except DeliveryError as error:
        # The request may have been carried out all the same: the object itself tells.
        settled = _look(bucket, plan.key)
        if settled is None or settled[0] != size:
            raise
        logger.info("%s was completed although the answer was %s", plan.key, error.code)
    return _verify(bucket, plan.key, size, multipart_etag(parts), count=len(parts))


def _completed(bucket: Bucket, plan: ObjectPlan, journal: Journal) -> Stored | None:
    """The object, where an earlier run completed it and never heard so."""
    partial = journal.partial.get(plan.key)
    if partial is None or not partial.parts:
        return None
    parts = [partial.parts[number] for number in sorted(partial.parts)]
    size = sum(part.size for part in parts)
    try:
        head = bucket.head(plan.key)
        if head is None or (head.size, head.metadata.get("sha256")) != (size, plan.sha256):
            return None
        stored = _verify(bucket, plan.key, size, multipart_etag(parts), count=len(parts))
    except DeliveryError as error:
        if error.retryable and error.code != "VerifyFailed":
            raise
        return None
    if partial.doubtful:
        _abort_all(bucket, plan.key)
    journal.partial.pop(plan.key)
    journal.save()
    return stored


def _verified_put(bucket: Bucket, plan: ObjectPlan, data: bytes, etag: str) -> Stored:
    expected = _md5(data)
    if etag == expected and not bucket.encrypted:
        return Stored(plan.key, len(data), "etag")
    return _verify(bucket, plan.key, len(data), expected, count=0)


def _look(bucket: Bucket, key: str) -> tuple[int, str] | None:
    try:
        head = bucket.head(key)
    except DeliveryError:
        return None
    return (head.size, head.etag) if head else None


def _verify(bucket: Bucket, key: str, size: int, expected: str, *, count: int) -> Stored:
    """Check the stored object by HEAD: size always, ETag where it has MD5 form."""
    try:
        head = bucket.head(key)
    except DeliveryError as error:
        if error.code in {"AccessDenied", "HTTP403"}:
            return Stored(key, size, "not verified")
        raise
    if head is None or head.size != size:
        found = "is not there" if head is None else f"has {head.size:,} bytes, not {size:,}"
        raise DeliveryError(
            f"Cloud sync failed: {key} {found} after the upload.",
            code="VerifyFailed",
            retryable=True,
        )
    if count:
        comparable = bucket.multipart_etag_is_md5 and is_multipart_etag(head.etag, count)
    else:
        comparable = is_md5(head.etag)
    if bucket.encrypted or not comparable:
        return Stored(key, size, "size")
    if head.etag != expected:
        raise DeliveryError(
            f"Cloud sync failed: {key} is not what was sent (ETag differs).",
            code="VerifyFailed",
            retryable=True,
        )
    return Stored(key, size, "etag")


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
